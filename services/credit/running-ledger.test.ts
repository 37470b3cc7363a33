import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Fault, MemoryJournal, type MemoryLog, type Operation, turns } from "../../tests/ledger/memory-journal.ts";
import { FUNDING, idOf, LogMaker, memoryOf, OPENING, payCommand } from "../../tests/ledger/random-log.ts";
import { MemoryReadModel, ReadModelContent } from "../../tests/simulation/memory-read-model.ts";
import type { Group } from "./journal.ts";
import type { AccountId, Command, CommandId, Entry, TransferId } from "./model.ts";
import { ResidentBook } from "./resident-book.ts";
import { type AskedHolds, type LedgerParts, RunningLedger } from "./running-ledger.ts";

const charge = (id: string, amount = 10) => payCommand(id, "charge", { from: FUNDING, to: "wallet:u_1", amount });
const hold = (id: string, ttlMs: number): Command => ({
	...payCommand(id, "sale", { from: "wallet:u_1", to: "store:s_1", amount: 1 }),
	hold: { ttlMs },
});
const cancel = (id: string, targetId: string): Command => ({
	...idOf(id),
	type: "cancel",
	targetId: targetId as CommandId,
	details: {},
});

function logOf(...commands: Command[]): MemoryLog {
	const maker = new LogMaker();
	for (const command of [...OPENING, charge("first", 10_000), ...commands]) maker.add([command], 1_000);
	return memoryOf(maker.groups);
}

/** A ledger whose parts are all in memory, on a log with accounts in it. */
async function open({
	log = logOf(),
	content = new ReadModelContent(),
	...parts
}: Partial<LedgerParts> & {
	log?: MemoryLog;
	content?: ReadModelContent;
} = {}) {
	const journal = new MemoryJournal(log);
	const ledger = await RunningLedger.open({ journal, readModel: new MemoryReadModel({ content }), ...parts });
	return { ledger, journal, log, content };
}

const balanceIn = async (ledger: RunningLedger, id: string): Promise<number | undefined> => {
	const account = await ledger.account(id as AccountId);
	return account && account.creditsPosted - account.debitsPosted;
};
const stateIn = async (ledger: RunningLedger, id: string) => (await ledger.transfer(id as TransferId))?.state;

describe("of two that share a log", () => {
	it("each knows what the other one has acknowledged, as soon as it is asked for the latest", async () => {
		const log = logOf();
		const [writer, reader] = [await open({ log }), await open({ log })];
		for (let n = 1; n <= 20; n++) {
			await writer.ledger.submit(charge(`c${n}`, 1));
			const asked = Array.from({ length: 3 }, async () => {
				await reader.ledger.latest();
				return balanceIn(reader.ledger, "wallet:u_1");
			});
			assert.deepEqual(await Promise.all(asked), Array(3).fill(10_000 + n));
		}
		await Promise.all([writer.ledger.close(), reader.ledger.close()]);
	});

	it("however many ask, the log is asked by one at a time, and never by one that began before", async () => {
		const log = logOf();
		let asked = 0;
		let atOnce = 0;
		class Watched extends MemoryJournal {
			override async head(): ReturnType<MemoryJournal["head"]> {
				asked++;
				assert.equal(++atOnce, 1);
				const head = await super.head();
				await new Promise((resolve) => setTimeout(resolve, 5));
				atOnce--;
				return head;
			}
		}
		const [writer, reader] = [await open({ log }), await open({ journal: new Watched(log) })];
		const before = asked;
		const first = reader.ledger.latest();
		await writer.ledger.submit(charge("after the first has asked", 1));
		const others = Array.from({ length: 50 }, () => reader.ledger.latest());
		await first;
		await Promise.all(others);
		assert.equal(await balanceIn(reader.ledger, "wallet:u_1"), 10_001);
		assert.equal(asked - before, 2);
		await Promise.all([writer.ledger.close(), reader.ledger.close()]);
	});
});

describe("a ledger that is opened", () => {
	it("first brings the read model up to the end of a log of many pages, and lets it keep up", async () => {
		const maker = new LogMaker();
		for (const command of OPENING) maker.add([command], 1_000);
		for (let n = 0; n < 1_000; n++) maker.add([charge(`c${n}`)], 1_000);
		const content = new ReadModelContent();
		let backlogMax = 0;
		class Watched extends MemoryReadModel {
			override project(group: Group): void {
				super.project(group);
				backlogMax = Math.max(backlogMax, this.backlogBytes);
			}
		}
		const readModel = new Watched({ content, limits: { backlogBytesMax: 1_000, batchGroups: 64 } });
		readModel.clear = () => assert.fail("what is empty was cleared");
		const log = memoryOf(maker.groups);
		const journal = new MemoryJournal(log);
		let groupsRead = 0;
		const read = journal.read.bind(journal);
		journal.read = async (range) => {
			const groups = await read(range);
			groupsRead += groups.length;
			return groups;
		};
		const { ledger } = await open({ journal, content, readModel });
		assert.equal(groupsRead, log.groups.length + 1, "each once, and the last once more, to see that it is this log");
		assert.deepEqual([ledger.sequence, content.head], [log.head.sequence, log.head]);
		const pageBytes = log.groups.slice(0, 257).reduce((sum, { body }) => sum + 4 * body.length, 0);
		assert.ok(backlogMax < pageBytes, `${backlogMax} bytes waited to be written`);
		await ledger.close();
	});

	it("goes on where its read model ends", async () => {
		const log = logOf();
		const content = new ReadModelContent();
		const first = await open({ log, content });
		await first.ledger.submit(charge("a"));
		await first.ledger.close();
		const read: number[] = [];
		class Watched extends MemoryJournal {
			override read(range: { fromSequence: number; groupsMax: number }): Promise<Group[]> {
				read.push(range.fromSequence);
				return super.read(range);
			}
		}
		const { ledger } = await open({ content, journal: new Watched(log) });
		assert.ok(Math.min(...read) >= log.head.sequence, `it read from ${Math.min(...read)} on`);
		assert.equal(await balanceIn(ledger, "wallet:u_1"), 10_010);
		assert.equal(await stateIn(ledger, "first"), "posted");
		await ledger.close();
	});

	it("makes the read model anew that another log has left behind, or one that went further", async () => {
		const content = new ReadModelContent();
		await open({ content, log: logOf(charge("elsewhere", 1), charge("further", 1)) }).then((other) =>
			other.ledger.close(),
		);
		const { ledger } = await open({ content });
		assert.equal(await balanceIn(ledger, "wallet:u_1"), 10_000);
		assert.equal(await stateIn(ledger, "elsewhere"), undefined);
		await ledger.close();
		const differs = await open({ content, log: logOf(charge("another")) });
		await differs.ledger.close();
		const back = await open({ content, log: logOf(charge("third", 5)) });
		assert.equal(await balanceIn(back.ledger, "wallet:u_1"), 10_005);
		await back.ledger.close();
	});

	it("knows the holds of a log that the read model did not have yet", async () => {
		const { ledger } = await open({ log: logOf(hold("h", 500)), clock: () => 1_500 });
		await ledger.expireHolds();
		assert.equal(await stateIn(ledger, "h"), "expired");
		await ledger.close();
	});

	it("needs nobody who listens, and no clock", async () => {
		const { ledger, journal } = await open();
		const before = Date.now();
		const { entry } = await ledger.submit(charge("a"));
		assert.ok((entry.created?.createdAtMs ?? 0) >= before, `the time is ${entry.created?.createdAtMs}`);
		journal.trouble = (operation) => (operation === "append" ? "unavailable" : undefined);
		await assert.rejects(ledger.submit(charge("b")), { type: "ledger_unavailable" });
		journal.trouble = () => undefined;
		assert.equal((await ledger.submit(charge("c"))).entry.refusal, undefined);
		await ledger.close();
	});

	it("tells whoever listens what became durable and what failed, and has the limits and the clock that it was given", async () => {
		const committed: [Group, readonly Entry[]][] = [];
		const failures: unknown[] = [];
		const { ledger, journal, log } = await open({
			onCommitted: (group, entries) => committed.push([group, entries]),
			onFailed: (error) => failures.push(error),
			limits: { queueMax: 1 },
			clock: () => 5_000,
		});
		const waiting = ledger.submit(charge("a"));
		assert.equal(ledger.waiting, 1);
		await assert.rejects(ledger.submit(charge("b")), { type: "ledger_busy" });
		const { entry } = await waiting;
		assert.equal(ledger.waiting, 0);
		assert.equal(entry.created?.createdAtMs, 5_000);
		assert.deepEqual(committed, [[log.groups.at(-1), [entry]]]);
		journal.trouble = (operation) => (operation === "append" ? "unavailable" : undefined);
		await assert.rejects(ledger.submit(charge("c")));
		assert.equal(failures.length, 1);
		await ledger.close();
	});
});

describe("what a ledger says of an id", () => {
	it("is the same from memory and from the log", async () => {
		const log = logOf(charge("applied"), charge("none", 0), cancel("c", "late"));
		const fromLog = await open({ log });
		const fromMemory = await open();
		for (const command of [charge("applied"), charge("none", 0), cancel("c", "late")]) {
			await fromMemory.ledger.submit(command);
		}
		for (const { ledger } of [fromLog, fromMemory]) {
			const outcomes = ["applied", "none", "late", "c", "never"].map((id) => ledger.outcome(id as CommandId));
			assert.deepEqual(
				(await Promise.all(outcomes)).map(({ state, entry }) => [state, entry?.id]),
				[
					["applied", "applied"],
					["refused", "none"],
					["refused", "c"],
					["applied", "c"],
					["not_seen", undefined],
				],
			);
			await ledger.close();
		}
	});

	it("is no older than what it says of its transfer", async () => {
		const { ledger, log } = await open();
		const other = await open({ log });
		await other.ledger.submit(charge("a"));
		assert.equal((await ledger.outcome("a" as CommandId)).state, "applied");
		assert.equal(ledger.sequence, log.head.sequence);
		await Promise.all([ledger.close(), other.ledger.close()]);
	});

	it("is found among the others of its group", async () => {
		const maker = new LogMaker();
		maker.add([...OPENING, charge("a"), charge("b"), cancel("c", "late"), charge("d")], 1_000);
		const { ledger } = await open({ log: memoryOf(maker.groups) });
		for (const [id, by] of ["a", "b", "d"].map((id) => [id, id]).concat([["late", "c"]])) {
			assert.equal((await ledger.outcome(id as CommandId)).entry?.id, by);
		}
		await ledger.close();
	});

	it("is never 'not seen' while the log has the id and does not show its group", async () => {
		const { ledger, journal } = await open({ log: logOf(charge("a")) });
		for (const shown of [[], [{ sequence: 1 }]]) {
			journal.read = async () => shown as Group[];
			await assert.rejects(ledger.outcome("a" as CommandId), { type: "ledger_unavailable" });
		}
		await ledger.close();
	});

	it("whose transfer and accounts were never there is undefined", async () => {
		const { ledger } = await open();
		assert.equal(await stateIn(ledger, "never"), undefined);
		assert.equal(await balanceIn(ledger, "wallet:never"), undefined);
		await ledger.close();
	});

	it("is a new answer or a repeated one, and an error for another command under the same id", async () => {
		const { ledger } = await open();
		const answers = [await ledger.submit(charge("a")), await ledger.submit(charge("a"))];
		assert.deepEqual(
			answers.map((receipt) => "replayed" in receipt && receipt.replayed),
			[false, true],
		);
		await assert.rejects(ledger.submit({ ...charge("a"), fingerprint: "another" }), {
			type: "idempotency_key_reused",
		});
		await ledger.close();
	});
});

describe("holds", () => {
	it("are told oldest first, of all or of a kind and an account, until they are decided", async () => {
		const { ledger } = await open({ log: logOf(hold("h1", 90_000), hold("h2", 90_000)), clock: () => 2_000 });
		const toGive = { ...payCommand("give", "adjustment", { from: FUNDING, to: "wallet:u_1", amount: 1 }) };
		await ledger.submit({ ...toGive, hold: { ttlMs: 90_000 } } as Command);
		await ledger.submit(hold("h3", 90_000));
		const idsOf = (asked: AskedHolds) => ledger.holds(asked).map(({ id }) => id);
		assert.deepEqual(idsOf({}), ["h1", "h2", "give", "h3"]);
		assert.deepEqual(idsOf({ kind: "adjustment" }), ["give"]);
		assert.deepEqual(idsOf({ kind: "sale", accountId: "wallet:u_1" }), ["h1", "h2", "h3"]);
		assert.deepEqual(idsOf({ accountId: "wallet:u_2" }), []);
		await ledger.submit(cancel("c", "h1"));
		assert.deepEqual(idsOf({ kind: "sale" }), ["h2", "h3"]);
		await ledger.close();
	});

	it("end 2,000 at a time: those that are left do the second after", async () => {
		const maker = new LogMaker();
		maker.add([...OPENING, charge("first", 10_000)], 1_000);
		maker.add(
			Array.from({ length: 2_003 }, (_, n) => hold(`h${n}`, 500)),
			1_000,
		);
		const times = { nowMs: 1_500 };
		const { ledger, log } = await open({ log: memoryOf(maker.groups), clock: () => times.nowMs });
		const expiries = () => log.groups.flatMap(({ body }) => body.match(/"type":"expire"/g) ?? []).length;
		await ledger.expireHolds();
		assert.equal(expiries(), 2_000);
		times.nowMs = 2_500;
		await ledger.expireHolds();
		assert.equal(expiries(), 2_003);
		await ledger.close();
	});

	it("end once, whoever sees it within the same second", async () => {
		const log = logOf(hold("h", 500));
		const ledgers = await Promise.all([1_500, 1_999].map((nowMs) => open({ log, clock: () => nowMs })));
		await Promise.all(ledgers.map(({ ledger }) => ledger.expireHolds()));
		const expiries = log.groups
			.filter(({ body }) => body.includes('"type":"expire"'))
			.map(({ body }) => JSON.parse(body));
		assert.deepEqual(
			expiries.flat().map(({ id, fingerprint }) => [id, fingerprint]),
			[["system.expire:1:h", ""]],
		);
		await Promise.all(ledgers.map(({ ledger }) => ledger.close()));
	});
});

describe("a ledger that is closed", () => {
	it("has answered what was on its way, written it down, and let go of its stores", async () => {
		const { ledger, journal, content, log } = await open();
		journal.trouble = (operation: Operation): Fault | undefined => (operation === "append" ? "slow" : undefined);
		const answer = ledger.submit(charge("a"));
		await turns(1);
		await ledger.close();
		assert.equal((await answer).entry.id, "a");
		assert.deepEqual(content.head, log.head);
		await assert.rejects(journal.head(), /closed/);
	});
});

describe("ledgers that follow each other", () => {
	/** Two on one log; how many reads the second makes. */
	async function pair() {
		const log = logOf();
		const one = await open({ log });
		const two = await open({ log });
		const reads = { count: 0 };
		two.journal.trouble = (operation) => {
			if (operation === "read") reads.count++;
			return undefined;
		};
		const close = () => Promise.all([one.ledger.close(), two.ledger.close()]);
		return { one: one.ledger, two: two.ledger, reads, close };
	}

	it("read what they are told of, and only that", async () => {
		const { one, two, reads, close } = await pair();
		await one.submit(charge("a"));
		assert.deepEqual([one.appended, two.appended], [1, 0]);
		two.follow(one.sequence);
		await turns(10);
		assert.deepEqual([two.sequence, reads.count], [one.sequence, 1]);
		two.follow(one.sequence);
		two.follow(1);
		await turns(10);
		assert.equal(reads.count, 1, "it has that");
		assert.equal((await two.submit(charge("b"))).entry.id, "b");
		await close();
	});

	it("tell how far the log goes when they have made it longer, after everything else was told", async () => {
		const told: [string, number][] = [];
		const { ledger, log } = await open({
			onCommitted: ({ sequence }) => told.push(["committed", sequence]),
			onAppended: ({ sequence }) => told.push(["appended", sequence]),
		});
		const { sequence } = log.head;
		await ledger.submit(charge("a"));
		assert.deepEqual(told, [
			["committed", sequence + 1],
			["appended", sequence + 1],
		]);
		await ledger.close();
	});

	it("look for more when nothing has come since they looked last", async () => {
		const { one, two, reads, close } = await pair();
		two.lookForMore();
		await turns(10);
		assert.equal(reads.count, 0, "it has just been opened");
		await one.submit(charge("a"));
		two.lookForMore();
		await turns(10);
		assert.equal(two.sequence, one.sequence);
		const { count } = reads;
		assert.ok(count > 0);
		two.lookForMore();
		await turns(10);
		assert.equal(reads.count, count, "something has come");
		two.lookForMore();
		await turns(10);
		assert.ok(reads.count > count);
		await close();
	});

	it("have reached a group when the book and the read model have it", async () => {
		const content = new ReadModelContent();
		const log = logOf();
		const { ledger } = await open({ log, content });
		const other = await open({ log });
		await other.ledger.submit(charge("a"));
		await ledger.reached(log.head.sequence);
		assert.deepEqual([ledger.sequence, content.head.sequence], [log.head.sequence, log.head.sequence]);
		await Promise.all([ledger.close(), other.ledger.close()]);
	});

	it("remember what the book that they are given has room for", async () => {
		const book = new ResidentBook();
		const { ledger } = await open({ book });
		await ledger.submit(charge("a"));
		assert.equal(book.transfer("a" as TransferId)?.state, "posted");
		await ledger.close();
	});
});
