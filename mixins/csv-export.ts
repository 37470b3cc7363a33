import { setImmediate as othersTurn } from "node:timers/promises";
import { type Input, stringify } from "csv-stringify/sync";
import { failAt } from "../services/errors.ts";

/** An export is for people and their spreadsheets; a longer one is refused rather than cut. */
const LINES_MAX = 10_000;
/** Between processes it is one message of NATS, as JSON, which takes 1,048,576 with what is around it. */
const BYTES_MAX = { apart: 1_030_000, embedded: 10_000_000 };

export type Place = keyof typeof BYTES_MAX;
type Page<Line> = { readonly items: readonly Line[]; readonly nextCursor: string | null };
type Form<Line> = {
	readonly columns: readonly string[];
	readonly rowOf: (line: Line) => object;
	/** In the file; pages are newest first. */
	readonly order: "newest first" | "oldest first";
	/** What there may be too many of. */
	readonly lines: string;
	/** Whether services are in processes of their own. */
	readonly place: Place;
};

/**
 * A statement as CSV (RFC 4180), with a byte order mark for spreadsheets; cells that a spreadsheet would take for a formula are quoted away. Of each
 * page only its text is kept, and between two pages others have their turn: the same process sells.
 *
 * @throws validation_failed when there is too much for one file
 */
export async function csvOf<Line>(
	readPage: (cursor: string | null) => Promise<Page<Line>>,
	{ columns, rowOf, order, lines, place }: Form<Line>,
): Promise<string> {
	const isNewestFirst = order === "newest first";
	const pages: string[] = [];
	let [lineCount, bytes] = [0, 0];
	for (let cursor: string | null = ""; cursor !== null; ) {
		if (lineCount >= LINES_MAX) throw tooMuch(`has more than ${LINES_MAX} ${lines}`);
		const page: Page<Line> = await readPage(cursor || null);
		const rows = page.items.map(rowOf);
		const text = textOf(isNewestFirst ? rows : rows.reverse(), columns);
		lineCount += rows.length;
		bytes += Buffer.byteLength(JSON.stringify(text));
		if (bytes > BYTES_MAX[place]) throw tooMuch(`is larger than ${BYTES_MAX[place] / 1_000} kB`);
		pages.push(text);
		cursor = page.nextCursor;
		await othersTurn();
	}
	const header = stringify([[...columns]], { bom: true, record_delimiter: "windows" });
	return [header, ...(isNewestFirst ? pages : pages.reverse())].join("");
}

export const placeIn = ({ transporter }: { readonly transporter: string | null }): Place =>
	transporter === null ? "embedded" : "apart";

const textOf = (rows: Input, columns: readonly string[]): string =>
	stringify(rows, { columns, escape_formulas: true, record_delimiter: "windows" });

const tooMuch = (what: string): Error => failAt("(all)", `${what}: ask for parts, by fromMs and toMs`);
