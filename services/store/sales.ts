import { stringify } from "csv-stringify/sync";
import { keyOf } from "../../mixins/command-id.ts";
import { call, type Result } from "../actions.ts";
import { fail } from "../errors.ts";
import type { Receipt } from "./sale.ts";

type Line = Result<"credit.statement">["items"][number];
type Range = { readonly fromMs?: number; readonly toMs?: number };

/** An export is for people and their spreadsheets; a longer one is refused rather than cut. */
const EXPORT_LINES_MAX = 10_000;

/** A sale as lists of them show it. */
export function saleLine({ transferId, amount, refunded, details, postedAtMs }: Line) {
	const { items, discount = 0, note } = details as Receipt;
	const sums = { total: amount, discount, refunded };
	return { id: keyOf(transferId), transferId, ...sums, items: [...items], note, createdAtMs: postedAtMs };
}

/** All sales of a while, newest first. @throws validation_failed when there are too many for one file */
export async function salesOf(from: Parameters<typeof call>[0], accountId: string, range: Range) {
	const lines: Line[] = [];
	for (let cursor: string | null = ""; cursor !== null; ) {
		if (lines.length >= EXPORT_LINES_MAX) {
			const message = `has more than ${EXPORT_LINES_MAX} sales: ask for parts, by fromMs and toMs`;
			throw fail("validation_failed", undefined, { errors: [{ at: "(all)", message }] });
		}
		const query = { ...range, accountId, limit: 100, kinds: ["sale" as const], ...(cursor && { cursor }) };
		const page: Result<"credit.statement"> = await call(from, "credit.statement", query);
		lines.push(...page.items);
		cursor = page.nextCursor;
	}
	return lines.map(saleLine);
}

/** RFC 4180, with a byte order mark for spreadsheets; cells that a spreadsheet would take for a formula are quoted away. */
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
	const columns = ["time", "items", "discount", "total", "refunded", "net", "note", "sale_id"];
	return stringify(rows, { header: true, columns, bom: true, escape_formulas: true, record_delimiter: "windows" });
}
