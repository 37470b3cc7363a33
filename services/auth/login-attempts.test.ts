import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fail, problemOf } from "../errors.ts";
import { attempt, type Limit, limitsOfDevice, limitsOfStranger } from "./login-attempts.ts";
import type { Count, ShortLived } from "./short-lived.ts";
import { SqliteShortLived } from "./short-lived-sqlite.ts";

const folder = mkdtempSync(join(tmpdir(), "hannip-attempts-"));
const path = join(folder, "short-lived.sqlite");
const one = new SqliteShortLived(path);
const two = new SqliteShortLived(path);
after(async () => {
	await Promise.all([one.close(), two.close()]);
	rmSync(folder, { recursive: true });
});

const T0 = 1_800_000_000_000;
const MINUTE_MS = 60_000;

let people = 0;
const newHandle = (): string => `somebody.${++people}`;
const newAddress = (): string => `203.0.113.${++people}`;

type Outcome = "right" | "wrong" | "refused";

/** What became of one that has this password; what was checked is counted. */
let checked = 0;
async function tryIt(
	limits: readonly Limit[],
	{ isRight = false, nowMs = T0, by = one, countsRight = false } = {},
): Promise<Outcome> {
	const check = async () => {
		checked += 1;
		await new Promise(setImmediate);
		return isRight;
	};
	try {
		return (await attempt({ limits, nowMs, countsRight }, by, check)) ? "right" : "wrong";
	} catch (error) {
		assert.equal(problemOf(error), "too_many_attempts");
		return "refused";
	}
}

async function times(count: number, limits: readonly Limit[], options: Parameters<typeof tryIt>[1] = {}) {
	const outcomes: Outcome[] = [];
	for (let index = 0; index < count; index++) outcomes.push(await tryIt(limits, options));
	return Object.fromEntries(Object.entries(Object.groupBy(outcomes, (each) => each)).map(([k, v]) => [k, v.length]));
}

test("a known device may be wrong ten times in fifteen minutes, and is then not even checked", async () => {
	const limits = limitsOfDevice(newHandle(), "phone");
	checked = 0;
	assert.deepEqual(await times(12, limits), { wrong: 10, refused: 2 });
	assert.equal(await tryIt(limits, { isRight: true }), "refused");
	assert.equal(checked, 10);
	assert.equal(await tryIt(limits, { isRight: true, nowMs: T0 + 15 * MINUTE_MS - 1 }), "refused");
	assert.deepEqual(await times(11, limits, { nowMs: T0 + 15 * MINUTE_MS }), { wrong: 10, refused: 1 });
});

test("a refusal says when to come back", async () => {
	const limits = limitsOfDevice(newHandle(), "phone");
	await times(10, limits);
	await assert.rejects(
		attempt({ limits, nowMs: T0 + MINUTE_MS + 1 }, one, async () => true),
		{ code: 429, type: "too_many_attempts", data: { retryAfterS: 14 * 60 } },
	);
});

test("strangers share what there is for an account, and the owner's device has its own", async () => {
	const handle = newHandle();
	for (let index = 0; index < 20; index++) assert.equal(await tryIt(limitsOfStranger(handle, newAddress())), "wrong");
	assert.equal(await tryIt(limitsOfStranger(handle, newAddress()), { isRight: true }), "refused");
	assert.equal(await tryIt(limitsOfStranger(handle, newAddress()), { isRight: true }), "refused");
	assert.equal(await tryIt(limitsOfDevice(handle, "phone"), { isRight: true }), "right");
	assert.equal(await tryIt(limitsOfStranger(newHandle(), newAddress()), { isRight: true }), "right");
	const later = { nowMs: T0 + 60 * MINUTE_MS, isRight: true };
	assert.equal(await tryIt(limitsOfStranger(handle, newAddress()), later), "right");
});

test("an address may be wrong fifty times in an hour, whoever's password it guesses", async () => {
	const address = newAddress();
	for (let index = 0; index < 50; index++) assert.equal(await tryIt(limitsOfStranger(newHandle(), address)), "wrong");
	const handle = newHandle();
	assert.deepEqual(await times(30, limitsOfStranger(handle, address), { isRight: true }), { refused: 30 });
	// Which has not used up what there is for the account.
	assert.deepEqual(await times(21, limitsOfStranger(handle, newAddress())), { wrong: 20, refused: 1 });
});

test("an account that strangers have used up does not use up the address", async () => {
	const [handle, address] = [newHandle(), newAddress()];
	assert.deepEqual(await times(100, limitsOfStranger(handle, address)), { wrong: 20, refused: 80 });
	assert.equal(await tryIt(limitsOfStranger(newHandle(), address), { isRight: true }), "right");
});

test("what was right is not counted", async () => {
	const limits = limitsOfStranger(newHandle(), newAddress());
	assert.deepEqual(await times(60, limits, { isRight: true }), { right: 60 });
	assert.deepEqual(await times(21, limits), { wrong: 20, refused: 1 });
});

test("where it must not be told apart, what is right is counted like what is wrong", async () => {
	const limits = limitsOfStranger(newHandle(), newAddress());
	const silent = { isRight: true, countsRight: true };
	assert.deepEqual(await times(10, limits, silent), { right: 10 });
	assert.deepEqual(await times(10, limits), { wrong: 10 });
	assert.deepEqual(await times(2, limits, silent), { refused: 2 });
});

test("of two hundred guesses at the same moment, in two processes, no more are checked than the limit", async () => {
	const limits = limitsOfStranger(newHandle(), newAddress());
	checked = 0;
	const guesses = Array.from({ length: 200 }, (_, index) => tryIt(limits, { by: index % 2 ? one : two }));
	const outcomes = await Promise.all(guesses);
	assert.equal(checked, 20);
	assert.equal(outcomes.filter((outcome) => outcome === "refused").length, 180);
	assert.equal(await tryIt(limits), "refused");
});

const away = async () => {
	throw fail("service_unavailable");
};

test("an attempt that nobody could decide does not count, and its owner gets in afterwards", async () => {
	for (const countsRight of [false, true]) {
		const limits = limitsOfStranger(newHandle(), newAddress());
		for (let index = 0; index < 60; index++)
			await assert.rejects(attempt({ limits, nowMs: T0, countsRight }, one, away), { type: "service_unavailable" });
		assert.deepEqual(await times(21, limits, { countsRight }), { wrong: 20, refused: 1 });
	}
});

test("an attempt that could neither be decided nor given back says why it was not decided", async () => {
	const limits = limitsOfDevice(newHandle(), "phone");
	const breaking = {
		add: (counts: readonly Count[]) =>
			counts[0]?.amount === 1 ? one.add(counts) : Promise.reject(new Error("broken")),
	} as unknown as ShortLived;
	await assert.rejects(attempt({ limits, nowMs: T0 }, breaking, away), { type: "service_unavailable" });
	assert.deepEqual(await times(10, limits), { wrong: 9, refused: 1 });
});

test("a right one that takes until the next count has begun takes nothing away from that one", async () => {
	const limits = limitsOfStranger(newHandle(), newAddress());
	const later = { nowMs: T0 + 60 * MINUTE_MS };
	const slow = await attempt({ limits, nowMs: T0 }, one, async () => {
		assert.equal(await tryIt(limits, later), "wrong");
		return true;
	});
	assert.equal(slow, true);
	assert.deepEqual(await times(20, limits, later), { wrong: 19, refused: 1 });
});
