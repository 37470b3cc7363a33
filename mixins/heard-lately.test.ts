import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HeardLately } from "./heard-lately.ts";

describe("what was heard lately", () => {
	it("is new once, and has its answer as soon as there is one", () => {
		const heard = new HeardLately<string>();
		assert.deepEqual(heard.hear("a.1", false, 0), { isNew: true });
		assert.deepEqual(heard.hear("a.1", false, 1), { isNew: false });
		assert.deepEqual(heard.hear("b.1", false, 1), { isNew: true });
		heard.answered("a.1", "yes", 2);
		assert.deepEqual(heard.hear("a.1", false, 3), { isNew: false, answer: "yes" });
	});

	it("is not forgotten while it is being done, and has its answer for five seconds from then on", () => {
		const heard = new HeardLately<string>();
		heard.hear("open", false, 0);
		for (let nowMs = 6_000; nowMs <= 30_000; nowMs += 6_000)
			assert.deepEqual(heard.hear("open", false, nowMs), { isNew: false });
		heard.answered("open", "late", 30_001);
		for (const nowMs of [30_002, 35_001])
			assert.deepEqual(heard.hear("open", false, nowMs), { isNew: false, answer: "late" });
		heard.hear("other", false, 36_000);
		assert.deepEqual(heard.hear("open", false, 42_000), { isNew: true });
	});

	it("is done again once it is answered, where it may be", () => {
		const heard = new HeardLately<string>();
		assert.deepEqual(heard.hear("a.1", true, 0), { isNew: true });
		assert.deepEqual(heard.hear("a.1", true, 1), { isNew: false });
		heard.answered("a.1", "yes", 2);
		assert.deepEqual(heard.hear("a.1", true, 3), { isNew: true });
	});

	it("keeps no answer of what it has not heard", () => {
		const heard = new HeardLately<string>();
		heard.answered("a.1", "yes", 0);
		assert.deepEqual(heard.hear("a.1", false, 1), { isNew: true });
	});
});
