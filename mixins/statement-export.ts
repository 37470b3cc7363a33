import { stringify } from "csv-stringify/sync";
import { call, type Params, type Result } from "../services/actions.ts";
import { failAt } from "../services/errors.ts";

/** An export is for people and their spreadsheets; a longer one is refused rather than cut. */
const LINES_MAX = 10_000;

export type Caller = Parameters<typeof call>[0];
type Query = Omit<Params<"credit.statement">, "cursor" | "limit">;
type Line = Result<"credit.statement">["items"][number];

/** All lines of a statement, newest first. @param what they are called @throws validation_failed when there are too many for one file */
export async function wholeStatement(from: Caller, query: Query, what: "lines" | "sales"): Promise<Line[]> {
	const lines: Line[] = [];
	for (let cursor: string | null = ""; cursor !== null; ) {
		if (lines.length >= LINES_MAX)
			throw failAt("(all)", `has more than ${LINES_MAX} ${what}: ask for parts, by fromMs and toMs`);
		const page: Result<"credit.statement"> = await call(from, "credit.statement", {
			...query,
			limit: 100,
			...(cursor && { cursor }),
		});
		lines.push(...page.items);
		cursor = page.nextCursor;
	}
	return lines;
}

/** RFC 4180, with a byte order mark for spreadsheets; cells that a spreadsheet would take for a formula are quoted away. */
export const csvOf = (columns: string[], rows: object[]): string =>
	stringify(rows, { header: true, columns, bom: true, escape_formulas: true, record_delimiter: "windows" });
