import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { aloneBy } from "./adjustment.ts";
import type { Line } from "./operator-log.ts";

type Said = Pick<Line, "phase" | "detail"> & Partial<Line>;

const begun = (amount: number, id: string, more: Partial<Line> = {}): Said => ({
	...{ phase: "begun", detail: `balance -7; to give ${amount} by operator:kim.${id}`, ...more },
});
const ended = (of: number, phase: "done" | "failed" | "unknown", detail: string): Said => ({ of, phase, detail });

/** @param said in the order in which it was written, from line 1 on */
async function alone(...said: readonly Said[]): Promise<number> {
	const written = said.map((each, index): Line => {
		const line = { by: "kim", operation: "account.adjust", target: "wallet:x", reason: "x", of: null };
		return { ...line, ...each, sequence: index + 1, atMs: 0, previousHash: "", hash: "" };
	});
	async function* newestFirst() {
		yield* written.toReversed();
	}
	return aloneBy("kim", newestFirst(), "operator:kim.asked-now");
}

describe("what an operator has adjusted alone", () => {
	it("is all that has begun, also where nobody knows how it ended", async () => {
		const known = [ended(1, "done", "posted; balance 3"), ended(2, "unknown", "service_unavailable")];
		assert.equal(await alone(begun(10, "a"), begun(200, "b"), begun(3_000, "c"), ...known), 3_210);
	});

	it("is nothing of what has failed, of what waits for a second operator, and of others", async () => {
		const ends = [ended(1, "failed", "insufficient_credit"), ended(2, "done", "pending; balance 3")];
		assert.equal(await alone(begun(10, "a"), begun(200, "b"), ...ends, begun(1, "c", { by: "lee" })), 0);
		assert.equal(await alone(begun(10, "a", { operation: "account.freeze" })), 0);
	});

	it("is the larger amount of two that began with one id, whichever came first", async () => {
		assert.equal(await alone(begun(1, "a"), begun(99_990, "a")), 99_990);
		assert.equal(await alone(begun(99_990, "a"), begun(1, "a")), 99_990);
		// Also where the small one is known not to have been booked, and where that is not known.
		const lost = ended(1, "unknown", "outcome_unknown");
		assert.equal(await alone(begun(1, "a"), lost, begun(99_990, "a"), ended(3, "done", "posted; balance 9")), 99_990);
		const refused = ended(2, "failed", "idempotency_key_reused");
		assert.equal(await alone(begun(99_990, "a"), begun(1, "a"), refused), 99_990);
	});

	it("is what began once, however often it was asked for again", async () => {
		const lost = ended(1, "unknown", "outcome_unknown");
		assert.equal(await alone(begun(10, "a"), lost, begun(10, "a"), ended(3, "done", "posted; balance 3")), 10);
		assert.equal(await alone(begun(10, "a"), lost, ended(1, "done", "posted; found when asked again")), 10);
		assert.equal(await alone(begun(10, "a"), lost, ended(1, "done", "pending; found when asked again")), 0);
	});

	it("is nothing of what began with the id that is asked for now: one of them is booked", async () => {
		assert.equal(await alone(begun(10, "asked-now"), begun(200, "b")), 200);
	});

	it("is more than any limit where a beginning cannot be read", async () => {
		assert.equal(await alone(begun(1, "a"), { phase: "begun", detail: "something else" }), Number.POSITIVE_INFINITY);
	});
});
