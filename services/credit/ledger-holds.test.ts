import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
	AS,
	account,
	ask,
	counters,
	effectsOf,
	type FrozenBook,
	pay,
	post,
	refund,
	release,
	run,
	setState,
	T0,
	transfer,
	world,
} from "../../tests/ledger/ledger-script.ts";

describe("post", () => {
	const held = (amount = 60): FrozenBook => {
		const book = world();
		ask(book, pay("h", AS, amount, { hold: { ttlMs: 10 } }));
		return book;
	};

	for (const [name, amount, posted] of [
		["whole", undefined, 60],
		["whole, said so", 60, 60],
		["a part", 25, 25],
		["the least part", 1, 1],
	] as const) {
		it(`${name}: moves ${posted} of 60 and releases the rest`, () => {
			const book = held();
			const entry = ask(book, post("p", "h", amount));
			assert.deepEqual(effectsOf(entry), {
				changed: { id: "h", kind: "sale", state: "posted", amount: posted, refunded: 0 },
				counters: [
					["wallet:a", posted, 100, 0, 0],
					["store:s", 0, posted, 0, 0],
				],
			});
			assert.equal(transfer(book, "h").amount, posted);
			assert.deepEqual(transfer(book, "h").details, { note: "h" });
		});
	}

	it("works although nothing else is available: the hold was for it", () => {
		const book = held(100);
		assert.equal(ask(book, post("p", "h")).refusal, undefined);
	});

	it("is possible until the last millisecond before the hold expires", () => {
		assert.equal(ask(held(), post("p", "h"), T0 + 9).refusal, undefined);
		assert.equal(ask(held(), post("p", "h"), T0 + 10).refusal, "hold_expired");
	});

	it("happens once", () => {
		const book = held();
		ask(book, post("p", "h", 10));
		assert.equal(ask(book, post("q", "h", 10)).refusal, "not_pending");
	});
});

for (const type of ["void", "expire"] as const) {
	describe(type, () => {
		const state = type === "void" ? "voided" : "expired";
		it("gives the hold back as if it had not been", () => {
			const book = world();
			const before = counters(book, "wallet:a");
			ask(book, pay("h", AS, 60, { hold: { ttlMs: 10 } }));
			const entry = ask(book, release("v", type, "h"), T0 + 10);
			assert.deepEqual(effectsOf(entry), {
				changed: { id: "h", kind: "sale", state, amount: 60, refunded: 0 },
				counters: [before, ["store:s", 0, 0, 0, 0]],
			});
			assert.equal(transfer(book, "h").state, state);
			for (const command of [post("p", "h"), release("w", "void", "h"), release("x", "expire", "h")])
				assert.equal(ask(book, command, T0 + 10).refusal, "not_pending");
			assert.equal(ask(book, refund("r", "h"), T0 + 10).refusal, "not_refundable");
		});

		it("works whatever became of the accounts", () => {
			const book = world();
			ask(book, pay("h", AS, 60, { hold: { ttlMs: 10 } }));
			run(book, [setState("f", "wallet:a", "frozen"), setState("g", "store:s", "frozen")]);
			assert.equal(ask(book, release("v", type, "h"), T0 + 10).refusal, undefined);
			assert.equal(account(book, "wallet:a").debitsPending, 0);
		});
	});
}

describe("expire", () => {
	it("never comes a millisecond early", () => {
		const book = world();
		ask(book, pay("h", AS, 60, { hold: { ttlMs: 10 } }));
		assert.equal(ask(book, release("early", "expire", "h"), T0 + 9).refusal, "not_pending");
		assert.equal(transfer(book, "h").state, "pending");
		assert.equal(ask(book, release("due", "expire", "h"), T0 + 10).refusal, undefined);
	});

	it("and post never both fit", () => {
		for (const nowMs of [T0 + 9, T0 + 10, T0 + 11]) {
			const fits = [post("p", "h"), release("e", "expire", "h")].filter((command) => {
				const book = world();
				ask(book, pay("h", AS, 60, { hold: { ttlMs: 10 } }));
				return ask(book, command, nowMs).refusal === undefined;
			});
			assert.equal(fits.length, 1, `at ${nowMs - T0} of 10 ms`);
		}
	});
});
