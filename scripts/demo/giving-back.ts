import { randomUUID } from "node:crypto";
import { expectBalance, expectStoreBalance } from "./balances.ts";
import { bodyOf, outcomeOf } from "./client.ts";
import type { Day, Person, Shop, Sold } from "./day.ts";
import { won } from "./display.ts";
import type { Step } from "./steps.ts";
import { salesPath } from "./till.ts";
import { haveAtLeast } from "./wallet.ts";

type Refund = { readonly amount?: number; readonly reason: string };

const refund = (shop: Shop, { key }: Sold, body: Refund) =>
	shop.owner.client.post<"store.refundSale">(`${salesPath(shop)}/${key}/refunds`, body, { key: randomUUID() });

type PartOf = { readonly sold: Sold; readonly amount?: number; readonly already: number };

/** `amount` left out gives back whatever is left of the sale; `already` was given back before. */
export async function refundSome(day: Day, step: Step, shop: Shop, { sold, amount, already }: PartOf): Promise<void> {
	const { customer, basket } = sold;
	const expected = amount ?? basket.total - already;
	const body = { reason: amount ? "하나는 반품할게요" : "모두 반품할게요", ...(amount && { amount }) };
	const { refund: given, sale } = bodyOf(await refund(shop, sold, body));
	day.books.refund(customer.handle, expected);
	step.expect(
		"the refund",
		{ amount: given.amount, refunded: sale.refunded, total: sale.total },
		{ amount: expected, refunded: already + expected, total: basket.total },
	);
	await expectBalance(day, step, customer);
	await expectStoreBalance(day, step, shop);
	step.say(`${won(expected)} of ${won(basket.total)} back to ${customer.displayName}`);
}

export async function refundTooMuch(day: Day, step: Step, shop: Shop, sold: Sold): Promise<void> {
	const answer = await refund(shop, sold, { amount: 1, reason: "한 번 더" });
	step.expect("one credit more", outcomeOf(answer), "409 refund_exceeds_sale");
	await expectBalance(day, step, sold.customer);
	step.say(outcomeOf(answer));
}

const NOTE = "어제 점심값 고마워! 🍜";

export async function sendCredit(day: Day, step: Step, { from, to }: { from: Person; to: Person }): Promise<void> {
	const amount = day.random.integer({ from: 30, to: 120 }) * 100;
	await haveAtLeast(day, step, from, amount);
	const found = bodyOf(await from.client.get<"user.find">(`/v1/users/${to.handle}`));
	step.expect("who is behind the handle", found.displayName, to.displayName);
	const body = { to: to.handle, amount, note: NOTE };
	const booking = bodyOf(await from.client.post<"user.send">("/v1/me/transfers", body, { key: randomUUID() }));
	day.books.send(amount, { from: from.handle, to: to.handle });
	step.expect(
		"what was sent",
		{ state: booking.state, balanceAfter: booking.balanceAfter },
		{
			state: "posted",
			balanceAfter: day.books.balanceOf(from.handle),
		},
	);
	await expectBalance(day, step, to);
	const { items } = bodyOf(await to.client.get<"user.listTransactions">("/v1/me/transactions", { limit: 1 }));
	step.expect(
		"what the other side reads",
		items.map(({ amount, note }) => ({ amount, note })),
		[{ amount, note: NOTE }],
	);
	step.say(`${from.displayName} → ${to.displayName} ${won(amount)} “${NOTE}”`);
}
