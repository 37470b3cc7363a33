import type { Result } from "../actions.ts";

const HOUR_MS = 3_600_000;

type Totals = readonly (Result<"credit.totals">[number] & { readonly hourMs: number })[];
type Range = { readonly fromMs: number; readonly toMs: number };
type TotalsIn = (range: Range) => Promise<Result<"credit.totals">>;
type Volume = { readonly count: number; readonly amount: number };

const nothing: Volume = { count: 0, amount: 0 };

/** A day in numbers, as a whole and by the hour. Its sum is that of the hours: two readings could differ by what is sold meanwhile. */
export async function reportOf({ fromMs, toMs }: Range, totalsIn: TotalsIn) {
	const begins = Array.from({ length: (toMs - fromMs) / HOUR_MS }, (_, index) => fromMs + index * HOUR_MS);
	const asked = begins.map(async (hourMs) => {
		const totals = await totalsIn({ fromMs: hourMs, toMs: hourMs + HOUR_MS });
		return totals.map((total) => ({ hourMs, ...total }));
	});
	const totals: Totals = (await Promise.all(asked)).flat();
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
