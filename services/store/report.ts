import type { Result } from "../actions.ts";

type Totals = Result<"credit.totals">;
type Volume = { readonly count: number; readonly amount: number };

const nothing: Volume = { count: 0, amount: 0 };

/** A day in numbers, as a whole and by the hour. */
export function reportOf(totals: Totals) {
	const byHour = Map.groupBy(totals, ({ hourMs }) => hourMs);
	const hours = [...byHour].map(([fromMs, those]) => ({
		fromMs,
		sales: volumeOf(those, "sale"),
		refunds: volumeOf(those, "refund"),
	}));
	const sales = volumeOf(totals, "sale");
	const refunds = volumeOf(totals, "refund");
	return { sales, refunds, payouts: volumeOf(totals, "payout"), net: sales.amount - refunds.amount, hours };
}

const volumeOf = (totals: Totals, kind: Totals[number]["kind"]): Volume =>
	totals
		.filter((total) => total.kind === kind)
		.reduce((sum, { count, amount }) => ({ count: sum.count + count, amount: sum.amount + amount }), nothing);
