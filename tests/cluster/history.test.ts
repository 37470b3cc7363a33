import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type History, type Observed, type Read, unexplained, type Write } from "./history.ts";

const write = (transferId: string, amount: number, invokedAtMs: number, completedAtMs: number): Write => ({
	...{ transferId, deltas: [["a", amount]], invokedAtMs, completedAtMs, outcome: "applied" },
});
const read = (balance: number, invokedAtMs: number, completedAtMs: number): Read => ({
	...{ accountId: "a", balance, invokedAtMs, completedAtMs },
});
const observed = (...lines: [string, number][]): Observed => ({
	...{ accountId: "a", balanceBefore: 100 },
	lines: lines.map(([transferId, balanceAfter]) => ({ transferId, balanceAfter })),
});
const three = [write("one", 10, 0, 10), write("two", -5, 5, 30), write("three", 1, 20, 40)];
const inOrder = observed(["one", 110], ["two", 105], ["three", 106]);
const explain = (seen: Observed, history: Partial<History>) =>
	unexplained(seen, { writes: three, reads: [], ...history }).map((line) => line.split(":")[0]);

describe("a history is explained", () => {
	it("by any order of what was under way at the same time", () => {
		assert.deepEqual(explain(inOrder, {}), []);
		assert.deepEqual(explain(observed(["two", 95], ["one", 105], ["three", 106]), {}), []);
		assert.deepEqual(explain(observed(["one", 110], ["three", 111], ["two", 106]), {}), []);
	});

	it("by what is known to nobody, applied or not", () => {
		const unknown = { ...write("four", 7, 50, Number.POSITIVE_INFINITY), outcome: "unknown" as const };
		const writes = [...three, unknown];
		assert.deepEqual(explain(inOrder, { writes }), []);
		assert.deepEqual(explain(observed(["one", 110], ["two", 105], ["three", 106], ["four", 113]), { writes }), []);
	});

	it("by balances of any moment between question and answer", () => {
		assert.deepEqual(
			explain(inOrder, { reads: [read(100, 0, 3), read(110, 0, 20), read(105, 11, 50), read(106, 41, 50)] }),
			[],
		);
	});
});

describe("a history is not explained", () => {
	it("by a lost update", () => {
		assert.deepEqual(explain(observed(["one", 110], ["three", 111]), {}), ["lost"]);
		assert.ok(explain(observed(["one", 110], ["two", 105], ["three", 101]), {}).includes("wrong"));
	});

	it("by a double effect", () => {
		assert.ok(explain(observed(["one", 110], ["one", 120], ["two", 115], ["three", 116]), {}).includes("doubled"));
	});

	it("by what was refused, or what nobody asked for", () => {
		const writes = [...three, { ...write("no", 3, 50, 60), outcome: "refused" as const }];
		const seen = observed(["one", 110], ["two", 105], ["three", 106], ["no", 109]);
		assert.deepEqual(explain(seen, { writes }), ["wrong"]);
		assert.deepEqual(explain(seen, {}), ["wrong"]);
	});

	it("by an order against time", () => {
		assert.deepEqual(explain(observed(["three", 101], ["one", 111], ["two", 106]), {}), ["order"]);
	});

	it("by a balance that is too old, from the future, or of no moment at all", () => {
		assert.deepEqual(explain(inOrder, { reads: [read(100, 11, 15)] }), ["read"]);
		assert.deepEqual(explain(inOrder, { reads: [read(106, 11, 15)] }), ["read"]);
		assert.deepEqual(explain(inOrder, { reads: [read(107, 0, 50)] }), ["read"]);
	});

	it("by balances that go back", () => {
		assert.deepEqual(explain(inOrder, { reads: [read(105, 6, 12), read(110, 13, 25)] }), ["read"]);
	});
});
