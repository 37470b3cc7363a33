import { expectBalance, expectStoreBalance } from "./balances.ts";
import type { Day, Shop, Sold } from "./day.ts";
import { won } from "./display.ts";
import type { Step } from "./steps.ts";
import { sellTo } from "./till.ts";

/** The customers take turns. */
export async function sellAll(day: Day, step: Step, shop: Shop): Promise<readonly Sold[]> {
	const turns = Array.from({ length: day.options.sales }, (_, at) => shop.customers[at % shop.customers.length]);
	const sold = await step.each(
		turns.filter((customer) => customer !== undefined),
		async (customer) => {
			const sale = await sellTo(day, step, shop, customer);
			await step.lap("read the balance", () => expectBalance(day, step, customer));
			return sale;
		},
	);
	await expectStoreBalance(day, step, shop);
	const items = sold.reduce(
		(sum, { basket }) => sum + basket.lines.reduce((all, { quantity }) => all + quantity, 0),
		0,
	);
	const takings = sold.reduce((sum, { sale }) => sum + (sale.total ?? 0), 0);
	step.say(`${won(items)} items for ${won(takings)} credit`);
	return sold;
}
