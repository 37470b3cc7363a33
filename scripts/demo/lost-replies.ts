import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Result } from "../../services/actions.ts";
import { expectBalance, expectStoreBalance } from "./balances.ts";
import { bodyOf, outcomeOf } from "./client.ts";
import type { Day, Person, Shop } from "./day.ts";
import { plural, won } from "./display.ts";
import { sendAndHangUp } from "./hang-up.ts";
import type { Step } from "./steps.ts";
import { type Offer, prepareSale, saleBody, saleOf, salesPath, sell } from "./till.ts";

type Sale = Result<"store.getSale">;

const ASKS_MAX = 40;
const ASK_EVERY_MS = 50;

/** The line is cut right after the sale was sent. The till asks until it knows; if the sale never arrived, it is cancelled. */
export async function loseReply(day: Day, step: Step, shop: Shop, customer: Person): Promise<void> {
	const offer = await prepareSale(day, step, shop, customer);
	const { client } = shop.owner;
	await sendAndHangUp(
		await client.prepare({ method: "POST", path: salesPath(shop), body: saleBody(offer), key: offer.key }),
	);
	const { sale, asks } = await askUntilKnown(shop, offer.key);
	const outcome = sale
		? await acceptSale(day, step, shop, { offer, sale, customer })
		: await giveUp(day, step, shop, offer, customer);
	await expectBalance(day, step, customer);
	await expectStoreBalance(day, step, shop);
	step.say(`asked ${plural(asks, "time")}: ${outcome}`);
}

async function askUntilKnown(shop: Shop, key: string): Promise<{ sale: Sale | null; asks: number }> {
	for (let asks = 1; ; asks += 1) {
		const answer = await saleOf(shop, key);
		if (answer.status !== 404) return { sale: bodyOf(answer), asks };
		if (asks === ASKS_MAX) return { sale: null, asks };
		await sleep(ASK_EVERY_MS);
	}
}

type Known = { readonly offer: Offer; readonly sale: Sale; readonly customer: Person };

/** It is booked. Sent once more with the same key, it must not be booked twice. */
async function acceptSale(day: Day, step: Step, shop: Shop, { offer, sale, customer }: Known): Promise<string> {
	const { state, total } = sale;
	step.expect("the sale", { state, total }, { state: "posted", total: offer.basket.total });
	if (state !== "posted") return state;
	day.books.sell(customer.handle, offer.basket.total);
	const again = await sell(shop, offer);
	step.expect(
		"sent again",
		{ outcome: outcomeOf(again), replayed: again.replayed },
		{ outcome: "201", replayed: true },
	);
	return `${won(offer.basket.total)} posted, booked once`;
}

/** Nobody knows of it. It may still be under way, so it is made sure that it has no effect. */
async function giveUp(day: Day, step: Step, shop: Shop, { key, basket }: Offer, customer: Person): Promise<string> {
	const { effect } = await cancel(shop, key);
	step.expect("the effect is definite", ["kept_out", "refunded", "none"].includes(effect), true);
	if (effect === "refunded") {
		day.books.sell(customer.handle, basket.total);
		day.books.refund(customer.handle, basket.total);
	}
	return `never seen, cancelled (${effect})`;
}

const cancel = async (shop: Shop, key: string): Promise<Result<"store.cancelSale">> =>
	bodyOf(
		await shop.owner.client.post<"store.cancelSale">(
			`${salesPath(shop)}/${key}/cancel`,
			{ reason: "응답 없음" },
			{ key: randomUUID() },
		),
	);

/** The till cancels a sale that is still on its way; when it arrives, it must be turned away. */
export async function cancelFirst(day: Day, step: Step, shop: Shop, customer: Person): Promise<void> {
	const offer = await prepareSale(day, step, shop, customer);
	step.expect("before it arrives", (await saleOf(shop, offer.key)).status, 404);
	const { effect, sale } = await cancel(shop, offer.key);
	step.expect("the cancellation", { effect, state: sale.state }, { effect: "kept_out", state: "cancelled" });
	const late = await sell(shop, offer);
	step.expect("the late arrival", outcomeOf(late), "409 cancelled");
	step.expect("what became of it", bodyOf(await saleOf(shop, offer.key)).state, "cancelled");
	await expectBalance(day, step, customer);
	await expectStoreBalance(day, step, shop);
	step.say(`${effect}; late arrival ${outcomeOf(late)}`);
}
