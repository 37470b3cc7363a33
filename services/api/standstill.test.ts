import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { Standstill } from "./standstill.ts";

const LONG_MS = 9_000;
const HOUR_MS = 3_600_000;

/** Time that passes as the test says; the clock on the wall can be set. */
function timeOf(t: TestContext) {
	let [passedMs, setMs] = [0, 1_000_000_000];
	t.mock.timers.enable({ apis: ["setInterval"] });
	t.mock.method(performance, "now", () => passedMs);
	t.mock.method(Date, "now", () => setMs + passedMs);
	return {
		pass(ms: number): void {
			for (const endMs = passedMs + ms; passedMs < endMs; t.mock.timers.tick(1_000)) passedMs += 1_000;
		},
		set(ms: number): void {
			setMs += ms;
		},
		/** Nothing runs meanwhile. */
		stand(ms: number): void {
			passedMs += ms;
		},
	};
}

it("a standstill is over when what was sent meanwhile has been read, and one that nobody waits through is none", (t) => {
	const time = timeOf(t);
	const standstill = new Standstill(LONG_MS);
	time.pass(5_000);
	time.stand(LONG_MS);
	assert.equal(standstill.isJustOver, false);
	time.pass(1_000);
	time.stand(LONG_MS + 2_000);
	assert.equal(standstill.isJustOver, true);
	time.pass(1_000);
	assert.equal(standstill.isJustOver, true);
	time.pass(1_000);
	assert.equal(standstill.isJustOver, false);
	standstill.end();
});

it("a clock that is set forward by an hour, and back a moment later, closes the gateway for a moment and not for that hour", (t) => {
	const time = timeOf(t);
	const standstill = new Standstill(LONG_MS);
	time.pass(2_000);
	time.set(HOUR_MS);
	time.pass(1_000);
	assert.equal(standstill.isJustOver, true);
	time.set(-HOUR_MS);
	time.pass(2_000);
	assert.equal(standstill.isJustOver, false);
	standstill.end();
});
