import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { ConcurrencyLimit } from "./concurrency-limit.ts";

/** Lets in whom it can, at the same moment. @returns how to end them all */
function fill(limit: ConcurrencyLimit, nowMs: number): ((nowMs: number) => void)[] {
	const leaving: ((nowMs: number) => void)[] = [];
	for (let leave = limit.enter(nowMs); leave; leave = limit.enter(nowMs)) leaving.push(leave);
	return leaving;
}

it("lets in up to its limit, and the next one as soon as one is over", () => {
	const limit = new ConcurrencyLimit({ slowMs: 500, min: 4 });
	const [first, ...others] = fill(limit, 0);
	assert.equal(others.length + 1, limit.limit);
	assert.equal(limit.enter(1), undefined);
	first?.(2);
	assert.ok(limit.enter(3));
});

it("is lower when answers are slow, once for all that were under way, and never so low that nobody is let in", () => {
	const limit = new ConcurrencyLimit({ slowMs: 500, min: 4 });
	const before = limit.limit;
	for (const leave of fill(limit, 0)) leave(2_000);
	assert.equal(limit.limit, before / 2);
	for (let atMs = 2_000; atMs < 1_000_000; atMs += 2_000) for (const leave of fill(limit, atMs)) leave(atMs + 1_999);
	assert.equal(limit.limit, 4);
});

it("is higher again when they are fast and there are enough of them", () => {
	const limit = new ConcurrencyLimit({ slowMs: 500, min: 4 });
	for (let atMs = 0; atMs < 100_000; atMs += 2_000) for (const leave of fill(limit, atMs)) leave(atMs + 1_999);
	const low = limit.limit;
	// As many as there can be, each followed by the next one.
	const leaving = fill(limit, 200_000);
	for (let n = 0; n < 20_000; n++) {
		leaving.shift()?.(200_000 + n + 10);
		leaving.push(...fill(limit, 200_000 + n + 10));
	}
	assert.ok(limit.limit > low * 5, `${low} became ${limit.limit}`);
});

it("is twice as high after as many fast answers as it lets in, until it was too high once", () => {
	const limit = new ConcurrencyLimit({ slowMs: 500, min: 4 });
	const before = limit.limit;
	for (let round = 0; round < 2; round++) for (const leave of fill(limit, round)) leave(round);
	assert.ok(limit.limit > before + 1);
	const leaving = fill(limit, 10);
	for (let n = 0; n < before; n++) {
		leaving.shift()?.(20);
		leaving.push(...fill(limit, 20));
	}
	assert.ok(limit.limit >= before * 1.9, `${before} became ${limit.limit}`);
});

it("is not lower because something behind is slow for everybody, as far as clients wait for it", () => {
	const limit = new ConcurrencyLimit({ slowMs: 500, min: 4 });
	// However few there are, it takes so long.
	for (let atMs = 0; atMs < 100_000; atMs += 1_000) limit.enter(atMs)?.(atMs + 700);
	const before = limit.limit;
	for (const leave of fill(limit, 200_000)) leave(200_900);
	assert.ok(limit.limit >= before);
	for (const leave of fill(limit, 300_000)) leave(301_600);
	assert.ok(limit.limit < before);
});

it("is what it was at first when nobody was turned away for a while", () => {
	const limit = new ConcurrencyLimit({ slowMs: 500, min: 4 });
	const first = limit.limit;
	for (const leave of fill(limit, 0)) leave(2_000);
	fill(limit, 6_000).forEach((leave) => void leave(6_001));
	assert.ok(limit.limit < first);
	limit.enter(10_900)?.(10_901);
	assert.ok(limit.limit < first);
	limit.enter(16_000)?.(16_001);
	assert.ok(limit.limit >= first);
});

it("stays as it is while it is not needed", () => {
	const limit = new ConcurrencyLimit({ slowMs: 500, min: 4 });
	const before = limit.limit;
	for (let n = 0; n < 10_000; n++) limit.enter(n)?.(n + 1);
	assert.equal(limit.limit, before);
});

it("counts right whatever happens: never more than its limit when one is let in, and none when all are over", () => {
	fc.assert(
		fc.property(
			fc.array(fc.record({ arrives: fc.boolean(), tookMs: fc.nat(3_000) }), { maxLength: 2_000 }),
			(turns) => {
				const limit = new ConcurrencyLimit({ slowMs: 500, min: 4 });
				const leaving: ((nowMs: number) => void)[] = [];
				let nowMs = 0;
				for (const { arrives, tookMs } of turns) {
					nowMs += tookMs;
					const leave = arrives ? limit.enter(nowMs) : undefined;
					if (leave) {
						leaving.push(leave);
						assert.ok(limit.underWay <= limit.limit);
					} else leaving.shift()?.(nowMs);
					assert.equal(limit.underWay, leaving.length);
					assert.ok(limit.limit >= 4 && limit.limit <= 1_024);
				}
				for (const leave of leaving) leave(nowMs);
				assert.equal(limit.underWay, 0);
			},
		),
	);
});
