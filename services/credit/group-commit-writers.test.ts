import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
	assertChain,
	balanceIn,
	cancel,
	gate,
	idsIn,
	OPENING,
	openedWriter,
	pay,
	wordOf,
	wordsOf,
	writer,
} from "../../tests/ledger/group-writer.ts";
import { faultsInOrder, MemoryLog, turns } from "../../tests/ledger/memory-journal.ts";
import type { Receipt } from "./group-commit.ts";
import type { AccountId, Jti } from "./model.ts";

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
