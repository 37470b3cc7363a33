import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import {
	type Fault,
	faultsInOrder,
	LaggingLoader,
	MemoryJournal,
	MemoryLog,
	type Trouble,
	turn,
	turns,
} from "../../tests/ledger/memory-journal.ts";
import { type CommitLimits, GroupCommit, type Receipt } from "./group-commit.ts";
import { entriesOf, type Group, type Head, hashOf } from "./journal.ts";
import {
	type Account,
	type AccountId,
	availableOf,
	type Command,
	type CommandId,
	type Jti,
	type TransferId,
} from "./model.ts";
import { SqliteReadModel } from "./read-model-sqlite.ts";
import { ResidentBook, type ResidentLimits } from "./resident-book.ts";
import { RunningLedger } from "./running-ledger.ts";

type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;

const idOf = (id: string) => ({ id: id as CommandId, fingerprint: `asked ${id}` });
const open = (id: string): Of<"open"> => ({
	...idOf(`open ${id}`),
	type: "open",
	accountId: id as AccountId,
	kind: id.startsWith("system:") ? "system" : id.startsWith("store:") ? "store" : "wallet",
	owner: id,
});
const pay = (id: string, amount = 1, rest: Partial<Of<"transfer">> = {}): Of<"transfer"> => ({
	...idOf(id),
	type: "transfer",
	kind: "sale",
	debitAccountId: "wallet:a" as AccountId,
	creditAccountId: "store:s" as AccountId,
	amount,
	details: {},
	...rest,
});
const cancel = (id: string, target: string): Of<"cancel"> => ({
	...idOf(id),
	type: "cancel",
	targetId: target as CommandId,
	details: {},
});
const charge = pay("charge", 1_000, {
	kind: "charge",
	debitAccountId: "system:funding" as AccountId,
	creditAccountId: "wallet:a" as AccountId,
});
const OPENING: Command[] = [open("system:funding"), open("wallet:a"), open("store:s"), charge];

type WriterOptions = {
	readonly log?: MemoryLog;
	readonly trouble?: Trouble;
	readonly clock?: () => number;
	readonly limits?: Partial<CommitLimits>;
	readonly residents?: Partial<ResidentLimits>;
	readonly lag?: () => number;
	readonly onAppended?: (head: Head) => void;
};

function writer({ log, trouble, clock, limits, residents, lag, onAppended }: WriterOptions = {}) {
	const journal = new MemoryJournal(log, trouble);
	const loader = new LaggingLoader(lag);
	const book = new ResidentBook(residents);
	const committed: Group[] = [];
	const failures: unknown[] = [];
	const commit = new GroupCommit({
		journal,
		book,
		loader,
		clock: clock ?? (() => 1_000),
		limits: limits ?? {},
		onFailed: (error) => failures.push(error),
		...(onAppended && { onAppended }),
		onCommitted: (group) => {
			committed.push(group);
			loader.project(group);
		},
	});
	return { journal, loader, book, committed, failures, commit, log: journal.log };
}

/** A writer with the accounts opened and 1,000 in wallet:a. */
async function openedWriter(options: WriterOptions = {}) {
	const opened = writer({ ...options, trouble: () => undefined });
	await Promise.all(OPENING.map((command) => opened.commit.submit(command)));
	if (options.trouble) opened.journal.trouble = options.trouble;
	return opened;
}

/** What became of it, in a word or two. */
async function wordOf(receipt: Promise<Receipt>): Promise<string> {
	try {
		const { entry, ...rest } = await receipt;
		if (!entry) return "reused";
		return `${"replayed" in rest && rest.replayed ? "replay" : "new"} ${entry.refusal ?? "applied"}`;
	} catch (error) {
		return (error as { type?: string }).type ?? `${error}`;
	}
}
const wordsOf = (receipts: readonly Promise<Receipt>[]): Promise<string[]> => Promise.all(receipts.map(wordOf));

const idsIn = (log: MemoryLog): string[][] => log.groups.map((group) => entriesOf(group).map(({ id }) => id));
const balance = ({ creditsPosted, debitsPosted }: Account) => creditsPosted - debitsPosted;
const balanceIn = (book: ResidentBook, id: string) => balance(book.account(id as AccountId) ?? assert.fail(id));

function assertChain(log: MemoryLog): void {
	let [sequence, hash, atMs] = [0, "0".repeat(64), 0];
	const ids = new Set<string>();
	for (const group of log.groups) {
		assert.equal(group.sequence, ++sequence);
		assert.equal(group.previousHash, hash);
		assert.equal(group.hash, hashOf(group));
		assert.ok(group.committedAtMs >= atMs, `time runs backwards in ${sequence}`);
		[hash, atMs] = [group.hash, group.committedAtMs];
		for (const { id } of entriesOf(group)) {
			assert.equal(ids.has(id), false, `${id} is in the log twice`);
			ids.add(id);
		}
	}
}

/** Holds the appends up until they are let go. */
function gate() {
	let release = () => {};
	const opened = new Promise<undefined>((resolve) => {
		release = () => resolve(undefined);
	});
	const trouble: Trouble = (operation) => (operation === "append" ? opened : undefined);
	return { trouble, release };
}

describe("an answer", () => {
	it("comes only after the append, and the book has nothing before", async () => {
		const { trouble, release } = gate();
		const { commit, book, committed, log } = await openedWriter({ trouble });
		let answered = false;
		const receipt = commit.submit(pay("t", 10)).finally(() => {
			answered = true;
		});
		await turns(20);
		assert.deepEqual([answered, balanceIn(book, "wallet:a"), committed.length], [false, 1_000, 1]);
		assert.equal(book.entry("t" as CommandId), undefined);
		release();
		const { entry, ...rest } = await receipt;
		assert.deepEqual(rest, { replayed: false, sequence: 2 });
		assert.deepEqual(entry, entriesOf(log.groups[1] ?? assert.fail())[0]);
		assert.equal(balanceIn(book, "wallet:a"), 990);
	});

	it("of another command under the same id is that the id is taken", async () => {
		const { commit } = await openedWriter();
		await commit.submit(pay("t"));
		assert.deepEqual(await commit.submit({ ...pay("t"), fingerprint: "another" }), { entry: null });
	});

	it("of the same command twice at once is one new and one repeated, with one effect", async () => {
		const { commit, book } = await openedWriter();
		const words = await wordsOf([commit.submit(pay("t", 10)), commit.submit(pay("t", 10))]);
		assert.deepEqual(words, ["new applied", "replay applied"]);
		assert.equal(balanceIn(book, "wallet:a"), 990);
	});

	it("that was given before makes no group", async () => {
		const { commit, log } = await openedWriter();
		await commit.submit(pay("t"));
		await commit.submit(pay("t"));
		assert.equal(log.groups.length, 2);
	});
});

describe("groups", () => {
	it("take all that wait, in order, while one append is in flight", async () => {
		const { trouble, release } = gate();
		const { commit, log } = await openedWriter({ trouble });
		const receipts = [commit.submit(pay("t0"))];
		await turns(5);
		for (let n = 1; n <= 50; n++) receipts.push(commit.submit(pay(`t${n}`)));
		await turns(5);
		assert.equal(commit.waiting, 50);
		release();
		const sequences = (await Promise.all(receipts)).map((receipt) => "sequence" in receipt && receipt.sequence);
		assert.deepEqual(sequences, [2, ...Array.from({ length: 50 }, () => 3)]);
		assert.deepEqual(
			idsIn(log)[2],
			Array.from({ length: 50 }, (_, n) => `t${n + 1}`),
		);
	});

	it("have at most groupMax commands, the first come first", async () => {
		const { commit, log } = await openedWriter({ limits: { groupMax: 4 } });
		await Promise.all(Array.from({ length: 10 }, (_, n) => commit.submit(pay(`t${n}`))));
		assert.deepEqual(idsIn(log).slice(1), [
			["t0", "t1", "t2", "t3"],
			["t4", "t5", "t6", "t7"],
			["t8", "t9"],
		]);
	});

	it("are told to onCommitted once each, in order, before the answers", async () => {
		const { commit, committed, log } = await openedWriter({ limits: { groupMax: 1 } });
		for (const n of [1, 2, 3]) {
			await commit.submit(pay(`t${n}`));
			assert.deepEqual(committed, log.groups);
		}
	});

	it("decide each command after those before it: the last credit is spent once", async () => {
		const { commit } = await openedWriter();
		const words = await wordsOf([commit.submit(pay("all", 1_000)), commit.submit(pay("more", 1))]);
		assert.deepEqual(words, ["new applied", "new insufficient_credit"]);
	});
});

describe("the queue", () => {
	it("refuses at once with ledger_busy and Retry-After what is over its bound, and takes more when it is shorter", async () => {
		const { trouble, release } = gate();
		const { commit } = await openedWriter({ trouble, limits: { queueMax: OPENING.length } });
		const inFlight = commit.submit(pay("t0"));
		await turns(5);
		const waiting = [1, 2, 3, 4].map((n) => commit.submit(pay(`t${n}`)));
		await assert.rejects(commit.submit(pay("t5")), (error: { type?: string; data?: object; retryable?: boolean }) => {
			assert.deepEqual([error.type, error.data, error.retryable], ["ledger_busy", { retryAfterS: 1 }, true]);
			return true;
		});
		release();
		assert.deepEqual(await wordsOf([inFlight, ...waiting]), Array(5).fill("new applied"));
		assert.equal(await wordOf(commit.submit(pay("t5"))), "new applied");
	});

	it("is empty when drain resolves", async () => {
		const { commit, log } = await openedWriter({ limits: { groupMax: 2 } });
		for (let n = 0; n < 9; n++) void commit.submit(pay(`t${n}`));
		await commit.drain();
		assert.equal(commit.waiting, 0);
		assert.equal(idsIn(log).flat().length, OPENING.length + 9);
		await commit.drain();
	});
});

describe("an unknown outcome", () => {
	const cases: [Fault, string][] = [
		["reply_lost", "replay applied"],
		["request_lost", "new applied"],
		["late", "replay applied"],
	];
	for (const [fault, expected] of cases) {
		it(`(${fault}) is answered to exactly that batch; repeated it is ${expected}, and nothing happens twice`, async () => {
			const { commit, log, book, failures } = await openedWriter({ trouble: faultsInOrder(undefined, fault) });
			const before = commit.submit(pay("before", 1));
			await turn();
			const batch = [commit.submit(pay("t1", 10)), commit.submit(pay("t2", 20)), commit.submit(pay("t3", 5_000))];
			await assert.rejects(batch[2] ?? assert.fail(), { type: "outcome_unknown", retryable: true });
			const following = commit.submit(pay("following", 2));
			assert.deepEqual(await wordsOf([before, ...batch, following]), [
				"new applied",
				...Array(3).fill("outcome_unknown"),
				"new applied",
			]);
			assert.equal(failures.length, 1);
			await turns(10);
			const again = await wordsOf([commit.submit(pay("t1", 10)), commit.submit(pay("t2", 20))]);
			// A late append loses against the one that was made meanwhile: it is decided anew.
			const lost = fault === "late" && !idsIn(log).some((ids) => ids.includes("t3") && ids.includes("t1"));
			assert.deepEqual(again, Array(2).fill(lost ? "new applied" : expected));
			assert.equal(balanceIn(book, "wallet:a"), 1_000 - 1 - 10 - 20 - 2);
			assertChain(log);
		});
	}

	it("is found out without anybody asking again", async () => {
		const { commit, book, committed, log } = await openedWriter({ trouble: faultsInOrder("reply_lost") });
		await wordOf(commit.submit(pay("t", 10)));
		await commit.drain();
		assert.deepEqual([balanceIn(book, "wallet:a"), committed], [990, log.groups]);
	});

	it("of an append that comes late, when nothing was appended meanwhile, is found by the repetition", async () => {
		const { commit, log, book } = await openedWriter({ trouble: faultsInOrder("late") });
		assert.equal(await wordOf(commit.submit(pay("t", 10))), "outcome_unknown");
		await turns(10);
		assert.equal(await wordOf(commit.submit(pay("t", 10))), "replay applied");
		assert.equal(balanceIn(book, "wallet:a"), 990);
		assertChain(log);
	});

	it("of an append that comes late, while its repetition is on the way, has one effect", async () => {
		for (let delay = 0; delay < 12; delay++) {
			const { commit, journal, log, book } = await openedWriter({ trouble: faultsInOrder("late", "slow", "slow") });
			journal.turns = () => 6;
			assert.equal(await wordOf(commit.submit(pay("t", 10))), "outcome_unknown");
			await turns(delay);
			assert.match(await wordOf(commit.submit(pay("t", 10))), /applied$/);
			await turns(20);
			await commit.submit(pay("u", 1));
			assert.equal(balanceIn(book, "wallet:a"), 989, `repeated after ${delay} turns`);
			assertChain(log);
		}
	});
});

describe("an append that surely failed", () => {
	it("is answered with ledger_unavailable to that batch, and leaves nothing", async () => {
		const { commit, log, book, failures } = await openedWriter({ trouble: faultsInOrder("unavailable") });
		const words = await wordsOf([commit.submit(pay("t1", 10)), commit.submit(pay("t2", 10))]);
		assert.deepEqual(words, ["ledger_unavailable", "ledger_unavailable"]);
		assert.equal(failures.length, 1);
		assert.equal(log.groups.length, 1);
		assert.equal(balanceIn(book, "wallet:a"), 1_000);
		assert.equal(await wordOf(commit.submit(pay("t1", 10))), "new applied");
	});

	it("is what a log that cannot be read means for commands that were not appended", async () => {
		const log = new MemoryLog();
		const first = await openedWriter({ log });
		const rival = writer({ log });
		let broken = true;
		rival.journal.trouble = (operation) => (operation === "read" && broken ? "request_lost" : undefined);
		assert.equal(await wordOf(rival.commit.submit(pay("t"))), "ledger_unavailable");
		broken = false;
		assert.equal(await wordOf(rival.commit.submit(pay("t"))), "new applied");
		assert.equal(await wordOf(first.commit.submit(pay("t"))), "replay applied");
		assertChain(log);
	});

	it("is what a read model that cannot be read means, and the next command is served", async () => {
		const { commit, loader, log } = await openedWriter();
		const real = loader.accounts.bind(loader);
		loader.accounts = () => Promise.reject(new Error("the read model is away"));
		const other = pay("t", 1, { creditAccountId: "wallet:unknown" as AccountId });
		assert.equal(await wordOf(commit.submit(other)), "ledger_unavailable");
		loader.accounts = real;
		assert.equal(await wordOf(commit.submit(other)), "new account_not_found");
		assertChain(log);
	});

	it("is what a programmer's error in a batch means for that batch, and the next one is served", async () => {
		const { commit, book, log } = await openedWriter();
		const hold = { id: "h" as TransferId, kind: "sale", amount: 1, state: "pending", refunded: 0 } as const;
		const sides = { debitAccountId: "wallet:no" as AccountId, creditAccountId: "wallet:no" as AccountId };
		book.putTransfer({ ...hold, ...sides, reference: null, details: {}, createdAtMs: 1, expiresAtMs: 2 });
		const broken: Command = { ...idOf("v"), type: "void", transferId: "h" as TransferId };
		const words = await wordsOf([commit.submit(broken), commit.submit(pay("t"))]);
		assert.deepEqual(words, ["ledger_unavailable", "ledger_unavailable"]);
		assert.equal(await wordOf(commit.submit(pay("t"))), "new applied");
		assertChain(log);
	});
});

describe("two writers on one log", () => {
	it("that both believe: one chain, each id one effect, both in the end with the same book", async () => {
		const log = new MemoryLog();
		const writers = [await openedWriter({ log, lag: () => 2 }), writer({ log, limits: { groupMax: 5 }, lag: () => 7 })];
		const receipts: Promise<Receipt>[] = [];
		for (let n = 0; n < 200; n++) {
			// Every third one is sent to both, as a caller does who hedges.
			const asked = n % 3 === 0 ? writers : [writers[n % 2] ?? assert.fail()];
			receipts.push(...asked.map(({ commit }) => commit.submit(pay(`t${n}`, 1 + (n % 7)))));
			if (n % 5 === 0) await turns(n % 4);
		}
		const words = await wordsOf(receipts);
		assert.equal(words.filter((word) => word === "new applied").length, 200);
		assert.equal(words.filter((word) => word === "replay applied").length, receipts.length - 200);
		await assertSame(log, writers);
		assert.equal(idsIn(log).flat().length, OPENING.length + 200 + 2);
	});

	/** After one more command each, which makes them read what the other wrote. */
	async function assertSame(log: MemoryLog, writers: readonly ReturnType<typeof writer>[]): Promise<void> {
		for (const [n, { commit }] of writers.entries()) await commit.submit(pay(`last of ${n}`));
		for (const { commit } of writers) await commit.submit(pay("last of 0"));
		for (const { commit } of writers) await commit.submit({ ...pay("last of 1") });
		assertChain(log);
		const [one, ...others] = writers.map(({ book }) =>
			["wallet:a", "store:s"].map((id) => book.account(id as AccountId)),
		);
		for (const other of others) assert.deepEqual(other, one);
		for (const { committed } of writers) assert.deepEqual(committed, log.groups, "told every group once and in order");
	}

	it("give one answer to one command, whoever is asked", async () => {
		const log = new MemoryLog();
		const one = await openedWriter({ log });
		const two = writer({ log });
		const receipts = await Promise.all([one, two].map(({ commit }) => commit.submit(pay("t", 10))));
		const [left, right] = receipts;
		assert.deepEqual(left?.entry, right?.entry);
		assert.deepEqual(receipts.map((receipt) => "replayed" in receipt && receipt.replayed).sort(), [false, true]);
	});

	it("spend the last credit once, and use a code once", async () => {
		const log = new MemoryLog();
		const writers = [await openedWriter({ log }), writer({ log })];
		const redeem = { jti: "code" as Jti, expiresAtMs: 9_999, cap: 2_000 };
		const spending = writers.map(({ commit }, n) => commit.submit(pay(`all ${n}`, 900)));
		assert.deepEqual((await wordsOf(spending)).sort(), ["new applied", "new insufficient_credit"]);
		const redeeming = writers.map(({ commit }, n) => commit.submit(pay(`code ${n}`, 10, { redeem })));
		assert.deepEqual((await wordsOf(redeeming)).sort(), ["new applied", "new code_used"]);
		assertChain(log);
	});

	it("find the answer that the other gave and whose reply was lost", async () => {
		const log = new MemoryLog();
		const one = await openedWriter({ log, trouble: faultsInOrder("reply_lost") });
		const two = writer({ log });
		assert.equal(await wordOf(one.commit.submit(pay("t", 10))), "outcome_unknown");
		assert.equal(await wordOf(two.commit.submit(pay("t", 10))), "replay applied");
		assert.equal(balanceIn(two.book, "wallet:a"), 990);
	});

	it("keep a late arrival out that the other cancelled", async () => {
		const log = new MemoryLog();
		const one = await openedWriter({ log });
		const two = writer({ log });
		assert.equal(await wordOf(two.commit.submit(cancel("c", "t"))), "new applied");
		assert.equal(await wordOf(one.commit.submit(pay("t", 10))), "replay cancelled");
	});

	it("a catch-up that fails half way starts again without harm", async () => {
		const log = new MemoryLog();
		const one = await openedWriter({ log });
		for (let n = 0; n < 150; n++) await one.commit.submit(pay(`t${n}`));
		const two = writer({ log });
		let reads = 0;
		two.journal.trouble = (operation) => (operation === "read" && ++reads % 2 === 0 ? "request_lost" : undefined);
		let attempts = 0;
		while ((await wordOf(two.commit.submit(pay("t0")))) !== "replay applied") attempts++;
		assert.ok(attempts >= 2, `${attempts} attempts failed`);
		assert.deepEqual(two.committed, log.groups);
		assert.deepEqual(two.book.account("wallet:a" as AccountId), one.book.account("wallet:a" as AccountId));
	});
});

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

describe("time", () => {
	it("never runs backwards in the log, whatever the clock does, and decides with the log's", async () => {
		const times = [5_000, 5_000, 4_000, 1, 6_000, 5_999];
		const { commit, log } = await openedWriter({ clock: () => times.shift() ?? 7_000 });
		assert.equal(await wordOf(commit.submit(pay("t1", 1, { deadlineMs: 5_000 }))), "new applied");
		assert.equal(await wordOf(commit.submit(pay("t2", 1, { deadlineMs: 4_999 }))), "new deadline_exceeded");
		await commit.submit(pay("t3"));
		await commit.submit(pay("t4"));
		await commit.submit(pay("t5"));
		assert.deepEqual(
			log.groups.map(({ committedAtMs }) => committedAtMs),
			[5_000, 5_000, 5_000, 5_000, 6_000, 6_000],
		);
		assertChain(log);
	});

	it("is the newest of all writers', also for one whose clock is behind", async () => {
		const log = new MemoryLog();
		await openedWriter({ log, clock: () => 9_000 });
		const behind = writer({ log, clock: () => 2_000 });
		assert.equal(await wordOf(behind.commit.submit(pay("t", 1, { deadlineMs: 8_000 }))), "new deadline_exceeded");
		assert.equal(log.head.committedAtMs, 9_000);
	});
});

describe("a start", () => {
	it("where the read model ends goes on with the rest of the log, and knows the holds", async () => {
		const log = new MemoryLog();
		const first = await openedWriter({ log, lag: () => 4 });
		await first.commit.submit(pay("hold", 100, { hold: { ttlMs: 10_000 } }));
		for (let n = 0; n < 8; n++) await first.commit.submit(pay(`t${n}`, 1));
		const { journal, loader, committed } = first;
		const book = new ResidentBook();
		const commit = new GroupCommit({
			...{ journal, loader, book, clock: () => 1_000, onFailed: () => {} },
			onCommitted: (group) => void committed.push(group),
		});
		assert.ok(loader.watermark > 2 && loader.watermark < log.groups.length);
		for (const hold of loader.holds) book.putTransfer(hold);
		await commit.start(loader.head);
		assert.equal(commit.head.sequence, log.groups.length);
		assert.equal(await wordOf(commit.submit(pay("too much", 893))), "new insufficient_credit");
		const posting: Command = { ...idOf("p"), type: "post", transferId: "hold" as TransferId, amount: 60 };
		assert.equal(await wordOf(commit.submit(posting)), "new applied");
		assert.equal(balanceIn(book, "wallet:a"), 1_000 - 8 - 60);
		assertChain(log);
	});

	it("on a log that is no chain fails", async () => {
		const log = new MemoryLog();
		const { commit } = await openedWriter({ log });
		for (let n = 0; n < 3; n++) await commit.submit(pay(`t${n}`));
		log.groups[2] = { ...(log.groups[2] ?? assert.fail()), previousHash: "f".repeat(64) };
		const second = writer({ log });
		await assert.rejects(second.commit.start({ sequence: 0, hash: "0".repeat(64), committedAtMs: 0 }), /not a chain/);
		assert.equal(second.commit.head.sequence, 2);
	});
});

describe("what cannot be appended", () => {
	const counting = (answer: () => Fault | undefined) => {
		const counted = { appends: 0 };
		const trouble: Trouble = (operation) => {
			if (operation !== "append") return undefined;
			counted.appends++;
			return answer();
		};
		return { counted, trouble };
	};

	it("a cancel of itself is refused, and the ledger goes on", async () => {
		const { commit, log } = await openedWriter();
		const words = await wordsOf([commit.submit(cancel("c", "c")), commit.submit(pay("t"))]);
		assert.deepEqual(words, ["new not_cancellable", "new applied"]);
		assertChain(log);
	});

	it("because the journal knows a claim that it does not find, is given up in the end", async () => {
		const { counted, trouble } = counting(() => undefined);
		const { commit, journal } = await openedWriter({ trouble });
		const real = journal.append.bind(journal);
		journal.append = async (group, claims) => {
			await real({ ...group, sequence: 0 }, []);
			return { result: "duplicate", claims };
		};
		assert.equal(await wordOf(commit.submit(pay("t"))), "ledger_unavailable");
		assert.ok(counted.appends <= 200, `${counted.appends} appends for one command`);
		journal.append = real;
		assert.equal(await wordOf(commit.submit(pay("t"))), "new applied");
	});

	it("because another writer is always first, is given up in the end", async () => {
		const log = new MemoryLog();
		const rival = await openedWriter({ log });
		let rivals = 0;
		const { commit, journal } = writer({ log });
		journal.trouble = async (operation) => {
			if (operation === "append" && rivals++ < 1_000) await rival.commit.submit(pay(`rival ${rivals}`, 1));
			return undefined;
		};
		assert.equal(await wordOf(commit.submit(pay("t"))), "ledger_unavailable");
		assert.ok(rivals <= 200, `${rivals} appends for one command`);
		rivals = 1_000;
		assert.equal(await wordOf(commit.submit(pay("t"))), "new applied");
		assertChain(log);
	});

	it("because the start is not in the log, is found out at the start", async () => {
		const { commit, log } = await openedWriter();
		const restored = new MemoryLog();
		const other = await openedWriter({ clock: () => 2_000 });
		for (const wrong of [{ ...commit.head, sequence: 9 }, other.commit.head]) {
			await assert.rejects(writer({ log }).commit.start(wrong), /not in this log/);
			await assert.rejects(writer({ log: restored }).commit.start(wrong), /not in this log/);
		}
		await writer({ log }).commit.start(commit.head);
	});
});

describe("a group's size", () => {
	const note = (length: number) => ({ details: { note: "x".repeat(length) } });

	it("is bounded: what is too long becomes several groups, in order, and each command one answer", async () => {
		const { commit, log } = await openedWriter({ limits: { bodyMax: 10_000 } });
		const commands = Array.from({ length: 100 }, (_, n) => pay(`t${n}`, 1, note(n % 10 === 0 ? 5_000 : 300)));
		const words = await wordsOf(commands.map((command) => commit.submit(command)));
		assert.deepEqual(words, Array(100).fill("new applied"));
		assert.deepEqual(
			idsIn(log).slice(1).flat(),
			commands.map(({ id }) => id),
		);
		for (const { body } of log.groups) assert.ok(body.length <= 10_000, `a group has ${body.length} characters`);
		assertChain(log);
	});

	it("is what it must be for a single command that is longer", async () => {
		const { commit, log } = await openedWriter({ limits: { bodyMax: 10_000 } });
		const words = await wordsOf(["a", "b", "c"].map((id) => commit.submit(pay(id, 1, note(id === "b" ? 30_000 : 10)))));
		assert.deepEqual(words, Array(3).fill("new applied"));
		assert.deepEqual(idsIn(log).slice(1).flat(), ["a", "b", "c"]);
	});

	it("fits into a document of MongoDB, whatever the letters", async () => {
		const { commit, log } = await openedWriter();
		const receipts = Array.from({ length: 800 }, (_, n) =>
			commit.submit(pay(`t${n}`, 1, { details: { note: "한".repeat(10_000) } })),
		);
		await Promise.all(receipts);
		for (const { body } of log.groups) assert.ok(Buffer.byteLength(body) < 16_000_000);
	});

	it("split off what then fails: exactly the part that was sent is unknown, and what was not is not booked", async () => {
		const trouble = faultsInOrder(undefined, "reply_lost");
		const { commit, log } = await openedWriter({ limits: { bodyMax: 3_000 }, trouble });
		const words = await wordsOf(["a", "b", "c", "d"].map((id) => commit.submit(pay(id, 1, note(2_000)))));
		assert.deepEqual(words, ["new applied", "outcome_unknown", "ledger_unavailable", "ledger_unavailable"]);
		assert.deepEqual(idsIn(log).slice(1).flat(), ["a", "b"]);
	});

	it("does not leave those unanswered who came while the log could not be read", async () => {
		const { commit, journal } = await openedWriter();
		journal.trouble = async (operation) => {
			if (operation === "append") return "request_lost";
			await turns(6);
			return "unavailable";
		};
		assert.equal(await wordOf(commit.submit(pay("t1"))), "outcome_unknown");
		await turns(4);
		const receipt = wordOf(commit.submit(pay("t2")));
		const answer = await Promise.race([receipt, turns(100).then(() => "no answer")]);
		assert.equal(answer, "ledger_unavailable");
	});
});

describe("reached", () => {
	it("resolves when the book has what another writer appended", async () => {
		const log = new MemoryLog();
		const one = await openedWriter({ log });
		const two = writer({ log });
		await two.commit.reached(1);
		assert.equal(balanceIn(two.book, "wallet:a"), 1_000);
		await one.commit.submit(pay("t", 10));
		await two.commit.reached(2);
		assert.equal(balanceIn(two.book, "wallet:a"), 990);
		assert.deepEqual(two.committed, log.groups);
	});

	it("rejects with ledger_unavailable when the log cannot be read, or does not have it", async () => {
		const log = new MemoryLog();
		await openedWriter({ log });
		const two = writer({ log });
		await assert.rejects(two.commit.reached(2), { type: "ledger_unavailable" });
		const three = writer({ log, trouble: () => "request_lost" });
		await assert.rejects(three.commit.reached(1), { type: "ledger_unavailable" });
		three.journal.trouble = () => undefined;
		await three.commit.reached(1);
	});

	it("does not wait for the load to cease", async () => {
		const log = new MemoryLog();
		const one = await openedWriter({ log });
		const two = writer({ log });
		await two.commit.reached(1);
		let busy = true;
		let count = 0;
		/** Somebody who always has the next command ready while the one before is on the way. */
		const client = async (name: string) => {
			for (let n = 0; busy && n < 2_000; n++, count++) await wordOf(two.commit.submit(pay(`${name}.${n}`, 1)));
		};
		await one.commit.submit(pay("t", 10));
		const clients = [client("x"), turns(1).then(() => client("y")), turns(2).then(() => client("z"))];
		await two.commit.reached(one.commit.head.sequence);
		const needed = count;
		busy = false;
		await Promise.all(clients);
		assert.ok(needed < 1_000, `${needed} commands were answered before it resolved`);
	});
});

describe("follow", () => {
	it("reads as far as it was told and asks for no more; what it has it does not read again", async () => {
		const log = new MemoryLog();
		const one = await openedWriter({ log });
		const reads: string[] = [];
		const two = writer({ log });
		await two.commit.reached(1);
		two.journal.trouble = (operation) => void reads.push(operation);
		await one.commit.submit(pay("t1", 10));
		await one.commit.submit(pay("t2", 10));
		two.commit.follow(3);
		two.commit.follow(2);
		await two.commit.drain();
		assert.deepEqual([two.commit.head, balanceIn(two.book, "wallet:a")], [one.commit.head, 980]);
		assert.deepEqual(reads, ["read"]);
		two.commit.follow(3);
		await two.commit.drain();
		assert.deepEqual(reads, ["read"]);
	});

	it("goes on when the log cannot be read, or does not go so far, and tells why", async () => {
		const log = new MemoryLog();
		const one = await openedWriter({ log });
		const two = writer({ log });
		await two.commit.reached(1);
		two.commit.follow(9);
		await two.commit.drain();
		assert.equal(two.commit.head.sequence, 1);
		two.journal.trouble = () => "request_lost";
		await one.commit.submit(pay("t", 10));
		two.commit.follow(2);
		await two.commit.drain();
		assert.equal(two.failures.length, 1);
		two.journal.trouble = () => undefined;
		assert.equal(await wordOf(two.commit.submit(pay("u", 10))), "new applied");
		assert.equal(balanceIn(two.book, "wallet:a"), 980);
	});

	it("only the one that appended says so", async () => {
		const log = new MemoryLog();
		const told: string[] = [];
		const one = await openedWriter({ log, onAppended: ({ sequence }) => told.push(`one ${sequence}`) });
		const two = writer({ log, onAppended: ({ sequence }) => told.push(`two ${sequence}`) });
		await two.commit.reached(1);
		await two.commit.submit(pay("t", 10));
		await one.commit.reached(2);
		assert.deepEqual(told, ["one 1", "two 2"]);
	});
});

describe("the running ledger", () => {
	const folder = mkdtempSync(join(tmpdir(), "hannip-group-commit-"));
	after(() => rmSync(folder, { recursive: true }));
	const opened = new Set<RunningLedger>();
	afterEach(async () => {
		for (const ledger of opened) await close(ledger);
	});

	let files = 0;
	const newFile = () => join(folder, `${++files}.sqlite`);

	async function openOn(journal: MemoryJournal, path: string, clock: () => number): Promise<RunningLedger> {
		const ledger = await RunningLedger.open({ journal, readModel: await SqliteReadModel.open(path), clock });
		opened.add(ledger);
		return ledger;
	}

	async function close(ledger: RunningLedger): Promise<void> {
		opened.delete(ledger);
		await ledger.close();
	}

	async function ledgerOn(journal: MemoryJournal, clock: () => number): Promise<RunningLedger> {
		const ledger = await openOn(journal, newFile(), clock);
		await Promise.all(OPENING.map((command) => ledger.submit(command)));
		return ledger;
	}

	/** What is said about a payment from everywhere, in one value. */
	async function saidOf(ledger: RunningLedger, id: string) {
		const { state } = await ledger.outcome(id as CommandId);
		const found = await ledger.transfer(id as TransferId);
		const payer = await ledger.account("wallet:a" as AccountId);
		return [state, found?.state, payer && balance(payer)];
	}

	it("says of a payment whose reply was lost what became of it, of its transfer and of its account alike", async () => {
		const journal = new MemoryJournal();
		const ledger = await ledgerOn(journal, () => 1_000);
		journal.trouble = faultsInOrder("reply_lost", "request_lost");
		await assert.rejects(ledger.submit(pay("stored", 10)), { type: "outcome_unknown" });
		assert.deepEqual(await saidOf(ledger, "stored"), ["applied", "posted", 990]);
		await assert.rejects(ledger.submit(pay("lost", 10)), { type: "outcome_unknown" });
		assert.deepEqual(await saidOf(ledger, "lost"), ["not_seen", undefined, 990]);
	});

	it("says so of what another process booked, and of what was cancelled there", async () => {
		const log = new MemoryLog();
		const ledger = await ledgerOn(new MemoryJournal(log), () => 1_000);
		const other = writer({ log });
		await other.commit.submit(pay("t", 10));
		await other.commit.submit(pay("too much", 5_000));
		await other.commit.submit(cancel("c", "late"));
		assert.deepEqual(await saidOf(ledger, "t"), ["applied", "posted", 990]);
		assert.deepEqual(await saidOf(ledger, "too much"), ["refused", undefined, 990]);
		assert.deepEqual(await saidOf(ledger, "late"), ["refused", undefined, 990]);
	});

	it("finds by itself what others appended, also their holds, when it has nothing to do", async () => {
		const log = new MemoryLog();
		let nowMs = 1_000;
		const one = await ledgerOn(new MemoryJournal(log), () => nowMs);
		const two = await openOn(new MemoryJournal(log), newFile(), () => nowMs);
		await one.submit(pay("h", 60, { hold: { ttlMs: 10 } }));
		const seen = () => two.account("wallet:a" as AccountId).then((account) => account && availableOf(account));
		assert.equal(await seen(), 1_000);
		two.lookForMore();
		assert.equal(await seen(), 1_000, "it had something to do since the last look");
		two.lookForMore();
		await two.reached(log.groups.length);
		assert.equal(await seen(), 940);
		nowMs = 1_010;
		await two.expireHolds();
		assert.equal(await seen(), 1_000);
	});

	it("answers a taken id with idempotency_key_reused", async () => {
		const ledger = await ledgerOn(new MemoryJournal(), () => 1_000);
		await ledger.submit(pay("t", 10));
		await assert.rejects(ledger.submit({ ...pay("t", 10), fingerprint: "another" }), {
			type: "idempotency_key_reused",
		});
	});

	it("expires holds from their last millisecond on, and never early", async () => {
		const times = { nowMs: 1_000 };
		const journal = new MemoryJournal();
		const ledger = await ledgerOn(journal, () => times.nowMs);
		await ledger.submit(pay("h", 10, { hold: { ttlMs: 500 } }));
		for (const [nowMs, state] of [
			[1_499, "pending"],
			[1_500, "expired"],
			[1_501, "expired"],
		] as const) {
			times.nowMs = nowMs;
			await ledger.expireHolds();
			assert.equal((await ledger.transfer("h" as TransferId))?.state, state, `at ${nowMs}`);
		}
		assert.equal(idsIn(journal.log).flat().length, OPENING.length + 2, "an expired hold is left alone");
	});

	it("expires a hold even if the clock stepped back while it was to expire", async () => {
		const times = { nowMs: 1_000 };
		const ledger = await ledgerOn(new MemoryJournal(), () => times.nowMs);
		await ledger.submit(pay("h", 10, { hold: { ttlMs: 500 } }));
		times.nowMs = 1_500;
		const expiring = ledger.expireHolds();
		times.nowMs = 1_499;
		await expiring;
		assert.equal((await ledger.transfer("h" as TransferId))?.state, "pending");
		times.nowMs = 120_000;
		await ledger.expireHolds();
		assert.equal((await ledger.transfer("h" as TransferId))?.state, "expired");
	});

	it("started again has the holds, and expires them", async () => {
		const times = { nowMs: 1_000 };
		const log = new MemoryLog();
		const path = newFile();
		const open = () => openOn(new MemoryJournal(log), path, () => times.nowMs);
		const first = await open();
		for (const command of [...OPENING, pay("h", 10, { hold: { ttlMs: 500 } })]) await first.submit(command);
		await close(first);
		times.nowMs = 5_000;
		const again = await open();
		await again.expireHolds();
		assert.deepEqual(await saidOf(again, "h"), ["applied", "expired", 1_000]);
	});
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

describe("a failure is told with its reason", () => {
	const reasonOf = (failure: unknown): [message: string, cause: unknown] => [
		(failure as Error).message,
		((failure as Error).cause as Error | undefined)?.message,
	];

	it("when nobody knows whether the group is in the log", async () => {
		const { commit, failures } = await openedWriter({ trouble: faultsInOrder("request_lost") });
		assert.equal(await wordOf(commit.submit(pay("t"))), "outcome_unknown");
		assert.deepEqual(failures.map(reasonOf), [["an append neither failed nor succeeded", "no answer to append"]]);
	});

	it("when the journal says that it is not", async () => {
		const { commit, failures } = await openedWriter({ trouble: faultsInOrder("unavailable") });
		assert.equal(await wordOf(commit.submit(pay("t"))), "ledger_unavailable");
		assert.deepEqual(failures.map(reasonOf), [["no append at the moment", undefined]]);
	});

	it("when it was decided again and again", async () => {
		const { commit, failures, journal } = await openedWriter();
		let appends = 0;
		journal.append = async (_, claims) => {
			appends++;
			return { result: "duplicate", claims };
		};
		assert.equal(await wordOf(commit.submit(pay("t"))), "ledger_unavailable");
		assert.deepEqual(failures.map(reasonOf), [["a group was decided 100 times and could not be appended", undefined]]);
		assert.equal(appends, 100);
	});

	it("once for every attempt to read what somebody waits for", async () => {
		const log = new MemoryLog();
		await openedWriter({ log });
		const { commit, failures } = writer({ log, trouble: () => "request_lost" });
		await assert.rejects(commit.reached(1), { type: "ledger_unavailable" });
		assert.deepEqual(failures.map(reasonOf), Array(3).fill(["no answer to read", undefined]));
	});
});

describe("a conflict with what cannot be read yet", () => {
	it("is waited for: a busy writer does not use up its attempts within a moment", async () => {
		const log = new MemoryLog();
		const { commit } = await openedWriter({ log });
		const { commit: other, log: elsewhere } = await openedWriter();
		await other.submit(pay("rival", 10));
		const group = elsewhere.groups.at(-1) ?? assert.fail();
		const settle = log.appendToMinority(group, ["rival"]) ?? assert.fail();
		const answer = wordOf(commit.submit(pay("t", 995)));
		await turns(1_000);
		settle("settled_late");
		assert.equal(await answer, "new insufficient_credit");
		assert.deepEqual(idsIn(log).slice(1), [["rival"], ["t"]]);
	});
});

describe("the book", () => {
	it("forgets what the read model has, and nothing else", async () => {
		let lag = 100;
		const { commit, book } = await openedWriter({
			...{ residents: { accountsMax: 0, transfersMax: 0 }, lag: () => lag },
		});
		for (let n = 0; n < 10; n++) await commit.submit(pay(`t${n}`));
		assert.ok(book.transfer("t0" as TransferId), "the read model does not have it yet");
		lag = 0;
		for (let n = 10; n < 13; n++) await commit.submit(pay(`t${n}`));
		assert.equal(book.transfer("t1" as TransferId), undefined);
		assert.ok(book.transfer("t12" as TransferId));
	});
});

describe("a group takes", () => {
	it("whoever is ready in the same turn of the event loop", async () => {
		const { commit, log } = await openedWriter();
		const first = commit.submit(pay("a"));
		for (let n = 0; n < 50; n++) await undefined;
		await Promise.all([first, commit.submit(pay("b"))]);
		assert.deepEqual(idsIn(log).slice(1), [["a", "b"]]);
	});

	it("exactly as many characters as it may have", async () => {
		const groupsWith = async (bodyMax: number) => {
			const { commit, log } = await openedWriter({ limits: { bodyMax } });
			const before = log.groups.length;
			await Promise.all([commit.submit(pay("a")), commit.submit(pay("b"))]);
			return log.groups.slice(before);
		};
		const [together] = await groupsWith(4_000_000);
		const length = together?.body.length ?? assert.fail();
		assert.deepEqual([(await groupsWith(length)).length, (await groupsWith(length - 1)).length], [1, 2]);
	});
});

describe("whoever waits for a group", () => {
	it("hears of it when it was read, and not only when all that came after it is done", async () => {
		const log = new MemoryLog();
		const one = await openedWriter({ log });
		const { trouble, release } = gate();
		const two = writer({ log, trouble });
		const answer = two.commit.submit(pay("t"));
		const reached = [1, 1].map((sequence) => two.commit.reached(sequence).then(() => "reached"));
		const tooMuch = two.commit.reached(one.commit.head.sequence + 1).then(() => "too early");
		assert.equal(await Promise.race([...reached, tooMuch, turns(200).then(() => "nothing")]), "reached");
		assert.deepEqual(await Promise.all(reached), ["reached", "reached"]);
		release();
		assert.equal(await wordOf(answer), "new applied");
		assert.equal(await tooMuch, "too early", "its own group was that");
	});
});

describe("whoever waits for a group that is there", () => {
	it("does not wait, whatever is on its way", async () => {
		const { trouble, release } = gate();
		const { commit } = await openedWriter({ trouble });
		const answer = commit.submit(pay("t"));
		await turns(5);
		const reached = [0, 1].map((sequence) => commit.reached(sequence).then(() => "reached"));
		for (const each of reached) assert.equal(await Promise.race([each, turns(200).then(() => "nothing")]), "reached");
		release();
		await answer;
	});
});

describe("whoever is told how far the log goes", () => {
	it("asks for what is missing up to there, and for no more", async () => {
		const log = new MemoryLog();
		const one = await openedWriter({ log });
		const { commit, journal } = writer({ log });
		await commit.reached(1);
		await commit.drain();
		for (const id of ["t", "u", "v"]) await one.commit.submit(pay(id));
		const asked: unknown[] = [];
		const read = journal.read.bind(journal);
		journal.read = (range) => {
			asked.push(range);
			return read(range);
		};
		commit.follow(3);
		await commit.drain();
		assert.deepEqual(asked, [{ fromSequence: 2, groupsMax: 2 }]);
		assert.equal(commit.head.sequence, 3);
	});
});

describe("a start at the beginning", () => {
	it("asks for the first group, for none before it, and for none after the last", async () => {
		const log = new MemoryLog();
		const one = await openedWriter({ log });
		const { commit, journal } = writer({ log });
		const asked: number[] = [];
		const read = journal.read.bind(journal);
		journal.read = (range) => {
			asked.push(range.fromSequence);
			return read(range);
		};
		await commit.start({ sequence: 0, hash: "0".repeat(64), committedAtMs: 0 });
		assert.deepEqual(asked, [1]);
		assert.deepEqual(commit.head, one.commit.head);
	});
});
