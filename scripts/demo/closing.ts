import { randomUUID } from "node:crypto";
import { expectStoreBalance } from "./balances.ts";
import { STORE, type Tally } from "./books.ts";
import { bodyOf } from "./client.ts";
import type { Day, Shop } from "./day.ts";
import { won } from "./display.ts";
import type { Step } from "./steps.ts";
import { table } from "./table.ts";

/** Sweden writes dates as ISO 8601 does. */
const dateIn = (timeZone: string, timeMs: number): string =>
	new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short" }).format(timeMs);

type Totals = { readonly sales: Tally; readonly refunds: Tally; readonly payouts: Tally; readonly net: number };

/** What the platform reports since the shop opened: one day, or two for whoever runs this at midnight in Seoul. */
async function totalsSince(
	openedMs: number,
	{ owner, storeId, timeZone }: Shop,
): Promise<{ dates: string[]; totals: Totals }> {
	const dates = [...new Set([openedMs, Date.now()].map((timeMs) => dateIn(timeZone, timeMs)))];
	const none: Tally = { count: 0, amount: 0 };
	let totals: Totals = { sales: none, refunds: none, payouts: none, net: 0 };
	for (const date of dates) {
		const day = bodyOf(await owner.client.get<"store.report">(`/v1/stores/${storeId}/reports/${date}`));
		totals = {
			sales: plus(totals.sales, day.sales),
			refunds: plus(totals.refunds, day.refunds),
			payouts: plus(totals.payouts, day.payouts),
			net: totals.net + day.net,
		};
	}
	return { dates, totals };
}

const plus = (left: Tally, right: Tally): Tally => ({
	count: left.count + right.count,
	amount: left.amount + right.amount,
});

function expectedTotals({ books }: Day): Totals {
	const { sales, refunds, payouts } = books.tallies;
	return { sales, refunds, payouts, net: sales.amount - refunds.amount };
}

export async function readReport(day: Day, step: Step, shop: Shop, openedMs: number): Promise<void> {
	const { dates, totals } = await totalsSince(openedMs, shop);
	step.expect("the totals", totals, expectedTotals(day));
	const { sales, refunds, net } = totals;
	step.say(`${dates.join(" and ")}, ${shop.timeZone}`);
	const row = (title: string, { count, amount }: Tally) => [title, won(count), won(amount)];
	step.show(
		table(
			[{ title: "Today" }, { title: "Count", align: "right" }, { title: "Credit", align: "right" }],
			[row("Sales", sales), row("Refunds", { ...refunds, amount: -refunds.amount }), ["Net", "", won(net)]],
		),
	);
}

/** The owner has most of it paid out, in whole thousands, and leaves the rest as change. */
export async function payOut(day: Day, step: Step, shop: Shop, openedMs: number): Promise<void> {
	const amount = Math.max(1, Math.floor((day.books.balanceOf(STORE) * 0.8) / 1_000) * 1_000);
	const path = `/v1/stores/${shop.storeId}/payouts`;
	const key = randomUUID();
	const payout = bodyOf(await shop.owner.client.post<"store.payOut">(path, { amount }, { key }));
	day.books.payOut(amount);
	const left = day.books.balanceOf(STORE);
	step.expect(
		"the payout",
		{ amount: payout.amount, balanceAfter: payout.balanceAfter },
		{ amount, balanceAfter: left },
	);
	const { state } = bodyOf(await shop.owner.client.get<"store.getPayout">(`${path}/${key}`));
	step.expect("what became of it", state, "posted");
	await expectStoreBalance(day, step, shop);
	step.expect("the day's totals", (await totalsSince(openedMs, shop)).totals, expectedTotals(day));
	step.say(`${won(amount)} out, ${won(left)} stay`);
}
