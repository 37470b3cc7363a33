import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { AMOUNT_MAX, addExact, isAmount } from "./amount.ts";

describe("isAmount", () => {
	for (const amount of [1, 2, 999, 2 ** 31, 2 ** 32 + 1, AMOUNT_MAX - 1, AMOUNT_MAX]) {
		it(`takes ${amount}`, () => assert.equal(isAmount(amount), true));
	}

	const refused: unknown[] = [
		...[
			0,
			-0,
			-1,
			0.5,
			1.5,
			AMOUNT_MAX + 1,
			AMOUNT_MAX + 0.5,
			2 ** 53,
			2 ** 53 + 2,
			Number.POSITIVE_INFINITY,
			Number.NEGATIVE_INFINITY,
			Number.NaN,
		],
		...["1", "100", "١٠٠", "", true, false, null, undefined, {}, [], [100], 100n, new Number(100), new Date(100)],
		{ valueOf: () => 100 },
	];
	for (const value of refused) {
		const shown = typeof value === "bigint" ? `${value}n` : Object.is(value, -0) ? "-0" : JSON.stringify(value);
		it(`refuses ${typeof value} ${shown}`, () => assert.equal(isAmount(value), false));
	}

	it("takes exactly the whole numbers from 1 to AMOUNT_MAX", () => {
		fc.assert(
			fc.property(fc.oneof(fc.double(), fc.integer(), fc.maxSafeInteger(), fc.constant(AMOUNT_MAX)), (value) => {
				assert.equal(isAmount(value), value % 1 === 0 && value > 0 && value <= 1e12);
			}),
		);
	});

	it("has a maximum of which 9,000 can be summed exactly", () => {
		assert.ok(Number.isSafeInteger(9_000 * AMOUNT_MAX));
	});
});

describe("addExact", () => {
	const safe = fc.maxSafeInteger();

	it("adds as BigInt does, or throws when a double cannot hold the sum", () => {
		fc.assert(
			fc.property(safe, safe, (left, right) => {
				const sum = BigInt(left) + BigInt(right);
				const fits = sum >= BigInt(Number.MIN_SAFE_INTEGER) && sum <= BigInt(Number.MAX_SAFE_INTEGER);
				if (fits) assert.equal(BigInt(addExact(left, right)), sum);
				else assert.throws(() => addExact(left, right), RangeError);
			}),
		);
	});

	it("holds up to the last exact integer on either side, and not one more", () => {
		assert.equal(addExact(Number.MAX_SAFE_INTEGER - 1, 1), Number.MAX_SAFE_INTEGER);
		assert.throws(() => addExact(Number.MAX_SAFE_INTEGER, 1), RangeError);
		assert.equal(addExact(Number.MIN_SAFE_INTEGER + 1, -1), Number.MIN_SAFE_INTEGER);
		assert.throws(() => addExact(Number.MIN_SAFE_INTEGER, -1), RangeError);
	});

	for (const [left, right] of [
		[0.5, 1],
		[Number.NaN, 1],
		[Number.POSITIVE_INFINITY, 1],
		[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
	] as const) {
		it(`throws on ${left} + ${right}`, () => assert.throws(() => addExact(left, right), RangeError));
	}

	it("names both in the error", () => {
		assert.throws(() => addExact(0.5, 1), { name: "RangeError", message: "0.5 + 1 is not an exact integer" });
	});
});
