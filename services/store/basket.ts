import { isAmount } from "../amount.ts";
import { fail } from "../errors.ts";
import type { Product } from "./product.ts";

export type Line = { readonly productId: string; readonly quantity: number };
export type PricedLine = Line & { readonly name: string; readonly unitPrice: number; readonly amount: number };
export type Basket = { readonly items: readonly PricedLine[]; readonly total: number };

/**
 * What a basket costs by the catalogue; the till's own idea of prices is not asked.
 *
 * @throws product_unavailable, amount_out_of_range
 */
export function priceBasket(lines: readonly Line[], products: ReadonlyMap<string, Product>): Basket {
	const items = lines.map(({ productId, quantity }) => {
		const product = products.get(productId);
		if (product?.state !== "active") throw fail("product_unavailable", `Product ${productId} is not for sale here`);
		const amount = product.price * quantity;
		if (!isAmount(amount))
			throw fail("amount_out_of_range", `${quantity} × ${product.name} is more than can be paid at once`);
		return { productId, name: product.name, unitPrice: product.price, quantity, amount };
	});
	// At most 100 lines of at most 10^12 each: the sum is exact.
	const total = items.reduce((sum, { amount }) => sum + amount, 0);
	if (!isAmount(total)) throw fail("amount_out_of_range", "The basket is more than can be paid at once");
	return { items, total };
}
