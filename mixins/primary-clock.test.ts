import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PrimaryClock } from "./primary-clock.ts";

const NOON_MS = 1_700_000_000_000;

/** A primary whose clock shows `NOON_MS` when this process has run for no time at all. Heard every two seconds, so late each. */
function heardLate(clock: PrimaryClock, latesMs: readonly number[], { from = "db-0", fromMs = 0, offMs = 0 } = {}) {
	for (const [index, lateMs] of latesMs.entries()) {
		const sentAtMs = fromMs + index * 2_000;
		clock.heard(from, NOON_MS + offMs + sentAtMs, sentAtMs + lateMs);
	}
}

describe("the primary's clock", () => {
	it("is this process's own until a primary was heard", (t) => {
		t.mock.timers.enable({ apis: ["Date"], now: 5_000 });
		const clock = new PrimaryClock();
		assert.deepEqual([clock.nowMs(), clock.aheadMs], [5_000, null]);
	});

	it("goes by the heartbeat that was least late: not by one that waited for this process", () => {
		const clock = new PrimaryClock();
		heardLate(clock, [700, 3, 4_000, 80]);
		assert.equal(clock.nowMs(60_000), NOON_MS + 60_000 - 3);
	});

	it("is whole milliseconds, as what is written down must be", () => {
		const clock = new PrimaryClock();
		clock.heard("db-0", NOON_MS, 0.7);
		assert.equal(clock.nowMs(10.2), NOON_MS + 9);
	});

	it("does not care what this process's own clock says, and says by how much that is ahead", (t) => {
		t.mock.timers.enable({ apis: ["Date"], now: NOON_MS });
		const clock = new PrimaryClock();
		clock.heard("db-0", NOON_MS);
		t.mock.timers.setTime(NOON_MS + 600_000);
		assert.ok(clock.nowMs() < NOON_MS + 300_000);
		assert.ok((clock.aheadMs ?? 0) > 300_000);
	});

	it("is put back with the primary's, once the heartbeats from before are forgotten, and forward at once", () => {
		const clock = new PrimaryClock();
		heardLate(clock, [0, 0, 0, 0, 0]);
		heardLate(clock, [0, 0, 0, 0], { fromMs: 10_000, offMs: -5_000 });
		assert.equal(clock.nowMs(20_000), NOON_MS + 20_000);
		heardLate(clock, [0], { fromMs: 18_000, offMs: -5_000 });
		assert.equal(clock.nowMs(20_000), NOON_MS + 15_000);
		heardLate(clock, [0], { fromMs: 20_000, offMs: 1_000 });
		assert.equal(clock.nowMs(20_000), NOON_MS + 21_000);
	});

	it("is another one with another primary, and goes on as the last one's while there is none", () => {
		const clock = new PrimaryClock();
		heardLate(clock, [0, 0], { offMs: 60_000 });
		heardLate(clock, [2], { from: "db-1", fromMs: 4_000 });
		assert.equal(clock.nowMs(3_600_000), NOON_MS + 3_600_000 - 2);
	});
});
