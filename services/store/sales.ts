import { keyOf } from "../../mixins/command-id.ts";
import { type Caller, csvOf, wholeStatement } from "../../mixins/statement-export.ts";
import type { Result } from "../actions.ts";
import type { Receipt } from "./sale.ts";

type Line = Result<"credit.statement">["items"][number];
type Range = { readonly fromMs?: number; readonly toMs?: number };

/** A sale as lists of them show it. */
export function saleLine({ transferId, amount, refunded, details, postedAtMs }: Line) {
	const { items, discount = 0, note } = details as Receipt;
	const sums = { total: amount, discount, refunded };
	return { id: keyOf(transferId), transferId, ...sums, items: [...items], note, createdAtMs: postedAtMs };
}

/** All sales of a while, newest first. @throws validation_failed when there are too many for one file */
export async function salesOf(from: Caller, accountId: string, range: Range) {
	return (await wholeStatement(from, { ...range, accountId, kinds: ["sale"] }, "sales")).map(saleLine);
}

export function salesCsv(sales: readonly ReturnType<typeof saleLine>[]): string {
	const rows = sales.toReversed().map(({ id, total, discount, refunded, items, note, createdAtMs }) => ({
		time: new Date(createdAtMs).toISOString(),
		items: items.map(({ name, quantity }) => `${quantity} × ${name}`).join(", "),
		discount,
		total,
		refunded,
		net: total - refunded,
		note,
		sale_id: id,
	}));
	return csvOf(["time", "items", "discount", "total", "refunded", "net", "note", "sale_id"], rows);
}
