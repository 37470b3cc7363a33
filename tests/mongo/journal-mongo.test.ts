import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Document } from "mongodb";
import { freePorts, until } from "../../scripts/cluster/processes.ts";
import { ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import {
	type Appended,
	claimsOf,
	emptyHead,
	entriesOf,
	type Group,
	type Head,
	headOf,
	makeGroup,
} from "../../services/credit/journal.ts";
import { MongoJournal } from "../../services/credit/journal-mongo.ts";
import type { Entry } from "../../services/credit/model.ts";
import { assertLog, entryOf, journalConformance } from "../ledger/journal-conformance.ts";
import { LossyWire } from "./lossy-wire.ts";
import { describeOnMongo } from "./on-mongo.ts";

const group = (previous: Head, entries: readonly Entry[]): Group =>
	makeGroup({ lane: 0, previous, nowMs: previous.committedAtMs + 1, entries });

const claims = (entries: readonly Entry[]): string[] => entries.flatMap(claimsOf);

async function add(journal: MongoJournal, ...ids: string[]): Promise<Group> {
	const entries = ids.map((id) => entryOf(id));
	const made = group(await journal.head(), entries);
	assert.deepEqual(await journal.append(made, claims(entries)), { result: "appended" });
	return made;
}

async function everything(journal: MongoJournal): Promise<Group[]> {
	const groups: Group[] = [];
	for (;;) {
		const page = await journal.read({ fromSequence: groups.length + 1, groupsMax: 1_000 });
		if (page.length === 0) return groups;
		groups.push(...page);
	}
}

const opened = new Set<MongoJournal>();
// Also after a failure: an open client would keep the process alive.
after(() => Promise.all([...opened].map((journal) => journal.close())));

function openAt(uri: string): MongoJournal {
	const journal = new MongoJournal(uri);
	opened.add(journal);
	return journal;
}

const errorOf = (work: Promise<unknown>): Promise<Error & { type?: string }> =>
	work.then(
		(value) => assert.fail(`it was to fail, and is ${JSON.stringify(value)}`),
		(error: Error) => error,
	);

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
	const startedAt = performance.now();
	const result = await work;
	const tookMs = Math.round(performance.now() - startedAt);
	assert.ok(tookMs <= ms, `it took ${tookMs} ms, more than ${ms}`);
	return result;
}

// 1. One member: what every journal promises, and every way in which an answer can be lost.

describeOnMongo("MongoDB journal, one member", () => {
	let set: ReplicaSet;
	before(async () => {
		set = await ReplicaSet.start();
	});
	after(() => set.stop());

	journalConformance("MongoDB", async (place) => new MongoJournal(set.uri(place)), { writers: 3 });

	describe("an insert whose answer is lost", () => {
		let places = 0;
		let journal: MongoJournal;
		/** A journal with three groups, and the next one. */
		const prepare = async () => {
			journal = openAt(set.uri(`lost-${++places}`));
			for (const id of ["a", "b", "c"]) await add(journal, id);
			return group(await journal.head(), [entryOf("d")]);
		};

		const failures: [string, number, Document][] = [
			["the connection is closed before it is read", 1, { closeConnection: true }],
			["the connection is closed, and once more", 2, { closeConnection: true }],
			["the server is not the primary", 1, { errorCode: 10107 }],
			["the server steps down, and again", 2, { errorCode: 11602 }],
			["it is done, and the server shuts down while it waits for a majority", 1, shutdownWhileWaiting()],
			["it is done, and the majority is not there in time, twice", 2, notInTime()],
		];
		for (const [what, times, data] of failures) {
			it(`because ${what}: it is inserted again, and is there once`, async () => {
				const next = await prepare();
				await set.failNext(times, { failCommands: ["insert"], ...data });
				assert.deepEqual(await journal.append(next, ["d"]), { result: "appended" });
				const groups = await everything(journal);
				assert.equal(groups.length, 4);
				assert.deepEqual(groups.at(-1), next);
				for (const again of [journal, openAt(set.uri(`lost-${places}`))])
					assert.deepEqual(await again.append(next, ["d"]), { result: "conflict" });
				await add(journal, "e");
			});
		}

		it("says how far the log goes while others append without end, and never less than what was acknowledged", async () => {
			const uri = set.uri("head-while-appending");
			const [writer, reader] = [openAt(uri), openAt(uri)];
			let acknowledged = 0;
			let isOver = false;
			const appending = (async () => {
				for (let n = 0; !isOver; n++) acknowledged = (await add(writer, `e${n}`)).sequence;
			})();
			for (let n = 0; n < 100; n++) {
				const before = acknowledged;
				const [one, other] = await Promise.all([reader.head(), openAt(uri).head()]);
				assert.ok(one.sequence >= before && other.sequence >= before, `${one.sequence} ${other.sequence} ${before}`);
			}
			isOver = true;
			await appending;
			assert.equal((await reader.head()).sequence, acknowledged);
		});

		it("because the wire is cut when the server has answered: it is appended, once", async () => {
			const next = await prepare();
			const wire = await LossyWire.to(set.members[0]?.port ?? 0);
			const through = openAt(`mongodb://127.0.0.1:${wire.port}/lost-${places}?directConnection=true`);
			await through.head();
			wire.loseReplies(3);
			assert.deepEqual(await through.append(next, ["d"]), { result: "appended" });
			assert.equal(wire.lost, 3);
			assert.deepEqual((await everything(journal)).at(-1), next);
			await wire.close();
		});

		it("while another writer takes the number: a conflict", async () => {
			const next = await prepare();
			const other = openAt(`${set.uri(`lost-${places}`)}&appName=other`);
			await other.head();
			await set.failNext(1, {
				failCommands: ["insert"],
				closeConnection: true,
				blockConnection: true,
				blockTimeMS: 300,
			});
			const appending = journal.append(next, ["d"]);
			await sleep(50);
			await add(other, "rival");
			assert.deepEqual(await appending, { result: "conflict" });
		});

		it("and never comes: not known, and never «surely absent»; the number is settled by whatever is appended next", async () => {
			const next = await prepare();
			await set.failNext(1, { failCommands: ["insert"], blockConnection: true, blockTimeMS: 3_500 });
			const error = await within(2_900, errorOf(journal.append(next, ["d"])));
			assert.notEqual(error.type, "ledger_unavailable");
			const [entry] = [entryOf("e")];
			const settled = await journal.append(group(headOf((await everything(journal))[2] as Group), [entry]), ["e"]);
			await sleep(1_500);
			const groups = await everything(journal);
			assertLog(groups);
			const ids = groups.flatMap(entriesOf).map(({ id }) => id as string);
			assert.deepEqual(ids, settled.result === "appended" ? ["a", "b", "c", "e"] : ["a", "b", "c", "d"]);
		});

		it("is refused for a reason that will not go away: said at once, and not tried until the time is over", async () => {
			const next = await prepare();
			await set.failNext(1, { failCommands: ["insert"], errorCode: 13 });
			const error = await within(500, errorOf(journal.append(next, ["d"])));
			assert.equal((error.cause as { code?: number }).code, 13);
			assert.deepEqual(await journal.append(next, ["d"]), { result: "appended" });
		});
	});

	it("a member that is killed with -9 has everything that was acknowledged when it is back", async () => {
		const journal = openAt(set.uri("killed"));
		const groups = [];
		for (let n = 0; n < 20; n++) groups.push(await add(journal, `g${n}`));
		const [member] = set.members;
		assert.ok(member);
		await set.kill(member);
		await set.restart(member);
		await set.waitForPrimary();
		assert.deepEqual(await everything(journal), groups);
		await add(journal, "afterwards");
	});
});

/** `errmsg` and all, as a server says it. */
function shutdownWhileWaiting(): Document {
	return { writeConcernError: { code: 11600, codeName: "InterruptedAtShutdown", errmsg: "interrupted at shutdown" } };
}
function notInTime(): Document {
	return {
		writeConcernError: { code: 64, codeName: "WriteConcernFailed", errmsg: "waiting for replication timed out" },
	};
}

// 2. No database.

describeOnMongo("MongoDB journal, no database", () => {
	it("from the start: says so within the deadline, and works without a restart once it is there", async () => {
		const set = await ReplicaSet.start();
		after(() => set.stop());
		const [member] = set.members;
		assert.ok(member);
		await set.kill(member);
		const journal = openAt(set.uri("down"));
		const first = group(emptyHead, [entryOf("a")]);
		for (const _ of ["at once", "and again"]) {
			const reads = [journal.head(), journal.find(["a"]), journal.read({ fromSequence: 1, groupsMax: 1 })];
			const errors = await within(2_700, Promise.all([journal.append(first, ["a"]), ...reads].map(errorOf)));
			assert.deepEqual(
				errors.map(({ type }) => type),
				["ledger_unavailable", "service_unavailable", "service_unavailable", "service_unavailable"],
			);
		}
		await set.restart(member);
		await set.waitForPrimary();
		assert.deepEqual(await journal.append(first, ["a"]), { result: "appended" });
		set.pause(member);
		const second = group(headOf(first), [entryOf("b")]);
		// The append first: it is to have the connection that there is.
		const work = [journal.append(second, ["b"]), sleep(20).then(() => journal.find(["b"]))];
		const [appending, finding] = await within(2_700, Promise.all(work.map(errorOf)));
		assert.notEqual(appending?.type, "ledger_unavailable", "it was sent");
		assert.equal(finding?.type, "service_unavailable");
		set.resume(member);
		await until(
			async () => (await journal.append(second, ["b"])).result === "conflict",
			"the second group is in the log",
		);
		assert.deepEqual(await everything(journal), [first, second]);
	});

	it("at an address where nobody listens: the error names no password", async () => {
		const [port] = await freePorts(1);
		const journal = openAt(`mongodb://hannip:secret-word@127.0.0.1:${port}/down`);
		const error = await within(2_700, errorOf(journal.append(group(emptyHead, [entryOf("a")]), ["a"])));
		assert.equal(error.type, "ledger_unavailable");
		for (let each: unknown = error; each instanceof Error; each = each.cause)
			assert.doesNotMatch(`${each.stack}${JSON.stringify(each)}`, /secret-word/);
	});

	it("a URI that names no database is refused, without saying it", () => {
		assert.throws(
			() => openAt("mongodb://hannip:secret-word@127.0.0.1:1/?replicaSet=rs"),
			({ name, message }: Error) => name === "TypeError" && !message.includes("secret-word"),
		);
	});
});

// 3. Three members, under load.

/** Writers that append as fast as they can, whatever happens, and write down what they were told. */
class Load {
	readonly acknowledged: Group[] = [];
	readonly unknown: Group[] = [];
	readonly absent: Group[] = [];
	readonly done: string[] = [];
	readonly #journals: MongoJournal[];
	readonly #writers: Promise<void>[];
	#stopped = false;

	/** Each writer has a client of its own, as if it were a process. */
	constructor(uri: string, writers = 2) {
		this.#journals = Array.from({ length: writers }, (_, n) => openAt(`${uri}&appName=writer-${n}`));
		this.#writers = this.#journals.map((journal, n) => this.#write(journal, `writer ${n}`));
	}

	async #write(journal: MongoJournal, who: string): Promise<void> {
		let head = await this.#headOf(journal);
		for (let n = 0; !this.#stopped; ) {
			const entries = [1, 2, 3].map((part) => entryOf(`${who}.${n}.${part}`, { jti: `${who}.${n}.${part}` }));
			const made = group(head, entries);
			const appended = await this.#append(journal, made, claims(entries));
			if (appended?.result === "appended") this.acknowledged.push(made);
			// All of it, or it would be torn: an earlier attempt of which nothing was heard.
			if (appended?.result === "duplicate") assert.deepEqual(appended.claims.toSorted(), claims(entries).toSorted());
			const isDone = appended?.result === "appended" || appended?.result === "duplicate";
			if (isDone) this.done.push(`${who}.${n++}`);
			head = appended?.result === "appended" ? headOf(made) : await this.#headOf(journal);
		}
	}

	async #append(journal: MongoJournal, made: Group, taken: string[]): Promise<Appended | undefined> {
		try {
			return await within(2_900, journal.append(made, taken));
		} catch (error) {
			const { type } = error as { type?: string };
			(type === "ledger_unavailable" ? this.absent : this.unknown).push(made);
			return undefined;
		}
	}

	async #headOf(journal: MongoJournal): Promise<Head> {
		for (;;) {
			try {
				return await journal.head();
			} catch (error) {
				assert.equal((error as { type?: string }).type, "service_unavailable", String(error));
				if (this.#stopped) return emptyHead;
				await sleep(20);
			}
		}
	}

	async more(count: number): Promise<void> {
		const wanted = this.acknowledged.length + count;
		await until(() => this.acknowledged.length >= wanted, `${count} more groups are acknowledged`);
	}

	/** Stops, and holds what the log says against what the writers were told. */
	async check(uri: string): Promise<Group[]> {
		this.#stopped = true;
		await Promise.all(this.#writers);
		const journal = openAt(`${uri}&appName=reader`);
		const groups = await everything(journal);
		assertLog(groups);
		const hashes = new Set(groups.map(({ hash }) => hash));
		for (const { sequence, hash } of this.acknowledged)
			assert.equal(groups[sequence - 1]?.hash, hash, `group ${sequence} was acknowledged and is not there`);
		for (const { sequence, hash } of this.absent)
			assert.ok(!hashes.has(hash), `group ${sequence} was said to be surely absent, and is there`);
		const ids = groups.flatMap(entriesOf).map(({ id }) => id as string);
		assert.equal(new Set(ids).size, ids.length, "an id is there twice");
		const there = new Set(ids);
		for (const id of this.done) assert.ok(there.has(`${id}.1`), `${id} was done and is not there`);
		const made = groups.flatMap((each) => claims(entriesOf(each)).map((claim) => [claim, each.sequence] as const));
		assert.deepEqual(await journal.find(made.map(([claim]) => claim)), new Map(made));
		return groups;
	}
}

describeOnMongo("MongoDB journal, three members", () => {
	let set: ReplicaSet;
	before(async () => {
		set = await ReplicaSet.start({ members: 3 });
	});
	after(() => set.stop());

	it("the primary is killed with -9, twice: nothing acknowledged is lost, nothing is there twice, and it goes on", async () => {
		const load = new Load(set.uri("killed"));
		for (const _ of [1, 2]) {
			await load.more(50);
			const primary = await set.waitForPrimary();
			await set.kill(primary);
			await set.waitForPrimary(primary);
			await load.more(50);
			await set.restart(primary);
			await set.complete();
		}
		await load.check(set.uri("killed"));
	});

	it("the primary has to step down: likewise", async () => {
		const load = new Load(set.uri("stepped-down"));
		await load.more(50);
		const primary = await set.stepDown();
		await set.waitForPrimary(primary);
		await load.more(100);
		await load.check(set.uri("stepped-down"));
	});

	it("the primary is frozen for 3 s, and comes back to find another one: likewise", async () => {
		const load = new Load(set.uri("frozen"));
		await load.more(50);
		const primary = await set.waitForPrimary();
		set.pause(primary);
		await sleep(3_000);
		set.resume(primary);
		await load.more(100);
		await set.complete();
		await load.check(set.uri("frozen"));
	});

	it("a group that only a minority has is never acknowledged, and is gone when the others have gone on", async () => {
		const uri = set.uri("minority");
		const journal = openAt(uri);
		const groups = [await add(journal, "a"), await add(journal, "b")];
		const reader = openAt(`${uri}&appName=reader`);
		await Promise.all([reader.head(), reader.head(), reader.head()]);
		const primary = await set.waitForPrimary();
		const others = set.members.filter((member) => member !== primary);
		for (const other of others) await set.kill(other);
		const minority = group(headOf(groups[1] as Group), [entryOf("c")]);
		const appending = errorOf(journal.append(minority, ["c"]));
		// The primary does not know yet that it is alone, and has the group.
		await sleep(100);
		const reads = [reader.read({ fromSequence: 3, groupsMax: 1 }), reader.find(["c"]), reader.head()];
		for (const { type } of await Promise.all(reads.map(errorOf))) assert.equal(type, "service_unavailable");
		const error = await within(2_900, appending);
		assert.notEqual(error.type, "ledger_unavailable", "it is in the log of one of three");
		await set.kill(primary);
		for (const other of others) await set.restart(other);
		await set.waitForPrimary(primary);
		await until(() => journal.head().then(Boolean), "the journal finds the new primary");
		groups.push(await add(journal, "d"));
		await set.restart(primary);
		await set.complete();
		assert.deepEqual(await everything(journal), groups);
		assert.deepEqual(await journal.find(["c"]), new Map());
	});

	it("two processes append at once, and one is killed with -9: one chain, nothing lost, no claim twice", async () => {
		const uri = set.uri("processes");
		const processes = ["one", "two"].map((who) => appender(uri, who));
		await until(() => processes.every(({ lines }) => lines().length >= 30), "both have appended");
		const [one, two] = processes.map(({ child }) => child) as [ChildProcess, ChildProcess];
		await killed(one);
		const before = processes[1]?.lines().length ?? 0;
		await until(() => (processes[1]?.lines().length ?? 0) >= before + 30, "the other one goes on");
		await killed(two);
		const journal = openAt(uri);
		const groups = await everything(journal);
		assertLog(groups);
		for (const line of processes.flatMap(({ lines }) => lines())) {
			const [sequence, hash] = line.split(" ");
			assert.equal(groups[Number(sequence) - 1]?.hash, hash, `group ${sequence} was acknowledged and is not there`);
		}
		const ids = groups.flatMap(entriesOf).map(({ id }) => id);
		assert.equal(new Set(ids).size, ids.length);
	});
});

/** Another process that appends as fast as it can, and says which group was acknowledged after each. */
function appender(uri: string, who: string): { child: ChildProcess; lines: () => string[] } {
	const urlOf = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
	const script = `
		import { claimsOf, headOf, makeGroup } from ${urlOf("../../services/credit/journal.ts")};
		import { MongoJournal } from ${urlOf("../../services/credit/journal-mongo.ts")};
		const journal = new MongoJournal(${JSON.stringify(uri)});
		const say = (line) => new Promise((said) => process.stdout.write(line + "\\n", said));
		const headAgain = () => journal.head().catch(headAgain);
		let head = await headAgain();
		for (let n = 0; ; ) {
			const entries = [{ id: "${who}." + n, type: "transfer", fingerprint: "" }];
			const made = makeGroup({ lane: 0, previous: head, nowMs: head.committedAtMs + 1, entries });
			const { result } = await journal.append(made, entries.flatMap(claimsOf)).catch(() => ({ result: "unknown" }));
			if (result === "appended" || result === "duplicate") n++;
			if (result === "appended") await say(made.sequence + " " + made.hash);
			head = result === "appended" ? headOf(made) : await headAgain();
		}`;
	const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module-typescript"];
	const child = spawn(process.execPath, [...flags, "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
	let out = "";
	child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
		out += chunk;
	});
	// What follows the last line break was not said to its end.
	return { child, lines: () => out.split("\n").slice(0, -1) };
}

async function killed(child: ChildProcess): Promise<void> {
	const closed = once(child, "close");
	child.kill("SIGKILL");
	await closed;
}
