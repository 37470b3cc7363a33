import { keyOf } from "../../mixins/command-id.ts";
import { csvPageOf } from "../../mixins/csv-export.ts";
import type { Result } from "../actions.ts";
import type { Receipt } from "./sale.ts";

type Line = Result<"credit.statement">["items"][number];

/** A sale as lists of them show it. */
export function saleLine({ transferId, amount, refunded, details, postedAtMs }: Line) {
	const { items, discount, note } = details as Receipt;
	const sums = { total: amount, discount, refunded };
	return { id: keyOf(transferId), transferId, ...sums, items: [...items], note, createdAtMs: postedAtMs };
}

export const salesCsvOf = (page: Result<"credit.statement">, isFirst: boolean) =>
	csvPageOf(page, { columns: COLUMNS, rowOf, isFirst });

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
