import { randomUUID } from "node:crypto";
import { expectBalance, expectStoreBalance } from "./balances.ts";
import { basketAbove } from "./basket.ts";
import { type Answer, bodyOf, outcomeOf } from "./client.ts";
import type { Day, Person, Shop, Sold } from "./day.ts";
import type { Step } from "./steps.ts";
import { prepareSale, saleOf, sell } from "./till.ts";
import { showCode } from "./wallet.ts";

/** The answer was lost, so the till sends the same again: it must be told the same, and nothing may be taken twice. */
export async function repeatSale(day: Day, step: Step, shop: Shop, sold: Sold): Promise<void> {
	const answer = await sell(shop, sold);
	step.expect("the header Idempotent-Replayed", answer.replayed, true);
	const same = step.expect("the answer", bodyOf(answer), sold.sale);
	await nothingMoved(day, step, shop, sold.customer);
	step.say(`${same ? "the same answer" : "another answer"}, Idempotent-Replayed: ${answer.replayed}`);
}

export async function reuseKey(day: Day, step: Step, shop: Shop, sold: Sold): Promise<void> {
	const lines = sold.basket.lines.map((line) => ({ ...line, quantity: line.quantity + 1 }));
	const total = lines.reduce((sum, { product, quantity }) => sum + product.price * quantity, 0);
	const answer = await sell(shop, { ...sold, basket: { lines, total } });
	await expectRefused(day, step, shop, { answer, code: "422 idempotency_key_reused", customer: sold.customer });
}

export async function reuseCode(day: Day, step: Step, shop: Shop, sold: Sold): Promise<void> {
	const answer = await sell(shop, { ...sold, key: randomUUID() });
	await expectRefused(day, step, shop, { answer, code: "409 code_used", customer: sold.customer });
}

export async function alterCode(day: Day, step: Step, shop: Shop, customer: Person): Promise<void> {
	const offer = await prepareSale(day, step, shop, customer);
	const answer = await sell(shop, { ...offer, code: altered(offer.code) });
	await expectRefused(day, step, shop, { answer, code: "422 code_invalid", customer });
}

/** One character of the last third, where the signature is, becomes another one of the same alphabet. */
function altered(code: string): string {
	const at = Math.floor(code.length * 0.8);
	return `${code.slice(0, at)}${code[at] === "7" ? "8" : "7"}${code.slice(at + 1)}`;
}

export async function buyTooMuch(day: Day, step: Step, shop: Shop, customer: Person): Promise<void> {
	const basket = basketAbove(day.books.balanceOf(customer.handle), day.random.pick(shop.products));
	const offer = { key: randomUUID(), code: await showCode(day, step, customer, basket.total), basket };
	const answer = await sell(shop, offer);
	await expectRefused(day, step, shop, { answer, code: "409 insufficient_credit", customer });
	const { state, refusal } = bodyOf(await saleOf(shop, offer.key));
	step.expect("what became of it", { state, refusal }, { state: "refused", refusal: "insufficient_credit" });
}

type Refusal = { readonly answer: Answer<unknown>; readonly code: string; readonly customer: Person };

async function expectRefused(day: Day, step: Step, shop: Shop, { answer, code, customer }: Refusal): Promise<void> {
	step.expect("the answer", outcomeOf(answer), code);
	const still = await nothingMoved(day, step, shop, customer);
	step.say(`${outcomeOf(answer)}, ${still ? "nothing moved" : "but credit moved"}`);
}

async function nothingMoved(day: Day, step: Step, shop: Shop, customer: Person): Promise<boolean> {
	const wallet = await expectBalance(day, step, customer);
	const store = await expectStoreBalance(day, step, shop);
	return wallet && store;
}
