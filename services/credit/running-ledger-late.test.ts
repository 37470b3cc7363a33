import assert from "node:assert/strict";
import { it } from "node:test";
import { MemoryJournal, turns } from "../../tests/ledger/memory-journal.ts";
import { FUNDING, LogMaker, memoryOf, OPENING, payCommand } from "../../tests/ledger/random-log.ts";
import { MemoryReadModel, ReadModelContent } from "../../tests/simulation/memory-read-model.ts";
import type { Command, CommandId, TransferId } from "./model.ts";
import { RunningLedger } from "./running-ledger.ts";

// What comes of parts that are late, or ahead of each other.

const charge = (id: string, to = "wallet:u_1", amount = 10) => payCommand(id, "charge", { from: FUNDING, to, amount });
const hold = (id: string): Command => ({
	...payCommand(id, "sale", { from: "wallet:u_1", to: "store:s_1", amount: 1 }),
	hold: { ttlMs: 500 },
});

function logOf(commands: readonly Command[] = []) {
	const maker = new LogMaker();
	for (const command of [...OPENING, charge("first", "wallet:u_1", 10_000)]) maker.add([command], 1_000);
	if (commands.length > 0) maker.add(commands, 1_000);
	return memoryOf(maker.groups);
}

/** Lets appends through when it is told to. */
function gate(journal: MemoryJournal): () => void {
	let open = () => {};
	const opened = new Promise<void>((resolve) => {
		open = resolve;
	});
	journal.trouble = async (operation) => {
		if (operation === "append") await opened;
		return undefined;
	};
	return open;
}

for (const [how, learn] of [
	["follows", async (ledger: RunningLedger) => ledger.latest()],
	["decides", async (ledger: RunningLedger) => void (await ledger.submit(charge("b2", "wallet:u_2", 1)))],
] as const)
	it(`no credit is made or lost for one that ${how} with a read model which is ahead of it`, async () => {
		const log = logOf();
		const content = new ReadModelContent({ isShared: true });
		const open = () =>
			RunningLedger.open({ journal: new MemoryJournal(log), readModel: new MemoryReadModel({ content }) });
		const [writer, other] = [await open(), await open()];
		await other.submit(charge("b1"));
		await writer.latest();
		await writer.submit(charge("a1", "wallet:u_2", 77));
		await writer.readModel.drained();
		await learn(other);
		assert.deepEqual([writer.drift, other.drift], [0, 0]);
		await Promise.all([writer.close(), other.close()]);
	});

it("what waits for a read model that cannot be written stays bounded, however often there is more to follow", async () => {
	const log = logOf();
	const limits = { backlogBytesMax: 10_000 };
	const content = new ReadModelContent();
	let isBroken = false;
	const readModel = new MemoryReadModel({
		limits,
		content,
		io: async (operation, work) => {
			if (operation === "write" && isBroken) throw new Error("made anew by another process");
			return work(content);
		},
	});
	const writer = await RunningLedger.open({ journal: new MemoryJournal(log), readModel: new MemoryReadModel() });
	const follower = await RunningLedger.open({ journal: new MemoryJournal(log), readModel });
	isBroken = true;
	for (let n = 0; n < 400; n++) {
		await writer.submit(charge(`c${n}`));
		follower.follow(writer.sequence);
		await turns(3);
	}
	const { backlogBytes } = readModel;
	// And one page of groups.
	assert.ok(backlogBytes > limits.backlogBytesMax && backlogBytes < 40_000, `${backlogBytes} bytes wait`);
	isBroken = false;
	await follower.latest();
	assert.equal(follower.sequence, writer.sequence);
	await Promise.all([writer.close(), follower.close()]);
});

it("holds that wait to be ended are not ended once more each second: payments would find no place", async () => {
	const log = logOf(Array.from({ length: 2_500 }, (_, n) => hold(`h${n}`)));
	const journal = new MemoryJournal(log);
	let nowMs = 1_500;
	const ledger = await RunningLedger.open({ journal, readModel: new MemoryReadModel(), clock: () => nowMs });
	const letThrough = gate(journal);
	const pending: Promise<void>[] = [];
	for (let second = 0; second < 10; second++, nowMs += 1_000) {
		pending.push(ledger.expireHolds());
		await turns(5);
	}
	assert.ok(ledger.waiting <= 2_000, `${ledger.waiting} wait`);
	const paid = ledger.submit(charge("payment"));
	letThrough();
	await Promise.all([...pending, paid]);
	await ledger.expireHolds();
	const states = await Promise.all(Array.from({ length: 2_500 }, (_, n) => ledger.transfer(`h${n}` as TransferId)));
	assert.ok(states.every((transfer) => transfer?.state === "expired"));
	await ledger.close();
});

it("who asks for what became of a command that is in flight, or waits, hears what it is answered", async () => {
	const journal = new MemoryJournal(logOf());
	const ledger = await RunningLedger.open({ journal, readModel: new MemoryReadModel() });
	const letThrough = gate(journal);
	const flying = ledger.submit(charge("flying"));
	await turns(5);
	const waiting = ledger.submit(charge("waiting"));
	const heard = ["flying", "waiting"].map((id) => ledger.settled(id as CommandId));
	assert.equal((await ledger.settled("another" as CommandId)).state, "not_seen");
	letThrough();
	for (const { state } of await Promise.all(heard)) assert.equal(state, "applied");
	await Promise.all([flying, waiting]);
	for (const id of ["flying", "waiting"]) assert.equal((await ledger.settled(id as CommandId)).state, "applied");
	await ledger.close();
});

it("who asks for a command whose group may or may not be in the log hears that this is not known", async () => {
	const journal = new MemoryJournal(logOf());
	const ledger = await RunningLedger.open({ journal, readModel: new MemoryReadModel() });
	let letThrough = () => {};
	const opened = new Promise<void>((resolve) => {
		letThrough = resolve;
	});
	journal.trouble = async (operation) => {
		if (operation !== "append") return undefined;
		await opened;
		return "reply_lost";
	};
	const unknown = { type: "outcome_unknown" };
	const submitted = assert.rejects(ledger.submit(charge("lost")), unknown);
	await turns(5);
	const asked = assert.rejects(ledger.settled("lost" as CommandId), unknown);
	letThrough();
	await Promise.all([submitted, asked]);
	journal.trouble = () => undefined;
	assert.equal((await ledger.settled("lost" as CommandId)).state, "applied");
	await ledger.close();
});
