import type { Result } from "../../services/actions.ts";

export type Product = Result<"store.listProducts">["items"][number];
export type Line = {
	readonly productId: string;
	readonly name: string;
	readonly price: number;
	readonly quantity: number;
};
export type Discount = { readonly percent: number } | { readonly amount: number };
/** What somebody is about to buy. */
export type Basket = {
	readonly lines: readonly Line[];
	readonly discount: Discount | null;
	readonly note: string;
};

export const emptyBasket: Basket = { lines: [], discount: null, note: "" };

/** As the server bounds them. */
const QUANTITY_MAX = 10_000;
const LINES_MAX = 100;

/** One more of it; a basket that is full stays as it is. */
export function withOneMore(basket: Basket, { id: productId, name, price }: Omit<Product, "sku">): Basket {
	const known = basket.lines.find((line) => line.productId === productId);
	if (known) return withQuantity(basket, productId, known.quantity + 1);
	if (basket.lines.length >= LINES_MAX) return basket;
	return { ...basket, lines: [...basket.lines, { productId, name, price, quantity: 1 }] };
}

/** @param quantity 0 takes the line away */
export function withQuantity(basket: Basket, productId: string, quantity: number): Basket {
	const bounded = Math.min(QUANTITY_MAX, Math.max(0, Math.trunc(quantity) || 0));
	const lines = basket.lines
		.map((line) => (line.productId === productId ? { ...line, quantity: bounded } : line))
		.filter((line) => line.quantity > 0);
	return withLines(basket, lines);
}

/** A discount of nothing would wait for the next customer. */
const withLines = (basket: Basket, lines: readonly Line[]): Basket =>
	lines.length === 0 ? { ...basket, lines, discount: null } : { ...basket, lines };

/** What is in it as the product list says now: prices as they are, without what is not for sale any more. */
export function repriced(basket: Basket, products: ReadonlyMap<string, Product>): Basket {
	const lines = basket.lines.flatMap((line) => {
		const product = products.get(line.productId);
		return product ? [{ ...line, name: product.name, price: product.price }] : [];
	});
	return withLines(basket, lines);
}

export const countOf = ({ lines }: Basket): number => lines.reduce((count, { quantity }) => count + quantity, 0);
export const subtotalOf = ({ lines }: Basket): number =>
	lines.reduce((sum, { price, quantity }) => sum + price * quantity, 0);

/** As the server prices it: percentages are rounded down to whole credits. */
export function discountOf(basket: Basket): number {
	const { discount } = basket;
	if (!discount) return 0;
	return "percent" in discount ? Math.floor((subtotalOf(basket) * discount.percent) / 100) : discount.amount;
}

export const totalOf = (basket: Basket): number => subtotalOf(basket) - discountOf(basket);

/** Whether the server would take it from a till that may give so much. */
export function isDiscountAllowed(basket: Basket, maxPercent: number): boolean {
	const [subtotal, discount] = [subtotalOf(basket), discountOf(basket)];
	return discount < subtotal && discount <= Math.floor((subtotal * maxPercent) / 100);
}
