import type { Product } from "./day.ts";
import type { Random } from "./random.ts";

export type Basket = {
	readonly lines: readonly { readonly product: Product; readonly quantity: number }[];
	readonly total: number;
};

const basketOf = (lines: Basket["lines"]): Basket => ({
	lines,
	total: lines.reduce((sum, { product, quantity }) => sum + product.price * quantity, 0),
});

/** One to four different things, as people buy between two lectures: rather coffee than a jacket, and only small things twice. */
export function chooseBasket(products: readonly Product[], random: Random): Basket {
	const quantities = new Map<Product, number>();
	const things = random.integer({ from: 1, to: 4 });
	for (let thing = 0; thing < things; thing += 1) {
		const product = cheaper(random.pick(products), random.pick(products));
		quantities.set(product, product.price < 5_000 ? random.pick([1, 1, 1, 2, 3]) : 1);
	}
	return basketOf([...quantities].map(([product, quantity]) => ({ product, quantity })));
}

const cheaper = (one: Product, other: Product): Product => (one.price <= other.price ? one : other);

/** More of one thing than `amount` pays for. */
export function basketAbove(amount: number, product: Product): Basket {
	return basketOf([{ product, quantity: Math.floor(amount / product.price) + 1 }]);
}
