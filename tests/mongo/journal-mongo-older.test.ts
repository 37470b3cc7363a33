import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { type Binary, MongoClient } from "mongodb";
import { ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import { claimsOf, emptyHead, headOf, keyOf, makeGroup } from "../../services/credit/journal.ts";
import { MongoJournal } from "../../services/credit/journal-mongo.ts";
import { entryOf } from "../ledger/journal-conformance.ts";
import { describeOnMongo } from "./on-mongo.ts";

type Stored = { _id: number; claims: (string | Binary)[] };

describeOnMongo("MongoDB journal, how claims lie in it", () => {
	let set: ReplicaSet;
	let client: MongoClient;
	const opened: MongoJournal[] = [];
	before(async () => {
		set = await ReplicaSet.start();
		client = await MongoClient.connect(set.uri("admin"));
	});
	after(async () => {
		await Promise.all(opened.map((journal) => journal.close()));
		await client?.close();
		await set.stop();
	});

	const openAt = (place: string): MongoJournal => {
		const journal = new MongoJournal(set.uri(place));
		opened.push(journal);
		return journal;
	};
	const storedAt = (place: string) => client.db(place).collection<Stored>("ledger_groups");
	const first = [entryOf("a", { tombstone: "b", jti: "c" })];
	const second = [entryOf("d")];
	const one = makeGroup({ lane: 0, previous: emptyHead, nowMs: 1, entries: first });
	const next = makeGroup({ lane: 0, previous: headOf(one), nowMs: 2, entries: second });

	it("as their keys, 16 bytes each, whichever process appends", async () => {
		const [journal, other] = [openAt("new"), openAt("new")];
		assert.deepEqual(await journal.find(["a"]), new Map());
		assert.deepEqual(await journal.append(one, first.flatMap(claimsOf)), { result: "appended" });
		assert.deepEqual(await other.append(next, ["d"]), { result: "appended" });
		const stored = await storedAt("new")
			.find({}, { sort: { _id: 1 } })
			.toArray();
		const found = stored.map(({ claims }) => claims.map((claim) => (claim as Binary).toString("hex")));
		const keys = (...claims: string[]) => claims.map((claim) => keyOf(claim).toString("hex"));
		assert.deepEqual(found, [keys("a", "b", "code:c"), keys("d")]);
		const text = { _id: 3, claims: ["a"] };
		await assert.rejects(storedAt("new").insertOne(text), { code: 121 }, "an older version may append");
	});

	it("as themselves where an older version has made a log and nothing in it yet", async () => {
		await client.db("empty").createCollection("ledger_groups");
		const journal = openAt("empty");
		assert.deepEqual(await journal.append(one, first.flatMap(claimsOf)), { result: "appended" });
		assert.deepEqual((await storedAt("empty").findOne({ _id: 1 }))?.claims, ["a", "b", "code:c"]);
		assert.deepEqual(await journal.find(["b", "d"]), new Map([["b", 1]]));
	});

	it("as themselves in a log that an older version began: what it has is found, and is not taken twice", async () => {
		const { sequence, ...rest } = one;
		const old = { _id: sequence, ...rest, claims: first.flatMap(claimsOf) };
		await storedAt("old").createIndex({ claims: 1 }, { name: "claims", unique: true });
		await storedAt("old").insertOne(old, { writeConcern: { w: "majority" } });
		const journal = openAt("old");
		const again = makeGroup({ lane: 0, previous: headOf(one), nowMs: 2, entries: [entryOf("e", { jti: "c" })] });
		assert.deepEqual(await journal.append(again, ["e", "code:c"]), { result: "duplicate", claims: ["code:c"] });
		assert.deepEqual(await journal.append(next, ["d"]), { result: "appended" });
		const expected = new Map([
			["a", 1],
			["code:c", 1],
			["d", 2],
		]);
		for (const each of [journal, openAt("old")])
			assert.deepEqual(new Map([...(await each.find(["d", "code:c", "a", "x"]))].sort()), expected);
		const stored = await storedAt("old").findOne({ _id: 2 });
		assert.deepEqual(stored?.claims, ["d"]);
	});
});
