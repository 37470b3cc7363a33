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
const COUNT_MAX = 128;
const HALF = COUNT_MAX / 2;
/** So many are counted without a word to the others. */
const UNTOLD = COUNT_MAX / 64;

let keys = 0;
const newKey = (): string => `rate:${++keys}`;
const stored = async (key: string, nowMs = T0): Promise<number> => (await store.read([key], nowMs))[0] ?? 0;

async function come(
	rates: RateCounts,
	key: string,
	{ times = 1, nowMs = T0, countMax = COUNT_MAX } = {},
): Promise<number[]> {
	const count = { key, amount: 1, nowMs, untilMs: nowMs + WINDOW_MS, countMax };
	const counted = await rates.add(Array.from({ length: times }, () => count));
	return counted.map(({ count }) => count);
}

const upTo = (last: number, first = 1): number[] => Array.from({ length: last - first + 1 }, (_, n) => first + n);

test("who is far from what they may do is counted here, and the others hear of it a little later", async () => {
	const [rates, key] = [new RateCounts(store), newKey()];
	assert.deepEqual(await come(rates, key), [1]);
	assert.deepEqual(await come(rates, key), [2]);
	assert.equal(await stored(key), 0);
	await until(async () => (await stored(key)) === 2, "it is told");
	const other = new RateCounts(store);
	assert.deepEqual(await come(other, key), [1]);
	await other.tell();
	assert.deepEqual(await come(other, key), [4]);
	await other.tell();
	assert.equal(await stored(key), 4);
});

test("as soon as it is more than a little, and from half of it on, each is told at once, with what was not told before", async () => {
	const [rates, key] = [new RateCounts(store), newKey()];
	assert.deepEqual(await come(rates, key, { times: UNTOLD + 2 }), upTo(UNTOLD + 2));
	assert.equal(await stored(key), UNTOLD + 2);
	await come(rates, key, { times: HALF - UNTOLD - 2 });
	assert.deepEqual(await come(rates, key), [HALF + 1]);
	assert.equal(await stored(key), HALF + 1);
	const other = new RateCounts(store);
	assert.deepEqual(await come(other, key, { times: UNTOLD + 1 }), [...upTo(UNTOLD), HALF + 1 + UNTOLD + 1]);
	assert.deepEqual(await come(rates, key), [HALF + UNTOLD + 3]);
});

test("who may come a few times only is told at once, whichever process is asked", async () => {
	const key = newKey();
	const both = [new RateCounts(store), new RateCounts(store)] as const;
	const counts: number[] = [];
	for (let n = 0; n < 63; n++) counts.push(...(await come(both[n % 2] ?? both[0], key, { countMax: 63 })));
	assert.deepEqual(counts, upTo(63));
});

test("a window that is over counts for nothing, here and there", async () => {
	const [rates, key] = [new RateCounts(store), newKey()];
	await come(rates, key, { times: COUNT_MAX + 1 });
	const nextMs = T0 + WINDOW_MS;
	assert.deepEqual(await come(rates, key, { nowMs: nextMs }), [1]);
	// What was not told of the first one when it ended is told to nobody.
	const late = newKey();
	await come(rates, late, { times: UNTOLD });
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

test("while nobody can be told, who would be counted by that is refused, and nothing is forgotten", async () => {
	const faltering = new Faltering();
	const [rates, key] = [new RateCounts(faltering), newKey()];
	faltering.isAway = true;
	await come(rates, key, { times: UNTOLD });
	await assert.rejects(come(rates, key), /away/);
	const look = { key, amount: 0, nowMs: T0, untilMs: T0 + WINDOW_MS, countMax: COUNT_MAX };
	assert.deepEqual(await rates.add([look]), [{ count: UNTOLD, untilMs: T0 + WINDOW_MS }]);
	faltering.isAway = false;
	assert.deepEqual(await come(rates, key), [UNTOLD + 1]);
	assert.equal(await stored(key), UNTOLD + 1);
});

test("whoever comes to whichever process, and whatever fails meanwhile, is counted once", async () => {
	const step = fc.record({
		process: fc.nat(2),
		times: fc.integer({ min: 1, max: 20 }),
		what: fc.constantFrom("come", "come", "tell", "away", "back"),
	});
	await fc.assert(
		fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
			const key = newKey();
			const stores = [new Faltering(), new Faltering(), new Faltering()] as const;
			const processes = stores.map((each) => new RateCounts(each));
			let [came, passed] = [0, 0];
			for (const { process, times, what } of steps) {
				const [rates, its] = [processes[process] as RateCounts, stores[process] as Faltering];
				if (what === "tell") await rates.tell();
				else if (what !== "come") its.isAway = what === "away";
				else {
					// Of those that were refused because they could not be told, nobody was let in.
					for (let n = 0; n < times; n++)
						await come(rates, key).then(
							([count = 0]) => {
								came++;
								if (count <= COUNT_MAX) passed++;
							},
							() => undefined,
						);
				}
			}
			for (const each of stores) each.isAway = false;
			for (const rates of processes) await rates.close();
			assert.equal(await stored(key), came);
			assert.ok(passed <= COUNT_MAX + 2 * processes.length * UNTOLD, `${passed} passed`);
		}),
		{ numRuns: 100 },
	);
});
