import { isAmount } from "../amount.ts";
import { fail } from "../errors.ts";
import type { Product } from "./product.ts";

export type Line = { readonly productId: string; readonly quantity: number };
export type PricedLine = Line & { readonly name: string; readonly unitPrice: number; readonly amount: number };
export type Discount = { readonly percent?: number; readonly amount?: number };
export type Basket = { readonly items: readonly PricedLine[]; readonly discount: number; readonly total: number };

/**
 * What a basket costs by the catalogue; the till's own idea of prices is not asked.
 *
 * @throws product_unavailable, amount_out_of_range, discount_too_large
 */
export function priceBasket(
	lines: readonly Line[],
	products: ReadonlyMap<string, Product>,
	granted: { readonly discount?: Discount | undefined; readonly maxPercent: number },
): Basket {
	const items = lines.map(({ productId, quantity }) => {
		const product = products.get(productId);
		if (product?.state !== "active") throw fail("product_unavailable", `Product ${productId} is not for sale here`);
		const amount = product.price * quantity;
		if (!isAmount(amount))
			throw fail("amount_out_of_range", `${quantity} × ${product.name} is more than can be paid at once`);
		return { productId, name: product.name, unitPrice: product.price, quantity, amount };
	});
	// At most 100 lines of at most 10^12 each: the sum is exact.
	const subtotal = items.reduce((sum, { amount }) => sum + amount, 0);
	const discount = discountOf(subtotal, granted);
	const total = subtotal - discount;
	if (!isAmount(subtotal)) throw fail("amount_out_of_range", "The basket is more than can be paid at once");
	return { items, discount, total };
}

/** In whole credits; never all of it, so that something is left to pay. @throws discount_too_large */
function discountOf(subtotal: number, { discount, maxPercent }: Parameters<typeof priceBasket>[2]): number {
	if (!discount) return 0;
	const { percent = 0, amount = Math.floor((subtotal * percent) / 100) } = discount;
	if (amount >= subtotal || amount > Math.floor((subtotal * maxPercent) / 100)) throw fail("discount_too_large");
	return amount;
}
