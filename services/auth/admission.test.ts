import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Documents } from "../../mixins/database.ts";
import { SqliteAdapter } from "../../mixins/sqlite-adapter.ts";
import type { Params } from "../actions.ts";
import { admit } from "./admission.ts";
import { RateCounts } from "./rate-counts.ts";
import { openSession, SESSION_TTL_MS, type Session } from "./session.ts";
import { SqliteShortLived } from "./short-lived-sqlite.ts";
import type { Till } from "./till.ts";

const folder = mkdtempSync(join(tmpdir(), "hannip-admission-"));
const adapterOf = (collection: string) => new SqliteAdapter({ path: join(folder, "hannip.sqlite"), collection });
const adapters = [adapterOf("sessions"), adapterOf("tills")] as const;
const sessions = adapters[0] as unknown as Documents<Session>;
const tills = adapters[1] as unknown as Documents<Till>;
const shortLived = new SqliteShortLived(join(folder, "short-lived.sqlite"));
const rates = new RateCounts(shortLived);
const registry = { sessions, tills, shortLived, rates };
before(() => Promise.all(adapters.map((adapter) => adapter.connect())));
after(async () => {
	await Promise.all(adapters.map((adapter) => adapter.disconnect()));
	await rates.close();
	await shortLived.close();
	rmSync(folder, { recursive: true });
});

const T0 = 1_800_000_000_000;
const COUNT_MAX = 5;
const WINDOW_S = 60;

type Question = Params<"auth.admit">["questions"][number];

let made = 0;
const newProof = (): string => `proof-${++made}`;

/** Somebody who is logged in. */
async function newPhone() {
	const userId = `u_${++made}`;
	const { session } = await openSession(sessions, { userId, userAgent: "test", jkt: "phone", nowMs: T0 });
	const question = (proof = newProof()): Question => {
		return {
			session: { userId, sessionId: session._id },
			proof,
			counter: userId,
			countMax: COUNT_MAX,
			windowS: WINDOW_S,
		};
	};
	return { sessionId: session._id, question };
}

async function newTill(revokedAtMs: number | null = null) {
	const publicJwk = { kty: "EC", crv: "P-256", x: "x", y: "y" } as const;
	const trust = { mayRefund: true, discountMaxPercent: 0 };
	const till = { storeId: "s_1", pairing: `p_${++made}`, name: "Counter", ...trust, publicJwk, jkt: "till" };
	const { _id: tillId } = await tills.insert({ ...till, pairedAtMs: T0, revokedAtMs });
	return (proof = newProof()): Question => ({
		tillId,
		proof,
		counter: tillId,
		countMax: COUNT_MAX,
		windowS: WINDOW_S,
	});
}

async function judge(questions: readonly Question[], nowMs = T0): Promise<string[]> {
	return (await admit({ questionId: randomUUID(), questions: [...questions] }, registry, nowMs)).map(
		({ verdict }) => verdict,
	);
}

const times = <T>(count: number, what: () => T): T[] => Array.from({ length: count }, what);

test("one captured request, sent again and again, does not use up its owner's rate", async () => {
	for (const question of [(await newPhone()).question, await newTill()]) {
		const captured = question();
		assert.deepEqual(await judge([captured]), ["admitted"]);
		// One after the other, and together with each other.
		for (let round = 0; round < 3 * COUNT_MAX; round++) assert.deepEqual(await judge([captured]), ["replayed"]);
		assert.deepEqual(
			await judge(times(3 * COUNT_MAX, () => captured)),
			times(3 * COUNT_MAX, () => "replayed"),
		);
		const own = times(COUNT_MAX, () => question());
		assert.deepEqual(await judge(own), [...times(COUNT_MAX - 1, () => "admitted"), "limited"]);
	}
});

test("of the same request many times in one call, one is let in and counted", async () => {
	const { question } = await newPhone();
	const captured = question();
	const verdicts = await admit(
		{ questionId: randomUUID(), questions: [captured, captured, question(), captured] },
		registry,
		T0,
	);
	assert.deepEqual(
		verdicts.map(({ verdict, count }) => [verdict, count]),
		[
			["admitted", 1],
			["replayed", 1],
			["admitted", 2],
			["replayed", 2],
		],
	);
	assert.ok(verdicts.every(({ untilMs }) => untilMs === T0 + WINDOW_S * 1_000));
});

test("a captured request does not hold up the time for which its owner is counted", async () => {
	const { question } = await newPhone();
	const captured = question();
	await judge([captured]);
	await judge(times(COUNT_MAX, () => question()));
	const laterMs = T0 + WINDOW_S * 1_000;
	assert.deepEqual(await judge([captured], laterMs), ["replayed"]);
	const own = times(COUNT_MAX + 1, () => question());
	assert.deepEqual(await judge(own, laterMs), [...times(COUNT_MAX, () => "admitted"), "limited"]);
});

test("what was above the limit stays refused, also when there is room again", async () => {
	const { question } = await newPhone();
	await judge(times(COUNT_MAX, () => question()));
	const refused = question();
	assert.deepEqual(await judge([refused]), ["limited"]);
	const laterMs = T0 + WINDOW_S * 1_000;
	assert.deepEqual(await judge([refused, question()], laterMs), ["replayed", "admitted"]);
});

test("what has ended is told so however often it comes, and counts for nobody", async () => {
	const { sessionId, question } = await newPhone();
	const other = await newPhone();
	const foreign = { ...question(), session: { ...other.question().session, sessionId } } as Question;
	assert.deepEqual(await judge([foreign, question()]), ["ended", "admitted"]);
	await sessions.removeById(sessionId);
	const ended = question();
	for (let round = 0; round < 2 * COUNT_MAX; round++)
		assert.deepEqual(await judge([ended, question()]), ["ended", "ended"]);
	const [last] = await admit({ questionId: randomUUID(), questions: [question()] }, registry, T0);
	assert.deepEqual([last?.verdict, last?.count], ["ended", 1]);
	const revoked = (await newTill(T0))();
	for (let round = 0; round < 2; round++) assert.deepEqual(await judge([revoked]), ["ended"]);
	assert.deepEqual(await judge([other.question()], T0 + SESSION_TTL_MS), ["ended"]);
});

test("a request that proves nothing is counted by where it comes from", async () => {
	const question = { counter: "address:203.0.113.1", countMax: COUNT_MAX, windowS: WINDOW_S };
	assert.deepEqual(await judge(times(COUNT_MAX + 1, () => question)), [
		...times(COUNT_MAX, () => "admitted"),
		"limited",
	]);
	assert.deepEqual(await judge([]), []);
});

test("what has no limit is judged, and not counted", async () => {
	const { sessionId, question } = await newPhone();
	const look = { ...question(), countMax: Number.MAX_SAFE_INTEGER };
	const verdicts = await admit({ questionId: randomUUID(), questions: [look, question(), look] }, registry, T0);
	const untilMs = T0 + WINDOW_S * 1_000;
	assert.deepEqual(verdicts, [
		{ verdict: "admitted", count: 0, countMax: Number.MAX_SAFE_INTEGER, untilMs },
		{ verdict: "admitted", count: 1, countMax: COUNT_MAX, untilMs },
		{ verdict: "replayed", count: 0, countMax: Number.MAX_SAFE_INTEGER, untilMs },
	]);
	await sessions.removeById(sessionId);
	assert.deepEqual(await judge([{ ...question(), countMax: Number.MAX_SAFE_INTEGER }]), ["ended"]);
});

test("what a till may do besides selling comes from the registry", async () => {
	const [verdict] = await admit({ questionId: randomUUID(), questions: [(await newTill())()] }, registry, T0);
	assert.equal(verdict?.mayRefund, true);
});
