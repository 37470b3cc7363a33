import { randomUUID } from "node:crypto";
import type { Result } from "../../services/actions.ts";
import { type Basket, chooseBasket } from "./basket.ts";
import { type Answer, bodyOf } from "./client.ts";
import type { Day, Person, Shop, Sold } from "./day.ts";
import type { Step } from "./steps.ts";
import { haveAtLeast, showCode } from "./wallet.ts";

/** Everything that the till sends for one sale. */
export type Offer = { readonly key: string; readonly code: string; readonly basket: Basket };

export const salesPath = ({ storeId }: Shop): string => `/v1/stores/${storeId}/sales`;

export const saleBody = ({ code, basket }: Offer) => ({
	code,
	items: basket.lines.map(({ product, quantity }) => ({ productId: product.id, quantity })),
	expectedTotal: basket.total,
});

export const sell = (shop: Shop, offer: Offer): Promise<Answer<Result<"store.sell">>> =>
	shop.owner.client.post<"store.sell">(salesPath(shop), saleBody(offer), { key: offer.key });

export const saleOf = (shop: Shop, key: string): Promise<Answer<Result<"store.getSale">>> =>
	shop.owner.client.get<"store.getSale">(`${salesPath(shop)}/${key}`);

/** The customer has filled a basket and holds the phone out; the till has read it and not yet sent the sale. */
export async function prepareSale(day: Day, step: Step, shop: Shop, customer: Person): Promise<Offer> {
	const basket = chooseBasket(shop.products, day.random);
	await haveAtLeast(day, step, customer, basket.total);
	return { key: randomUUID(), code: await showCode(day, step, customer), basket };
}

/** A whole sale: basket, QR code, payment, and the customer's new balance. */
export async function sellTo(day: Day, step: Step, shop: Shop, customer: Person): Promise<Sold> {
	const offer = await prepareSale(day, step, shop, customer);
	const sale = bodyOf(await step.lap("sell", () => sell(shop, offer)));
	day.books.sell(customer.handle, offer.basket.total);
	const { state, total, refunded, items } = sale;
	step.expect(
		"the sale",
		{ state, total, refunded, items: items.length },
		{
			state: "posted",
			total: offer.basket.total,
			refunded: 0,
			items: offer.basket.lines.length,
		},
	);
	return { ...offer, customer, sale };
}
