import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { MongoClient } from "mongodb";
import type { Documents } from "../../mixins/database.ts";
import { MongoAdapter } from "../../mixins/mongo-adapter.ts";
import { ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import { openSession, openSessionsOf, SESSION_TTL_MS, SESSIONS, type Session } from "../../services/auth/session.ts";
import { describeOnMongo } from "./on-mongo.ts";
import { profiled } from "./profiled.ts";

const NOW_MS = 1_800_000_000_000;
const OPEN = 300;
const OVER = 3;

describeOnMongo("Sessions of somebody who logs in all the time, on MongoDB", () => {
	let set: ReplicaSet;
	let client: MongoClient;
	let adapter: MongoAdapter;
	before(async () => {
		set = await ReplicaSet.start();
		client = new MongoClient(set.uri("sessions"));
		adapter = new MongoAdapter({ uri: set.uri("sessions"), ...SESSIONS });
		await adapter.connect();
	});
	after(async () => {
		await adapter?.disconnect();
		await client?.close();
		await set?.stop();
	});

	/** The documents that the server looks at for what is asked meanwhile. */
	async function lookedAt(ask: () => Promise<unknown>): Promise<number> {
		const asked = (await profiled(client.db(), ask)).filter(({ op }) => op === "query");
		assert.notEqual(asked.length, 0);
		return asked.reduce((sum, { docsExamined }) => sum + docsExamined, 0);
	}

	it("one more looks at those that are over, and a list at those that are in it", async () => {
		const sessions = adapter as unknown as Documents<Session>;
		const opened = { userId: "u_ada", userAgent: "test", jkt: "adas-phone" };
		for (let n = 0; n < OVER; n++) await openSession(sessions, { ...opened, nowMs: NOW_MS - 2 * SESSION_TTL_MS });
		for (let n = 0; n < OPEN; n++) await openSession(sessions, { ...opened, nowMs: NOW_MS + n });
		assert.equal(await lookedAt(() => openSession(sessions, { ...opened, nowMs: NOW_MS + OPEN })), 0);
		const last = openSessionsOf(sessions, { userId: "u_ada", nowMs: NOW_MS + OPEN });
		assert.deepEqual(
			(await last).map(({ usedAtMs }) => usedAtMs),
			Array.from({ length: 100 }, (_, n) => NOW_MS + OPEN - n),
		);
		assert.equal(await lookedAt(() => openSessionsOf(sessions, { userId: "u_ada", nowMs: NOW_MS + OPEN })), 100);
	});
});
