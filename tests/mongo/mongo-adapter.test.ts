import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { MongoClient } from "mongodb";
import type { Collection } from "../../mixins/database.ts";
import { MongoAdapter } from "../../mixins/mongo-adapter.ts";
import { freePorts, until } from "../../scripts/cluster/processes.ts";
import { ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import { adapterConformance } from "../database/adapter-conformance.ts";
import { describeOnMongo } from "./on-mongo.ts";
import { profiled } from "./profiled.ts";

const opened = new Set<MongoAdapter>();
// Also after a failure: an open client would keep the process alive.
after(() => Promise.all([...opened].map((adapter) => adapter.disconnect())));

async function openedAt(uri: string, collection: Collection): Promise<MongoAdapter> {
	const adapter = new MongoAdapter({ uri, ...collection });
	opened.add(adapter);
	await adapter.connect();
	return adapter;
}

const users: Collection = {
	collection: "users",
	indexes: [
		{ fields: ["handle"], unique: true },
		{ fields: ["storeId", "sku"], unique: true },
		{ fields: ["city", "age"] },
	],
};

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
	const startedAt = performance.now();
	const result = await work;
	const tookMs = Math.round(performance.now() - startedAt);
	assert.ok(tookMs <= ms, `it took ${tookMs} ms, more than ${ms}`);
	return result;
}

const away = { type: "service_unavailable", code: 503 };

describeOnMongo("MongoDB adapter", () => {
	let set: ReplicaSet;
	let client: MongoClient;
	before(async () => {
		set = await ReplicaSet.start();
		client = new MongoClient(set.uri("adapter"));
	});
	after(async () => {
		await client.close();
		await set.stop();
	});

	adapterConformance("MongoDB", (collection) => new MongoAdapter({ uri: set.uri("adapter"), ...collection }));

	it("counts by the index, and no further than it is asked to", async () => {
		const adapter = await openedAt(set.uri("counting"), {
			collection: "jobs",
			indexes: [{ fields: ["state", "atMs"] }],
		});
		await adapter.insertMany(Array.from({ length: 300 }, (_, n) => ({ _id: `j_${n}`, state: "failed", atMs: n })));
		const db = client.db("counting");
		const [counted] = await profiled(db, async () => {
			assert.equal(await adapter.count({ query: { state: "failed", atMs: { $gt: 99 } }, limit: 10 }), 10);
		});
		assert.deepEqual([counted?.docsExamined, counted?.keysExamined], [0, 10]);
	});

	it("answers queries for indexed fields from the index, those of unique ones too, and for their first fields alone", async () => {
		const adapter = await openedAt(set.uri("adapter"), users);
		await adapter.insertMany(Array.from({ length: 50 }, (_, n) => ({ _id: `u_${n}`, handle: `h${n}`, storeId: "s" })));
		const queries = [
			{ handle: "h7" },
			{ handle: 7 },
			{ handle: { $in: ["h7", "h8"] } },
			{ handle: "h7", age: null },
			{ storeId: "s", sku: "A" },
			{ storeId: "s" },
			{ storeId: "s", sku: null },
			{ city: "Seoul" },
			{ city: "Seoul", age: { $gt: 3 } },
			{ _id: "u_7" },
		];
		for (const query of queries) {
			const plan = await client
				.db()
				.collection("users")
				.find(query as object)
				.explain("queryPlanner");
			assert.doesNotMatch(JSON.stringify(plan.queryPlanner.winningPlan), /COLLSCAN/, JSON.stringify(query));
		}
	});

	it("takes numbers and booleans for unique values as well, and each type for itself", async () => {
		const adapter = await openedAt(set.uri("adapter"), { ...users, collection: "typed" });
		for (const handle of ["1", 1, -1e300, true, false, "", 0]) await adapter.insert({ handle });
		for (const handle of ["1", 1, -1e300, true, false, "", 0]) {
			await assert.rejects(adapter.insert({ handle }), { type: "DUPLICATE_KEY", data: { fields: ["handle"] } });
		}
		assert.equal(await adapter.count(), 7);
	});

	it("names the fields whatever the values are", async () => {
		const adapter = await openedAt(set.uri("adapter"), { ...users, collection: "named" });
		const handle = "x index: unique storeId, sku dup key: { ";
		await adapter.insert({ _id: handle, handle });
		await assert.rejects(adapter.insert({ handle }), { data: { fields: ["handle"] } });
		await assert.rejects(adapter.insert({ _id: handle }), { data: { fields: ["_id"] } });
		await assert.rejects(adapter.insertMany([{ handle: "y" }, { handle }]), { data: { fields: ["handle"] } });
	});

	it("refuses what the driver would take for something else than JSON", async () => {
		const adapter = await openedAt(set.uri("adapter"), { collection: "plain" });
		for (const inner of [{ _bsontype: "ObjectId" }, { _bsontype: "MinKey" }, [{ _bsontype: "Code", code: "1" }]]) {
			await assert.rejects(adapter.insert({ inner }), TypeError);
			await assert.rejects(adapter.updateMany({}, { $set: { inner } }), TypeError);
		}
		await assert.rejects(adapter.find({ query: { _bsontype: "Long" } }), TypeError);
		assert.equal(await adapter.count(), 0);
	});

	it("shares one client among all collections of a URI, and closes it with the last", async () => {
		const uri = `${set.uri("shared")}&appName=shared-client`;
		const sockets = async () => {
			const pipeline = [
				{ $currentOp: { allUsers: true, idleConnections: true } },
				{ $match: { appName: "shared-client" } },
			];
			return (await client.db("admin").aggregate(pipeline).toArray()).length;
		};
		const one = await openedAt(uri, { collection: "one" });
		await one.count();
		const alone = await sockets();
		const many = [];
		for (const collection of ["two", "three", "four"]) many.push(await openedAt(uri, { collection }));
		for (const adapter of many) await adapter.count();
		assert.equal(await sockets(), alone, "the others have connections of their own");
		await one.disconnect();
		await one.disconnect();
		await assert.rejects(one.count(), /not connected/);
		assert.equal(await many[0]?.count(), 0);
		for (const adapter of many) await adapter.disconnect();
		await until(async () => (await sockets()) === 0, "the client is closed");
		await one.connect();
		assert.equal(await one.count(), 0);
	});

	it("inserts, updates and commits once, though the answer gets lost", async () => {
		const adapter = await openedAt(set.uri("adapter"), { collection: "lost" });
		const lostWhile = async (command: string, work: () => Promise<unknown>) => {
			const errmsg = "waiting for replication was interrupted";
			const writeConcernError = { code: 11602, codeName: "InterruptedDueToReplStateChange", errmsg };
			for (const data of [{ closeConnection: true }, { writeConcernError, errorLabels: ["RetryableWriteError"] }]) {
				await set.failNext(1, { failCommands: [command], ...data });
				await work();
			}
		};
		await lostWhile("insert", () => adapter.insert({ n: 0 }));
		assert.equal(await adapter.count(), 2);
		await lostWhile("update", () => adapter.updateMany({ _id: "none" }, { $inc: { n: 1 } }));
		await adapter.insert({ _id: "a", n: 0 });
		await lostWhile("update", () => adapter.updateMany({ _id: "a" }, { $inc: { n: 1 } }));
		await lostWhile("findAndModify", () => adapter.updateById("a", { $inc: { n: 1 } }));
		await lostWhile("commitTransaction", () => adapter.writeMany([{ update: { _id: "a" }, inc: { n: 1 } }]));
		assert.deepEqual(await adapter.findById("a"), { _id: "a", n: 6 });
	});

	it("asks once whether all writes of a batch can be done, however many they are", async () => {
		const adapter = await openedAt(set.uri("adapter"), { collection: "batches" });
		const ids = Array.from({ length: 20 }, (_, n) => `d_${n}`);
		await adapter.insertMany(ids.map((_id) => ({ _id, version: 1 })));
		const asked = async () => (await client.db().admin().serverStatus()).metrics.commands.update.total;
		const before = await asked();
		const writes = ids.map((_id) => ({ update: { _id, version: _id === "d_19" ? 2 : 1 }, set: { n: 1 } }));
		await assert.rejects(adapter.writeMany(writes), { type: "WRITE_CONFLICT" });
		assert.equal((await asked()) - before, 1);
	});

	it("gives up a transaction that meets others again and again, within the deadline, and leaves nothing of it", async () => {
		const adapter = await openedAt(set.uri("adapter"), { collection: "contended" });
		await adapter.insertMany([
			{ _id: "a", n: 0 },
			{ _id: "b", n: 0 },
		]);
		const held = client.startSession();
		held.startTransaction();
		const update = { $inc: { n: 100 } };
		await client.db().collection<{ _id: string }>("contended").updateOne({ _id: "b" }, update, { session: held });
		const both = [
			{ update: { _id: "a" }, inc: { n: 1 } },
			{ update: { _id: "b" }, inc: { n: 1 } },
		];
		await within(2_900, assert.rejects(adapter.writeMany(both), away));
		await held.abortTransaction();
		await held.endSession();
		assert.deepEqual(
			(await adapter.find()).map(({ n }) => n),
			[0, 0],
		);
		await adapter.writeMany(both);
	});

	it("without a database: says so within the deadline, and works without a restart once it is there", async () => {
		const adapter = await openedAt(set.uri("adapter"), { collection: "away" });
		for (let n = 0; n < 20; n++) await adapter.insert({ _id: `d_${n}` });
		const [member] = set.members;
		assert.ok(member);
		await set.kill(member);
		const all = () => [
			adapter.find(),
			adapter.count(),
			adapter.insert({ n: 1 }),
			adapter.insertMany([{ n: 1 }, { n: 2 }]),
			adapter.updateById("d_1", { $set: { n: 1 } }),
			adapter.removeMany({ n: 9 }),
			adapter.writeMany([{ insert: { n: 1 } }]),
			new MongoAdapter({ uri: set.uri("elsewhere"), collection: "away" }).connect(),
		];
		await within(2_900, Promise.all(all().map((work) => assert.rejects(work, away))));
		await set.restart(member);
		await set.waitForPrimary();
		await until(() => adapter.count().then(Boolean), "the adapter finds the primary");
		assert.equal(await adapter.count(), 20, "all that was acknowledged");
		set.pause(member);
		await within(2_900, Promise.all(all().map((work) => assert.rejects(work, away))));
		set.resume(member);
		await until(() => adapter.count().then(Boolean), "it answers again");
	});

	it("lets go of the connections of what it gave up: the next one has its answer while the server still thinks", async () => {
		const few = `${set.uri("adapter")}&maxPoolSize=2&appName=few`;
		const adapter = await openedAt(few, { collection: "few" });
		await adapter.insert({ _id: "a" });
		await set.failNext(2, { failCommands: ["find"], appName: "few", blockConnection: true, blockTimeMS: 8_000 });
		const blocked = [adapter.find(), adapter.find()];
		await within(2_900, Promise.all(blocked.map((work) => assert.rejects(work, away))));
		assert.deepEqual(await within(900, adapter.find()), [{ _id: "a" }]);
	});

	it("tells no password, and refuses a URI without a database", async () => {
		const [port] = await freePorts(1);
		const adapter = new MongoAdapter({ uri: `mongodb://hannip:secret-word@127.0.0.1:${port}/x`, collection: "users" });
		await assert.rejects(adapter.connect(), (error: Error) => {
			for (let each: unknown = error; each instanceof Error; each = each.cause)
				assert.doesNotMatch(`${each.stack}${JSON.stringify(each)}`, /secret-word/);
			return true;
		});
		const nameless = new MongoAdapter({ uri: "mongodb://hannip:secret-word@127.0.0.1/?w=1", collection: "users" });
		await assert.rejects(nameless.connect(), { name: "TypeError", message: /must name the database/ });
	});
});
