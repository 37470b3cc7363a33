import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { until } from "../../scripts/cluster/processes.ts";
import { RateCounts } from "./rate-counts.ts";
import type { Count, ShortLived } from "./short-lived.ts";
import { SqliteShortLived } from "./short-lived-sqlite.ts";

const folder = mkdtempSync(join(tmpdir(), "hannip-rates-"));
const path = join(folder, "short-lived.sqlite");
const store = new SqliteShortLived(path);
after(async () => {
	await store.close();
	rmSync(folder, { recursive: true });
});

const T0 = 1_800_000_000_000;
const WINDOW_MS = 60_000;
const COUNT_MAX = 20;

let keys = 0;
const newKey = (): string => `rate:${++keys}`;
const stored = async (key: string, nowMs = T0): Promise<number> => (await store.read([key], nowMs))[0] ?? 0;

async function come(rates: RateCounts, key: string, { times = 1, nowMs = T0 } = {}): Promise<number[]> {
	const count = { key, amount: 1, nowMs, untilMs: nowMs + WINDOW_MS, countMax: COUNT_MAX };
	const counted = await rates.add(Array.from({ length: times }, () => count));
	return counted.map(({ count }) => count);
}

const upTo = (last: number, first = 1): number[] => Array.from({ length: last - first + 1 }, (_, n) => first + n);

test("who is far from what they may do is counted here, and the others hear of it a little later", async () => {
	const [rates, key] = [new RateCounts(store), newKey()];
	assert.deepEqual(await come(rates, key, { times: 3 }), [1, 2, 3]);
	assert.deepEqual(await come(rates, key), [4]);
	assert.equal(await stored(key), 0);
	await until(async () => (await stored(key)) === 4, "it is told");
	const other = new RateCounts(store);
	assert.deepEqual(await come(other, key), [1]);
	await other.tell();
	assert.deepEqual(await come(other, key), [6]);
	await other.tell();
	assert.equal(await stored(key), 6);
});

test("from half of it on each is told at once, with what was not told before", async () => {
	const [rates, key] = [new RateCounts(store), newKey()];
	const half = COUNT_MAX / 2;
	assert.deepEqual(await come(rates, key, { times: half }), upTo(half));
	assert.equal(await stored(key), 0);
	assert.deepEqual(await come(rates, key), [half + 1]);
	assert.equal(await stored(key), half + 1);
	const other = new RateCounts(store);
	assert.deepEqual(await come(other, key, { times: half + 2 }), [...upTo(half), 2 * half + 2, 2 * half + 3]);
	assert.deepEqual(await come(rates, key), [2 * half + 4]);
});

test("of two processes that know of each other, none lets in one too many, however they take turns", async () => {
	const key = newKey();
	const both = [new RateCounts(store), new RateCounts(store)] as const;
	// Half of it, and both have heard of it.
	for (const rates of both) await come(rates, key, { times: COUNT_MAX / 4 });
	for (const rates of both) await rates.tell();
	for (const rates of both) await come(rates, key);
	for (const rates of both) await rates.tell();
	const passed: number[] = [];
	for (let n = 0; n < COUNT_MAX; n++) passed.push(...(await come(both[n % 2] ?? both[0], key)));
	assert.equal(passed.filter((count) => count <= COUNT_MAX).length, COUNT_MAX / 2 - 2);
	assert.equal(await stored(key), COUNT_MAX / 2 + 2 + COUNT_MAX);
});

test("a window that is over counts for nothing, here and there", async () => {
	const [rates, key] = [new RateCounts(store), newKey()];
	await come(rates, key, { times: COUNT_MAX + 1 });
	const nextMs = T0 + WINDOW_MS;
	assert.deepEqual(await come(rates, key, { nowMs: nextMs }), [1]);
	// What was not told of the first one when it ended is told to nobody.
	const late = newKey();
	await come(rates, late, { times: 3 });
	await come(rates, newKey(), { nowMs: nextMs });
	await rates.tell();
	assert.deepEqual([await stored(key, nextMs), await stored(late)], [1, 0]);
});

/** The real one, which is away at times. */
class Faltering implements Pick<ShortLived, "add"> {
	isAway = false;

	async add(counts: readonly Count[]) {
		if (this.isAway) throw new Error("away");
		return store.add(counts);
	}
}

test("while nobody can be told, who is near what they may do is refused, and nothing is forgotten", async () => {
	const faltering = new Faltering();
	const [rates, key] = [new RateCounts(faltering), newKey()];
	faltering.isAway = true;
	await come(rates, key, { times: COUNT_MAX / 2 });
	await assert.rejects(come(rates, key), /away/);
	faltering.isAway = false;
	assert.deepEqual(await come(rates, key), [COUNT_MAX / 2 + 1]);
	assert.equal(await stored(key), COUNT_MAX / 2 + 1);
});

test("whoever comes to whichever process, and whatever fails meanwhile, is counted once", async () => {
	const step = fc.record({
		process: fc.nat(2),
		times: fc.integer({ min: 1, max: COUNT_MAX }),
		what: fc.constantFrom("come", "come", "tell", "away", "back"),
	});
	await fc.assert(
		fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
			const key = newKey();
			const stores = [new Faltering(), new Faltering(), new Faltering()] as const;
			const processes = stores.map((each) => new RateCounts(each));
			let came = 0;
			for (const { process, times, what } of steps) {
				const [rates, its] = [processes[process] as RateCounts, stores[process] as Faltering];
				if (what === "tell") await rates.tell();
				else if (what !== "come") its.isAway = what === "away";
				else {
					// Of those that were refused because they could not be told, nobody was let in.
					for (let n = 0; n < times; n++)
						await come(rates, key).then(
							() => came++,
							() => undefined,
						);
				}
			}
			for (const each of stores) each.isAway = false;
			for (const rates of processes) await rates.close();
			assert.equal(await stored(key), came);
		}),
		{ numRuns: 100 },
	);
});
