import { type Input, stringify } from "csv-stringify/sync";

type Page<Line> = { readonly items: readonly Line[]; readonly nextCursor: string | null };
type Form<Line> = {
	readonly columns: readonly string[];
	readonly rowOf: (line: Line) => object;
	readonly isFirst: boolean;
};

/**
 * A page of a statement as CSV (RFC 4180): the pages behind each other are the file. The first one begins with a byte order mark, for spreadsheets, and
 * the names of the columns; cells that a spreadsheet would take for a formula are quoted away.
 */
export function csvPageOf<Line>({ items, nextCursor }: Page<Line>, { columns, rowOf, isFirst }: Form<Line>) {
	const rows = textOf(items.map(rowOf), columns);
	return { csv: isFirst ? headerOf(columns) + rows : rows, nextCursor };
}

const headerOf = (columns: readonly string[]): string =>
	stringify([[...columns]], { bom: true, record_delimiter: "windows" });

const textOf = (rows: Input, columns: readonly string[]): string =>
	stringify(rows, { columns, escape_formulas: true, record_delimiter: "windows" });
