import { keyOf } from "../../mixins/command-id.ts";
import { csvOf, type Place } from "../../mixins/csv-export.ts";
import { call, type Result } from "../actions.ts";
import type { Receipt } from "./sale.ts";

type Line = Result<"credit.statement">["items"][number];
type Range = { readonly fromMs?: number; readonly toMs?: number };

/** A sale as lists of them show it. */
export function saleLine({ transferId, amount, refunded, details, postedAtMs }: Line) {
	const { items, discount, note } = details as Receipt;
	const sums = { total: amount, discount, refunded };
	return { id: keyOf(transferId), transferId, ...sums, items: [...items], note, createdAtMs: postedAtMs };
}

/** All sales of a while as CSV, oldest first. @throws validation_failed when there are too many for one file */
export function salesCsvOf(
	from: Parameters<typeof call>[0],
	accountId: string,
	{ place, ...range }: Range & { readonly place: Place },
): Promise<string> {
	const readPage = (cursor: string | null) =>
		call(from, "credit.statement", { ...range, accountId, limit: 100, kinds: ["sale"], ...(cursor && { cursor }) });
	return csvOf(readPage, { columns: COLUMNS, rowOf, order: "oldest first", lines: "sales", place });
}

const COLUMNS = ["time", "items", "discount", "total", "refunded", "net", "note", "sale_id"];

function rowOf(line: Line) {
	const { id, total, discount, refunded, items, note, createdAtMs } = saleLine(line);
	return {
		time: new Date(createdAtMs).toISOString(),
		items: items.map(({ name, quantity }) => `${quantity} × ${name}`).join(", "),
		discount,
		total,
		refunded,
		net: total - refunded,
		note,
		sale_id: id,
	};
}
