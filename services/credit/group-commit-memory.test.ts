import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
	assertChain,
	balanceIn,
	cancel,
	idOf,
	open,
	openedWriter,
	pay,
	type WriterOptions,
	wordOf,
	wordsOf,
	writer,
} from "../../tests/ledger/group-writer.ts";
import { MemoryLog } from "../../tests/ledger/memory-journal.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { AccountId, Command, CommandId, Jti, TransferId } from "./model.ts";

describe("what was forgotten", () => {
	/** Remembers nothing longer than it must. */
	const forgetful = { residents: { accountsMax: 0, transfersMax: 0 } };
	const forget = async (commit: GroupCommit) => {
		for (const n of [1, 2, 3]) await commit.submit(open(`wallet:filler ${n} ${Math.random()}`));
	};

	it("is found through the journal: the same answer under the same id, whether it was applied or refused", async () => {
		const { commit, book, log } = await openedWriter(forgetful);
		const first = await Promise.all([commit.submit(pay("t", 10)), commit.submit(pay("u", 5_000))]);
		await forget(commit);
		assert.equal(book.entry("t" as CommandId), undefined, "it was to be forgotten");
		const again = await Promise.all([commit.submit(pay("t", 10)), commit.submit(pay("u", 5_000))]);
		assert.deepEqual(
			again.map(({ entry }) => entry),
			first.map(({ entry }) => entry),
		);
		assert.deepEqual(
			again.map((receipt) => "replayed" in receipt && receipt.replayed),
			[true, true],
		);
		assertChain(log);
	});

	it("does not keep new commands of the same batch from being decided", async () => {
		const { commit, book } = await openedWriter(forgetful);
		await commit.submit(pay("t", 10));
		await forget(commit);
		const batch = [commit.submit(pay("new", 1)), commit.submit(pay("t", 10)), commit.submit(pay("newer", 1))];
		assert.deepEqual(await wordsOf(batch), ["new applied", "replay applied", "new applied"]);
		assert.equal(balanceIn(book, "wallet:a"), 988);
	});

	it("is taken all the same by another command", async () => {
		const { commit } = await openedWriter(forgetful);
		await commit.submit(pay("t", 10));
		await forget(commit);
		assert.equal(await wordOf(commit.submit({ ...pay("t", 10), fingerprint: "another" })), "reused");
	});

	it("is a used code that stays used", async () => {
		const { commit, book } = await openedWriter(forgetful);
		const redeem = { jti: "code" as Jti, expiresAtMs: 9_999, cap: 2_000 };
		await commit.submit(pay("t", 10, { redeem }));
		for (const n of [1, 2, 3])
			await commit.submit(pay(`filler ${n}`, 1, { redeem: { ...redeem, jti: `filler ${n}` as Jti } }));
		assert.equal(book.isRedeemed("code" as Jti), false, "it was to be forgotten");
		assert.equal(await wordOf(commit.submit(pay("u", 10, { redeem }))), "new code_used");
	});

	it("is a tombstone that keeps out, also a refund or an opening", async () => {
		const { commit } = await openedWriter(forgetful);
		await commit.submit(cancel("c", "late"));
		await forget(commit);
		assert.equal(await wordOf(commit.submit(pay("late", 1))), "replay cancelled");
		await forget(commit);
		assert.equal(await wordOf(commit.submit({ ...open("wallet:x"), id: "late" as CommandId })), "replay cancelled");
	});

	it("is a refused or cancelled id whose cancel has nothing to do", async () => {
		const { commit, log } = await openedWriter(forgetful);
		await wordsOf([commit.submit(pay("refused", 5_000)), commit.submit(cancel("c", "late"))]);
		await forget(commit);
		const [one, two] = await Promise.all([commit.submit(cancel("c1", "refused")), commit.submit(cancel("c2", "late"))]);
		for (const receipt of [one, two]) assert.equal(receipt?.entry?.tombstone, undefined);
		assertChain(log);
	});

	it("is a sale that is refunded, a hold that is posted, an account that is frozen", async () => {
		const { commit, book, loader } = await openedWriter({ ...forgetful, lag: () => 1 });
		await commit.submit(pay("sale", 10));
		await commit.submit(pay("hold", 20, { hold: { ttlMs: 10 } }));
		await forget(commit);
		await forget(commit);
		assert.equal(book.account("store:s" as AccountId), undefined, "it was to be forgotten");
		const loads = loader.loads;
		const transferId = "sale" as TransferId;
		assert.equal(await wordOf(commit.submit({ ...idOf("r"), type: "refund", transferId, details: {} })), "new applied");
		const posting: Command = { ...idOf("p"), type: "post", transferId: "hold" as TransferId };
		assert.equal(await wordOf(commit.submit(posting)), "new applied");
		assert.ok(loader.loads > loads);
		assert.equal(balanceIn(book, "store:s"), 20);
	});

	it("makes no difference: tiny limits and a lagging read model write the same log as no forgetting at all", async () => {
		const script = scriptOf(600);
		const [reference, ...others] = await Promise.all([
			play(script, {}),
			play(script, forgetful),
			play(script, { ...forgetful, lag: () => 9 }),
			play(script, { residents: { accountsMax: 2, transfersMax: 3 }, lag: lagOf(5) }),
			play(script, { residents: { accountsMax: 1, transfersMax: 30 }, lag: lagOf(40) }),
		]);
		assert.ok(reference && reference.hash.length === 64);
		for (const other of others) assert.deepEqual(other, reference);
	});

	/** A lag that goes up and down. */
	const lagOf = (most: number) => {
		let calls = 0;
		return () => Math.floor(Math.abs(Math.sin(calls++)) * most);
	};

	/** Batches over many accounts that come back to old ones, with repetitions of old ids. */
	function scriptOf(count: number): Command[][] {
		const wallets = Array.from({ length: 8 }, (_, n) => `wallet:${n}` as AccountId);
		const script: Command[][] = [[open("system:funding"), open("store:s"), ...wallets.map(open)]];
		let seed = 7;
		const below = (bound: number) => {
			seed = (seed * 48_271) % 2_147_483_647;
			return seed % bound;
		};
		const wallet = () => wallets[below(wallets.length)] ?? assert.fail();
		const any = (n: number): Command => {
			const old = `t${below(Math.max(n, 1))}`;
			switch (below(10)) {
				case 0:
					return { ...idOf(`t${n}`), type: "refund", transferId: old as TransferId, details: {} };
				case 1:
					return { ...idOf(`t${n}`), type: "post", transferId: old as TransferId };
				case 2:
					return { ...idOf(`t${n}`), type: "void", transferId: old as TransferId };
				case 3:
					return pay(old, 1, { debitAccountId: wallet() });
				case 4:
				case 5: {
					const debitAccountId = "system:funding" as AccountId;
					return pay(`t${n}`, 1 + below(50), { kind: "charge", debitAccountId, creditAccountId: wallet() });
				}
				case 6:
					return pay(`t${n}`, 1 + below(20), { debitAccountId: wallet(), hold: { ttlMs: 1_000 } });
				default:
					return pay(`t${n}`, 1 + below(20), { debitAccountId: wallet() });
			}
		};
		for (let n = 0; n < count; ) script.push(Array.from({ length: 1 + below(4) }, () => any(n++)));
		return script;
	}

	async function play(script: readonly Command[][], options: WriterOptions) {
		const { commit, log } = writer(options);
		const words: string[] = [];
		for (const batch of script) words.push(...(await wordsOf(batch.map((command) => commit.submit(command)))));
		assertChain(log);
		assert.ok(words.filter((word) => word === "replay applied").length > 10);
		return { words, hash: log.head.hash };
	}
});

describe("what is not in memory", () => {
	/** A writer whose book is empty and whose read model has the whole log; what it asks the read model for. */
	async function emptyWriter(log: MemoryLog) {
		const started = writer({ log });
		const asked: string[][] = [];
		const { accounts, transfers } = started.loader;
		started.loader.accounts = (ids) => {
			asked.push([...ids]);
			return accounts.call(started.loader, ids);
		};
		started.loader.transfers = (ids) => {
			asked.push([...ids]);
			return transfers.call(started.loader, ids);
		};
		for (const group of log.groups) started.loader.project(group);
		await started.commit.start(started.loader.head);
		return { ...started, asked };
	}
	const refund = (id: string, transferId: string): Command => ({
		...idOf(id),
		...{ type: "refund", transferId: transferId as TransferId, amount: 1, details: {} },
	});

	it("is asked for once, and what is there is not asked for", async () => {
		const log = new MemoryLog();
		await openedWriter({ log }).then(({ commit }) => commit.submit(pay("sale", 10)));
		const { commit, asked } = await emptyWriter(log);
		assert.deepEqual(asked, []);
		const words = await wordsOf(
			[pay("t"), pay("u"), refund("r", "sale"), refund("s", "sale")].map((c) => commit.submit(c)),
		);
		assert.deepEqual(words, Array(4).fill("new applied"));
		assert.deepEqual(asked, [["sale"], ["wallet:a", "store:s"]]);
		await commit.submit(open("wallet:b"));
		await commit.submit(pay("v", 1, { creditAccountId: "wallet:b" as AccountId }));
		await commit.submit(refund("w", "sale"));
		assert.deepEqual(asked.slice(2), [["wallet:b"]]);
		await commit.submit(refund("x", "never"));
		assert.deepEqual(asked.slice(3), [["never"]]);
	});

	it("is there before another writer's entries change it", async () => {
		const log = new MemoryLog();
		const one = await openedWriter({ log });
		await one.commit.submit(pay("hold", 10, { hold: { ttlMs: 10 } }));
		const { commit, book, asked } = await emptyWriter(log);
		const transferId = "hold" as TransferId;
		await one.commit.submit({ ...idOf("v"), type: "void", transferId });
		const accountId = "wallet:b" as AccountId;
		await one.commit.submit(open(accountId));
		await one.commit.submit({ ...idOf("f"), type: "set-state", accountId, state: "frozen", reason: "" });
		await one.commit.submit(pay("t", 5));
		await commit.reached(one.commit.head.sequence);
		assert.deepEqual(asked, [["hold"], ["wallet:a", "store:s"]]);
		assert.deepEqual([book.transfer(transferId)?.state, book.holds.size], ["voided", 0]);
		assert.equal(book.account(accountId)?.state, "frozen");
		assert.equal(balanceIn(book, "wallet:a"), 995);
	});

	it("is the account whose state another writer changes", async () => {
		const log = new MemoryLog();
		const one = await openedWriter({ log });
		const { commit, book, asked } = await emptyWriter(log);
		const accountId = "wallet:a" as AccountId;
		await one.commit.submit({ ...idOf("f"), type: "set-state", accountId, state: "frozen", reason: "" });
		await commit.reached(one.commit.head.sequence);
		assert.deepEqual(asked, [["wallet:a"]]);
		assert.equal(book.account(accountId)?.state, "frozen");
	});
});
