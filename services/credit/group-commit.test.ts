import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { audit } from "../../tests/ledger/forged-log.ts";
import {
	assertChain,
	balanceIn,
	cancel,
	gate,
	idOf,
	idsIn,
	OPENING,
	openedWriter,
	pay,
	wordOf,
	wordsOf,
	writer,
} from "../../tests/ledger/group-writer.ts";
import { type Fault, faultsInOrder, MemoryLog, type Trouble, turns } from "../../tests/ledger/memory-journal.ts";
import { GroupCommit } from "./group-commit.ts";
import { entriesOf } from "./journal.ts";
import type { Command, CommandId, Jti, TransferId } from "./model.ts";
import { ResidentBook } from "./resident-book.ts";

const expiry = (transferId: string): Command => ({
	...idOf(`expire ${transferId}`),
	type: "expire",
	transferId: transferId as TransferId,
});

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

describe("time", () => {
	it("never runs backwards in the log, whatever the clock does", async () => {
		const times = [5_000, 5_000, 4_000, 1, 6_000, 5_999];
		const { commit, log } = await openedWriter({ clock: () => times.shift() ?? 7_000 });
		assert.equal(await wordOf(commit.submit(pay("t1", 1, { deadlineMs: 5_000 }))), "new applied");
		assert.equal(await wordOf(commit.submit(pay("t2", 1, { deadlineMs: 3_999 }))), "new deadline_exceeded");
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
		await behind.commit.submit(pay("t"));
		assert.equal(log.head.committedAtMs, 9_000);
	});

	for (const aheadMs of [5_000, 600_000]) {
		it(`that a process put ${aheadMs} ms ahead makes nothing too late for the others, and nothing that is in time too early`, async () => {
			const nowMs = 1_000_000;
			const log = new MemoryLog();
			const { commit } = await openedWriter({ log, clock: () => nowMs });
			const held = pay("held", 1, { hold: { ttlMs: 3_000 } });
			assert.equal(await wordOf(commit.submit(held)), "new applied");
			const ahead = writer({ log, clock: () => nowMs + aheadMs });
			assert.equal(await wordOf(ahead.commit.submit(expiry("none"))), "new transfer_not_found");
			assert.equal(log.head.committedAtMs, nowMs + aheadMs);

			const redeem = { jti: "code" as Jti, expiresAtMs: nowMs + 1, cap: 1 };
			const words = wordsOf([
				commit.submit(pay("in time", 1, { deadlineMs: nowMs, redeem })),
				commit.submit(pay("late", 1, { deadlineMs: nowMs - 1 })),
				commit.submit(pay("old", 1, { redeem: { ...redeem, jti: "old" as Jti, expiresAtMs: nowMs } })),
				commit.submit(
					pay("too much", 5_000, { redeem: { jti: "used up" as Jti, expiresAtMs: nowMs + 1, cap: 5_000 } }),
				),
				commit.submit(expiry("held")),
				commit.submit({ ...idOf("post"), type: "post", transferId: "held" as TransferId }),
			]);
			assert.deepEqual(await words, [
				"new applied",
				"new deadline_exceeded",
				"new code_expired",
				"new insufficient_credit",
				"new not_pending",
				"new applied",
			]);
			assertChain(log);
			assert.equal(audit(log.groups), null, "the audit decides as they did");
		});

		it(`that a process put ${aheadMs} ms ahead makes no hold last longer, nor shorter`, async () => {
			let nowMs = 1_000_000;
			const log = new MemoryLog();
			const { commit, book } = await openedWriter({ log, clock: () => nowMs });
			const ahead = writer({ log, clock: () => nowMs + aheadMs });
			assert.equal(await wordOf(ahead.commit.submit(expiry("none"))), "new transfer_not_found");
			assert.equal(await wordOf(commit.submit(pay("held", 1, { hold: { ttlMs: 3_000 } }))), "new applied");
			const { createdAtMs, expiresAtMs } = book.transfer("held" as TransferId) ?? assert.fail();
			assert.deepEqual([createdAtMs, expiresAtMs], [nowMs + aheadMs, nowMs + 3_000]);

			nowMs += 2_999;
			assert.equal(await wordOf(commit.submit(expiry("held"))), "new not_pending");
			nowMs += 1;
			assert.equal(await wordOf(commit.submit({ ...expiry("held"), ...idOf("again") })), "new applied");
			assert.equal(audit(log.groups), null, "the audit decides as they did");
		});
	}
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
