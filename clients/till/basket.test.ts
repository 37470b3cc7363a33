import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { priceBasket } from "../../services/store/basket.ts";
import {
	type Basket,
	countOf,
	discountOf,
	emptyBasket,
	isDiscountAllowed,
	type Product,
	repriced,
	subtotalOf,
	totalOf,
	withOneMore,
	withQuantity,
} from "./basket.ts";

const product = (index: number, price: number): Product => ({
	id: `p_${index}`,
	sku: `s-${index}`,
	name: `Product ${index}`,
	category: "Things",
	price,
	photoId: null,
	state: "active",
	version: 1,
});

test("pressing a product again is one more of it, and none is no line", () => {
	const [tea, cake] = [product(1, 300), product(2, 500)];
	const two = withOneMore(withOneMore(withOneMore(emptyBasket, tea), cake), tea);
	assert.deepEqual(
		two.lines.map(({ productId, quantity }) => [productId, quantity]),
		[
			["p_1", 2],
			["p_2", 1],
		],
	);
	assert.deepEqual([countOf(two), subtotalOf(two)], [3, 1_100]);
	assert.deepEqual(withQuantity(withQuantity(two, "p_1", 0), "p_2", -3).lines, []);
});

test("it stays within what the server takes", () => {
	const full = Array.from({ length: 120 }, (_, index) => product(index, 1)).reduce(withOneMore, emptyBasket);
	assert.equal(full.lines.length, 100);
	assert.equal(withQuantity(full, "p_1", 1e9).lines[1]?.quantity, 10_000);
	for (const odd of [Number.NaN, 0.4, -1]) assert.equal(withQuantity(full, "p_1", odd).lines.length, 99);
});

test("a discount goes when nothing is left that it could be of", () => {
	const basket = { ...withOneMore(emptyBasket, product(1, 300)), discount: { percent: 10 } };
	assert.equal(withQuantity(basket, "p_1", 0).discount, null);
	assert.deepEqual(withQuantity(basket, "p_1", 2).discount, { percent: 10 });
	assert.equal(repriced(basket, new Map()).discount, null);
	assert.deepEqual(repriced(basket, new Map([["p_1", product(1, 350)]])).discount, { percent: 10 });
});

test("what was parked costs what it costs now", () => {
	const parked = [product(1, 300), product(2, 500)].reduce(withOneMore, emptyBasket);
	const now = repriced(parked, new Map([["p_1", product(1, 350)]]));
	assert.deepEqual([now.lines.length, totalOf(now)], [1, 350]);
});

test("it costs what the server says, and a discount is allowed when the server allows it", () => {
	const line = fc.record({ price: fc.integer({ min: 1, max: 1_000_000 }), quantity: fc.integer({ min: 1, max: 99 }) });
	const discount = fc.oneof(
		fc.constant(null),
		fc.record({ percent: fc.integer({ min: 1, max: 99 }) }),
		fc.record({ amount: fc.integer({ min: 1, max: 2_000_000 }) }),
	);
	fc.assert(
		fc.property(
			fc.array(line, { minLength: 1, maxLength: 20 }),
			discount,
			fc.integer({ min: 0, max: 99 }),
			(lines, given, maxPercent) => {
				const products = lines.map(({ price }, index) => product(index, price));
				const basket: Basket = {
					note: "",
					discount: given,
					lines: lines.map((each, index) => ({ productId: `p_${index}`, name: "", ...each })),
				};
				const asked = basket.lines.map(({ productId, quantity }) => ({ productId, quantity }));
				const known = new Map(products.map((each) => [each.id, { ...each, _id: each.id, storeId: "s_1" }]));
				const price = () => priceBasket(asked, known, { discount: given ?? undefined, maxPercent });
				if (given && !isDiscountAllowed(basket, maxPercent)) assert.throws(price, { type: "discount_too_large" });
				else assert.deepEqual([price().discount, price().total], [discountOf(basket), totalOf(basket)]);
			},
		),
		{ numRuns: 2_000 },
	);
});
