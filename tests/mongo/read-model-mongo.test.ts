import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { MongoClient } from "mongodb";
import { Patience } from "../../mixins/mongo.ts";
import { until } from "../../scripts/cluster/processes.ts";
import { ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import { claimsOf, emptyHead, entriesOf, type Group, type Head, headOf } from "../../services/credit/journal.ts";
import { MongoJournal } from "../../services/credit/journal-mongo.ts";
import type { AccountId, Command, Entry, TransferId } from "../../services/credit/model.ts";
import { ProjectionQueue } from "../../services/credit/projection-queue.ts";
import type { Locate } from "../../services/credit/read-model.ts";
import { MongoReadModel } from "../../services/credit/read-model-mongo.ts";
import { Batch } from "../../services/credit/read-model-mongo-batch.ts";
import { collectionsOf } from "../../services/credit/read-model-mongo-collections.ts";
import { putAccounts, putHours, putTransfers, Writes } from "../../services/credit/read-model-mongo-writes.ts";
import { RunningLedger } from "../../services/credit/running-ledger.ts";
import { LogFold, locateIn } from "../ledger/log-fold.ts";
import { Asked, anyCommand, OPENING, randomLog, STORES, seeded, WALLETS } from "../ledger/random-log.ts";
import { dumpOf, dumpOfFold, readModelConformance } from "../ledger/read-model-conformance.ts";
import { locatingConformance } from "../ledger/read-model-locating.ts";
import { lookingConformance } from "../ledger/read-model-looking.ts";
import { describeOnMongo } from "./on-mongo.ts";

const log = randomLog({ seed: 21, groups: 300 });
const dumpAt = (groups: readonly Group[]) => dumpOfFold(LogFold.of(groups), headOf(groups.at(-1) as Group));

const opened = new Set<{ close(): Promise<void> }>();
// Also after a failure: an open client would keep the process alive.
after(() => Promise.all([...opened].map((each) => each.close().catch(() => {}))));

async function openAt(uri: string, groups = log): Promise<MongoReadModel> {
	const readModel = await MongoReadModel.open(uri, locateIn(groups));
	opened.add(readModel);
	return readModel;
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
	const startedAt = performance.now();
	const result = await work;
	const tookMs = Math.round(performance.now() - startedAt);
	assert.ok(tookMs <= ms, `it took ${tookMs} ms, more than ${ms}`);
	return result;
}

describeOnMongo("read model in MongoDB, one member", () => {
	let set: ReplicaSet;
	before(async () => {
		set = await ReplicaSet.start();
	});
	after(() => set.stop());

	const forget = async (place: string) => {
		const client = new MongoClient(set.uri(place));
		await client.db().dropDatabase({ writeConcern: { w: "majority" } });
		await client.close();
	};
	const kind = { open: (place: string, locate: Locate) => MongoReadModel.open(set.uri(place), locate), forget };
	readModelConformance("MongoDB", kind);
	locatingConformance("MongoDB", kind);
	lookingConformance("MongoDB", kind);

	it("projected by several at once, in batches that are cut differently: each group counts once", async () => {
		const processes = await Promise.all([1, 2, 3].map((n) => openAt(`${set.uri("several")}&appName=process-${n}`)));
		const projecting = processes.map(async (readModel, n) => {
			const random = seeded(n);
			for (const group of log) {
				readModel.project(group);
				if (random.once(20)) await sleep(random.below(30));
				if (random.once(40)) await readModel.reached(group.sequence);
			}
			await readModel.drained();
		});
		await Promise.all(projecting);
		for (const readModel of processes) assert.deepEqual(await dumpOf(readModel), dumpAt(log));
	});

	it("killed with -9 while it projects, again and again: what is there is true, and the next one goes on at once", async () => {
		const uri = set.uri("killed");
		for (let end = 100; end <= log.length; end += 50) {
			const { sequence } = (await openAt(uri)).head;
			const child = projector(uri, log.slice(sequence, end));
			await once(child.stdout, "data");
			await sleep(Math.random() * 60);
			child.kill("SIGKILL");
			await once(child, "close");
			const readModel = await openAt(uri);
			assert.ok(readModel.head.sequence <= end);
			for (const group of log.slice(0, end)) readModel.project(group);
			await within(2_000, readModel.drained());
			assert.deepEqual(await dumpOf(readModel), dumpAt(log.slice(0, end)));
		}
	});

	it("the answers to its writes get lost: each group counts once", async () => {
		const readModel = await openAt(set.uri("lost"));
		const writeConcernError = { code: 91, codeName: "ShutdownInProgress", errmsg: "shutting down" };
		const failCommands = ["insert", "update"];
		let next = 0;
		for (const times of [1, 4]) {
			for (const failure of [{ closeConnection: true }, { writeConcernError }, { errorCode: 189 }]) {
				await set.failNext(times, { failCommands, ...failure });
				for (const group of log.slice(next, next + 50)) readModel.project(group);
				next += 50;
				// Nobody asks again: whoever waits must get it.
				await readModel.drained();
				assert.deepEqual(await dumpOf(readModel), dumpAt(log.slice(0, next)));
			}
		}
	});

	/** Writes documents of some groups, and says nothing of it: as a process does that stops in the middle of a batch. */
	const writeSome = async (uri: string, groups: { accounts: Group[]; transfers: Group[]; hours: Group[] }) => {
		const client = new MongoClient(uri);
		const { accounts, transfers, hours } = collectionsOf(client.db(), 1);
		const into = ({ collectionName }: { collectionName: string }) =>
			new Writes(client.db(), collectionName, new Patience());
		await putAccounts(into(accounts), new Batch(groups.accounts).accounts);
		await putTransfers(into(transfers), new Batch(groups.transfers).transfers, locateIn(log));
		await putHours(into(hours), new Batch(groups.hours).hours);
		await client.close();
	};

	it("somebody stopped in the middle of a batch, and the next one has a longer one: it is completed", async () => {
		const uri = set.uri("half");
		const readModel = await openAt(uri);
		for (let end = 20; end < 100; end += 20) {
			const from = readModel.head.sequence;
			const [accounts, transfers, hours] = [
				log.slice(from, end - 15),
				log.slice(from, end - 3),
				log.slice(from, end - 9),
			];
			await writeSome(uri, { accounts, transfers, hours });
			for (const group of log.slice(0, end)) readModel.project(group);
			await readModel.drained();
			assert.deepEqual(await dumpOf(readModel), dumpAt(log.slice(0, end)));
		}
	});

	it("somebody who was slow comes late: nothing goes back, and nothing is counted again", async () => {
		const uri = set.uri("late");
		const readModel = await openAt(uri);
		for (const group of log) readModel.project(group);
		await readModel.drained();
		for (const end of [log.length, 200, 150]) {
			const groups = log.slice(100, end);
			await writeSome(uri, { accounts: groups, transfers: groups, hours: groups });
		}
		assert.deepEqual(await dumpOf(readModel), dumpAt(log));
	});

	it("that another process has made anew is not decided on any more: there are no balances of nowhere", async () => {
		const uri = set.uri("anew");
		const [one, other] = [await openAt(uri), await openAt(`${uri}&appName=other`)];
		for (const group of log.slice(0, 50)) one.project(group);
		await one.drained();
		const ids = [...WALLETS] as AccountId[];
		assert.equal((await one.accounts(ids)).length, 3);
		await other.clear();
		await assert.rejects(one.accounts(ids), /made anew by another process/);
		await assert.rejects(one.transfers(["none" as TransferId]), /made anew by another process/);
		// As far as the first one was, so that its next groups would follow.
		for (const group of log.slice(0, 50)) other.project(group);
		await other.drained();
		for (const group of log.slice(50, 60)) one.project(group);
		await assert.rejects(one.drained(), /made anew by another process/);
		for (const group of log) other.project(group);
		await other.drained();
		await assert.rejects(one.accounts(ids), /made anew by another process/);
		const again = await openAt(uri);
		assert.deepEqual(await dumpOf(again), dumpAt(log));
	});

	it("made anew by two processes at once is made once", async () => {
		const uri = set.uri("twice");
		const processes = [await openAt(uri), await openAt(`${uri}&appName=other`)];
		for (const group of log.slice(0, 20)) processes[0]?.project(group);
		await processes[0]?.drained();
		await Promise.all(processes.map((each) => each.clear()));
		for (const readModel of processes) for (const group of log) readModel.project(group);
		await Promise.all(processes.map((each) => each.drained()));
		for (const readModel of processes) assert.deepEqual(await dumpOf(readModel), dumpAt(log));
		const client = new MongoClient(uri);
		const names = (await client.db().listCollections().toArray()).map(({ name }) => name);
		await client.close();
		assert.equal(names.filter((name) => name.includes("transfers")).length, 1, names.join(", "));
	});

	it("is made anew when somebody has dropped what is in it", async () => {
		const uri = set.uri("dropped");
		const readModel = await openAt(uri);
		for (const group of log.slice(0, 20)) readModel.project(group);
		await readModel.drained();
		const client = await MongoClient.connect(uri);
		for (const name of ["accounts", "transfers", "hours"]) await client.db().dropCollection(`read_v2_1_${name}`);
		await client.close();
		const again = await openAt(`${uri}&appName=again`);
		assert.equal(again.head.sequence, 0);
		for (const group of log) again.project(group);
		await again.drained();
		assert.deepEqual(await dumpOf(again), dumpAt(log));
	});

	it("gets the indexes that it lacks", async () => {
		const uri = set.uri("lacking");
		await (await openAt(uri)).close();
		const client = await MongoClient.connect(uri);
		const transfers = client.db().collection("read_v2_1_transfers");
		const names = async () => (await transfers.indexes()).map(({ name }) => name).toSorted();
		const made = await names();
		await transfers.dropIndexes();
		await openAt(`${uri}&appName=again`);
		assert.deepEqual(await names(), made);
		await client.close();
	});

	it("is made anew from more groups than fit into one batch", async () => {
		const long = randomLog({ seed: 22, groups: 3_000, entriesMax: 2 });
		const readModel = await openAt(set.uri("long"), long);
		for (const group of long) readModel.project(group);
		await readModel.drained();
		assert.deepEqual(await dumpOf(readModel), dumpAt(long));
	});

	it("answers from its indexes", async () => {
		const client = new MongoClient(set.uri("long"));
		const of = (name: string) => client.db().collection(`read_v2_1_${name}`);
		const plans = [
			of("transfers").find({ sides: STORES[0], place: { $lt: 9 } }, { sort: { place: -1 }, limit: 5 }),
			of("transfers").find({ state: "pending" }),
			of("transfers").find({ reference: "r.1" }, { sort: { place: -1 }, limit: 5 }),
			of("hours").find({ accountId: STORES[0], hour: { $gte: 1, $lt: 9 } }),
		];
		for (const plan of plans) {
			const { winningPlan } = (await plan.explain("queryPlanner")).queryPlanner;
			assert.doesNotMatch(JSON.stringify(winningPlan), /COLLSCAN|"SORT"/);
		}
		await client.close();
	});

	it("without a database says so within the deadline, keeps what it was given, and goes on when it is back", async () => {
		const readModel = await openAt(set.uri("away"));
		for (const group of log.slice(0, 20)) readModel.project(group);
		await readModel.drained();
		const [member] = set.members;
		assert.ok(member);
		await set.kill(member);
		for (const group of log.slice(20)) readModel.project(group);
		const away = { type: "service_unavailable" };
		await within(
			2_900,
			Promise.all([
				assert.rejects(readModel.accounts(["wallet:u_1" as AccountId]), away),
				assert.rejects(readModel.statement({ accountId: "wallet:u_1" as AccountId, limit: 5 }), away),
				assert.rejects(readModel.drained(), away),
				assert.rejects(MongoReadModel.open(set.uri("elsewhere"), locateIn(log)), away),
			]),
		);
		await set.restart(member);
		await set.waitForPrimary();
		await until(() => readModel.reached(log.length).then(() => true), "it has caught up");
		assert.deepEqual(await dumpOf(readModel), dumpAt(log));
	});
});

/** Another process that projects some groups. */
function projector(uri: string, groups: readonly Group[]) {
	const module = JSON.stringify(new URL("../../services/credit/read-model-mongo.ts", import.meta.url).href);
	const fold = JSON.stringify(new URL("../ledger/log-fold.ts", import.meta.url).href);
	const script = `
		import { MongoReadModel } from ${module};
		import { locateIn } from ${fold};
		import { text } from "node:stream/consumers";
		const { log, groups } = JSON.parse(await text(process.stdin));
		const readModel = await MongoReadModel.open(${JSON.stringify(uri)}, locateIn(log));
		process.stdout.write("opened");
		for (const group of groups) {
			readModel.project(group);
			await new Promise(setImmediate);
			if (group.sequence % 7 === 0) await readModel.drained();
		}
		await readModel.drained();
		setInterval(() => {}, 1_000);`;
	const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module-typescript"];
	const child = spawn(process.execPath, [...flags, "-e", script], { stdio: ["pipe", "pipe", "inherit"] });
	child.stdin.end(JSON.stringify({ log, groups }));
	return child;
}

describeOnMongo("ledger on MongoDB, three members, two processes", () => {
	it("the primary is killed with -9 under load: every answer is in the log, and the read model is what the log says", async () => {
		const set = await ReplicaSet.start({ members: 3 });
		after(() => set.stop());
		const uri = set.uri("ledger");
		const ledgers = await Promise.all([1, 2].map((n) => openLedger(`${uri}&appName=process-${n}`)));
		for (const command of OPENING) await ledgers[0]?.submit(command);
		const clients = [1, 2, 3, 4].map((n) => new Client(ledgers, n));
		const enough = (count: number) =>
			until(() => clients.every(({ answered }) => answered.size >= count), `${count} answers each`);
		await enough(40);
		const primary = await set.waitForPrimary();
		await set.kill(primary);
		await set.waitForPrimary(primary);
		await set.restart(primary);
		const before = Math.max(...clients.map(({ answered }) => answered.size));
		await enough(before + 40);
		await Promise.all(clients.map((client) => client.stop()));

		const journal = new MongoJournal(uri);
		opened.add(journal);
		const groups = await journal.read({ fromSequence: 1, groupsMax: 1_000_000 });
		const entries = new Map(groups.flatMap(entriesOf).map((entry) => [entry.id, entry]));
		for (const { answered } of clients) {
			for (const [id, entry] of answered) assert.deepEqual(entry, entries.get(entry.id), `the answer to ${id}`);
		}
		const expected = dumpAt(groups);
		for (const ledger of ledgers) {
			// Whoever asks about the newest entry makes its ledger read what it has missed.
			const [newest] = claimsOf(entriesOf(groups.at(-1) as Group)[0] as Entry);
			await ledger.outcome(newest as Entry["id"]);
			await ledger.readModel.reached(groups.length);
			assert.deepEqual(await dumpOf(ledger.readModel), expected);
			await ledger.close();
		}
	});
});

async function openLedger(uri: string): Promise<RunningLedger> {
	const journal = new MongoJournal(uri);
	const readModel = await MongoReadModel.open(uri, (ids) => journal.find(ids));
	const ledger = await RunningLedger.open({ journal, readModel });
	opened.add(ledger);
	return ledger;
}

/** Sends one command after the other, each until it is answered, and to another process whenever it is not. */
class Client {
	readonly answered = new Map<string, Entry>();
	readonly #ledgers: readonly RunningLedger[];
	readonly #working: Promise<void>;
	#stopped = false;

	constructor(ledgers: readonly RunningLedger[], seed: number) {
		this.#ledgers = ledgers;
		this.#working = this.#work(seed);
	}

	async #work(seed: number): Promise<void> {
		const random = seeded(seed);
		const asked = new Asked();
		while (!this.#stopped) {
			const command = anyCommand(random, asked, { nowMs: Date.now(), scope: `client-${seed}` });
			await this.#ask(command, random.below(2));
		}
	}

	async #ask(command: Command, first: number): Promise<void> {
		for (let attempt = first; ; attempt++) {
			try {
				const { entry } = await (this.#ledgers[attempt % 2] as RunningLedger).submit(command);
				// An id that was kept out is answered with a refusal that is made up for the answer.
				if (entry.refusal !== "cancelled") this.answered.set(command.id, entry);
				return;
			} catch (error) {
				const { type } = error as { type?: string };
				if (type === "idempotency_key_reused") return;
				assert.match(String(type), /^(ledger_unavailable|outcome_unknown|ledger_busy)$/, String(error));
				await sleep(20);
			}
		}
	}

	async stop(): Promise<void> {
		this.#stopped = true;
		await this.#working;
	}
}

// What a read model has not written down yet, without a database.

describe("projection queue", () => {
	const limits = { batchGroups: 5, batchBytes: 1_000_000, gatherMs: 5, backlogBytesMax: 10_000, reachTimeoutMs: 50 };
	/** Writes whole batches, unless told otherwise. */
	const queueOf = (write?: (groups: readonly Group[]) => Promise<Head>, more: Partial<typeof limits> = {}) => {
		const written: number[][] = [];
		const queue = new ProjectionQueue({
			head: emptyHead,
			limits: { ...limits, ...more },
			write: async (groups) => {
				written.push(groups.map(({ sequence }) => sequence));
				return write ? write(groups) : headOf(groups.at(-1) as Group);
			},
		});
		return { queue, written };
	};

	it("writes in order, in batches of bounded size", async () => {
		const { queue, written } = queueOf();
		for (const group of log.slice(0, 12)) queue.project(group);
		await queue.drained();
		assert.deepEqual(written, [
			[1, 2, 3, 4, 5],
			[6, 7, 8, 9, 10],
			[11, 12],
		]);
		assert.deepEqual([queue.head.sequence, queue.backlogBytes], [12, 0]);
		const bounded = queueOf(undefined, { batchBytes: 1 });
		for (const group of log.slice(0, 3)) bounded.queue.project(group);
		await bounded.queue.drained();
		assert.deepEqual(bounded.written, [[1], [2], [3]]);
	});

	it("leaves out what another process has written, and tries again what it is writing", async () => {
		let calls = 0;
		const { queue, written } = queueOf(async () => (calls++ < 2 ? emptyHead : headOf(log[8] as Group)));
		for (const group of log.slice(0, 9)) queue.project(group);
		await queue.drained();
		assert.deepEqual(
			written,
			[1, 2, 3].map(() => [1, 2, 3, 4, 5]),
		);
		for (const group of log.slice(0, 9)) queue.project(group);
		assert.equal(queue.backlogBytes, 0);
	});

	it("holds the ledger back while too much waits, and says why nothing can be written", async () => {
		let isAway = true;
		const { queue } = queueOf(async (groups) => {
			if (isAway) throw new Error("away");
			return headOf(groups.at(-1) as Group);
		});
		for (const group of log.slice(0, 100)) queue.project(group);
		assert.ok(queue.backlogBytes > limits.backlogBytesMax);
		await assert.rejects(queue.notTooFarBehind(), /away/);
		await assert.rejects(queue.notTooFarBehind(), /away/);
		await assert.rejects(queue.drained(), /away/);
		await assert.rejects(queue.reached(100), { type: "read_model_behind" });
		isAway = false;
		await queue.notTooFarBehind();
		assert.ok(queue.backlogBytes <= limits.backlogBytesMax);
		await queue.drained();
		await queue.reached(100);
	});

	it("gathers while nobody waits, not while somebody does, and again when they have given up", async () => {
		const { queue, written } = queueOf(undefined, { gatherMs: 60_000, reachTimeoutMs: 20 });
		await assert.rejects(queue.reached(1), { type: "read_model_behind" });
		queue.project(log[0] as Group);
		await sleep(50);
		assert.deepEqual(written, []);
		await queue.reached(1);
		assert.deepEqual(written, [[1]]);
		queue.project(log[1] as Group);
		await queue.close();
		assert.deepEqual(written, [[1], [2]]);
		queue.project(log[2] as Group);
		assert.equal(queue.backlogBytes, 0);
	});
});
