import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { type Binary, MongoClient } from "mongodb";
import { ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import { claimsOf, emptyHead, headOf, keyOf, makeGroup } from "../../services/credit/journal.ts";
import { MongoJournal } from "../../services/credit/journal-mongo.ts";
import { entryOf } from "../ledger/journal-conformance.ts";
import { describeOnMongo } from "./on-mongo.ts";

type Stored = { _id: number; claims: (string | Binary)[] };
type Schema = { _id: string; version: number };

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
	});

	it("and of another version are refused at once, and nothing is written", async () => {
		const schemaAt = (place: string) => client.db(place).collection<Schema>("ledger_schema");
		assert.deepEqual(await schemaAt("new").find().toArray(), [{ _id: "ledger_groups", version: 1 }]);
		await schemaAt("newer").insertOne({ _id: "ledger_groups", version: 99 });
		const { sequence, ...rest } = one;
		// As groups were stored before there were versions.
		await storedAt("none").insertOne({ _id: sequence, ...rest, claims: first.flatMap(claimsOf) });
		for (const [place, said] of [
			["newer", /log has version 99, this Hannip knows 1/],
			["none", /log has version 0, this Hannip knows 1/],
		] as const) {
			const journal = openAt(place);
			const before = await storedAt(place).countDocuments();
			await assert.rejects(journal.head(), said);
			await assert.rejects(journal.append(next, ["d"]), ({ type, cause }) => {
				return type === "ledger_unavailable" && said.test(cause.message);
			});
			assert.equal(await storedAt(place).countDocuments(), before);
			assert.equal((await schemaAt(place).findOne())?.version, place === "newer" ? 99 : undefined);
		}
	});

	it("processes that begin one log at the same time agree on its version", async () => {
		const journals = Array.from({ length: 8 }, () => openAt("together"));
		assert.deepEqual(
			await Promise.all(journals.map((journal) => journal.head())),
			journals.map(() => emptyHead),
		);
	});
});
