import { Readable } from "node:stream";
import { setImmediate as othersTurn } from "node:timers/promises";
import { parse } from "csv-parse";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { fieldErrors } from "../../mixins/typebox-validator.ts";
import { type FieldError, fail } from "../errors.ts";
import { closed } from "../schema.ts";
import { storeActions } from "./store.actions.ts";

const ROWS_MAX = 5_000;
const ERRORS_MAX = 20;
/** So much is read, some hundred rows, before others have their turn: the same process sells. */
const BYTES_AT_ONCE = 8_192;

const { sku, name, category, price } = storeActions.createProduct.params.properties;
const Row = closed({ sku, name, category, price });
export type ProductRow = Static<typeof Row>;
const row = Compile(Row);
const COLUMNS = ["sku", "name", "category", "price"];
const Header = Compile(Type.Array(Type.Enum(COLUMNS), { minItems: 4, maxItems: 4, uniqueItems: true }));

/**
 * Reads a product list: a header line with sku, name, category and price in any order and case, RFC 4180, UTF-8 with or without BOM.
 * Between the fields are commas or semicolons, as spreadsheets write them where a comma is in numbers; Excel may say which in a line before.
 *
 * @throws import_rejected with up to 20 lines and what is wrong with each; what is behind those is not looked at
 */
export async function readProductCsv(csv: string): Promise<ProductRow[]> {
	const errors: FieldError[] = [];
	const rows = new Map<string, ProductRow>();
	let recordCount = 0;
	for await (const { record, info } of recordsIn(csv)) {
		if (++recordCount > ROWS_MAX) {
			errors.push({ at: "(all)", message: `there are more than ${ROWS_MAX} products in it` });
			break;
		}
		const candidate = candidateOf(record);
		const wrong = whatIsWrong(candidate, rows);
		if (wrong === undefined) rows.set(record.sku as string, candidate as ProductRow);
		else errors.push({ at: `line ${info.lines}`, message: wrong });
		// To say what is wrong with a row costs many times what a right one does.
		if (errors.length === ERRORS_MAX) break;
	}
	if (recordCount === 0) errors.push({ at: "line 1", message: "there is no product in it" });
	if (errors.length > 0) throw fail("import_rejected", undefined, { errors });
	return [...rows.values()];
}

/** In the one form that text of requests has, too: else a list would bring another category than the one that was typed. */
const candidateOf = ({ sku, name = "", category = "", price = "" }: Record<string, string>) => ({
	sku,
	name: name.normalize("NFC"),
	category: category.normalize("NFC"),
	price: /^\d{1,13}$/.test(price) ? Number(price) : price,
});

function whatIsWrong(candidate: object, before: ReadonlyMap<string, ProductRow>): string | undefined {
	if (row.Check(candidate)) return before.has(candidate.sku) ? `sku ${candidate.sku} is there twice` : undefined;
	return fieldErrors(Row, row.Errors(candidate) as Parameters<typeof fieldErrors>[1])
		.map(({ at, message }) => `${at} ${message}`)
		.join("; ");
}

type Parsed = { record: Record<string, string>; info: { lines: number } };

/** @throws import_rejected when it is no CSV, or has other columns */
async function* recordsIn(csv: string): AsyncGenerator<Parsed> {
	const { delimiter, headerLine } = shapeOf(csv);
	const form = { delimiter, from_line: headerLine, bom: true, trim: true, skip_empty_lines: true };
	const parser = parse({ ...form, columns: checkedHeader, info: true });
	try {
		yield* Readable.from(piecesOf(Buffer.from(csv))).pipe(parser);
	} catch (error) {
		const { message, lines } = error as Error & { readonly lines?: number };
		throw fail("import_rejected", undefined, { errors: [{ at: `line ${lines ?? headerLine}`, message }] });
	}
}

function shapeOf(csv: string) {
	const [, said] = /^\ufeff?sep=([,;\t])\s*?\r?\n/i.exec(csv) ?? [];
	const [header = ""] = csv.trimStart().split("\n", 1);
	return { delimiter: said ?? (header.includes(";") ? ";" : ","), headerLine: said ? 2 : 1 };
}

async function* piecesOf(bytes: Buffer): AsyncGenerator<Buffer> {
	for (let from = 0; from < bytes.length; from += BYTES_AT_ONCE) {
		yield bytes.subarray(from, from + BYTES_AT_ONCE);
		await othersTurn();
	}
}

function checkedHeader(header: string[]): string[] {
	const columns = header.map((name) => name.toLowerCase());
	if (Header.Check(columns)) return columns;
	throw new Error(
		"must name the columns sku, name, category and price, in any order, with commas or semicolons between",
	);
}
