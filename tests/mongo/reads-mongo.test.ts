import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Document, MongoClient } from "mongodb";
import { ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import { internalRoutes } from "../../services/api/internal-routes.ts";
import { publicRoutes } from "../../services/api/routes.ts";
import { type Asked, fill, readsOf, type World, writesOf } from "../api/much.ts";
import { startTestPlatform, type TestPlatform } from "../api/platform.ts";
import { describeOnMongo } from "./on-mongo.ts";
import { profiled } from "./profiled.ts";

/** Beside those that it returns, a query looks at so few. */
const BESIDE_MAX = 5;
/** A store has ten webhooks at most. */
const SORTED_MAX = 10;

describeOnMongo("What is read of somebody with much of everything, on MongoDB", () => {
	let set: ReplicaSet;
	let client: MongoClient;
	let platform: TestPlatform;
	let world: World;
	let askedCount = 0;
	before(async () => {
		set = await ReplicaSet.start();
		const uri = set.uri("reads");
		client = new MongoClient(uri);
		platform = await startTestPlatform({ MONGODB_URI: uri });
		world = await fill(platform);
	});
	after(async () => {
		await platform?.stop();
		await client?.close();
		await set?.stop();
	});

	/** What the server looked at too much for meanwhile, or sorted in memory. */
	async function lookedAtTooMuch({ ask, lookedMax = 0 }: Asked): Promise<object[]> {
		const asked = await profiled(client.db(), ask);
		askedCount += asked.length;
		return asked
			.filter((each) => isTooMuch(each, lookedMax))
			.map(({ op, ns, command, docsExamined, nreturned, planSummary }) => {
				const { filter, q, query, sort } = command;
				return { op, ns, asked: JSON.stringify(filter ?? q ?? query), sort, docsExamined, nreturned, planSummary };
			});
	}

	it("looks at hardly more than it returns, by every route", async () => {
		const played = readsOf(platform, world);
		for (const asked of played) assert.deepEqual(await lookedAtTooMuch(asked), [], asked.name);
		assert.ok(askedCount > 2 * played.length, `the server was asked ${askedCount} times`);
		const gets = [...publicRoutes, ...internalRoutes].filter(({ method }) => method === "GET");
		const names = new Set(played.map(({ name }) => name.split(" ")[0]));
		// What is in memory, and what every person has one of.
		const elsewhere = ["auth.jwks", "auth.listKeys", "operator.listProcesses"];
		assert.deepEqual(
			gets.map(({ action }) => action as string).filter((action) => !names.has(action)),
			elsewhere,
		);
	});

	describe("what is written", () => {
		it("finds what it changes, and what is over, by an index", async () => {
			for (const asked of writesOf(world)) assert.deepEqual(await lookedAtTooMuch(asked), [], asked.name);
		});
	});
});

function isTooMuch({ ns, docsExamined = 0, hasSortStage, ...found }: Document, lookedMax: number): boolean {
	const { nreturned = 0, nModified = 0, ndeleted = 0 } = found;
	const few = Math.max(nreturned, nModified, ndeleted) + BESIDE_MAX;
	const isSorted = hasSortStage === true && docsExamined > SORTED_MAX;
	return String(ns).startsWith("reads.") && (docsExamined > Math.max(few, lookedMax) || isSorted);
}
