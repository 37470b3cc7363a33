import { parse } from "csv-parse/sync";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { type FieldError, fail } from "../errors.ts";
import { closed } from "../schema.ts";
import { storeActions } from "./store.actions.ts";

const ROWS_MAX = 5_000;
const ERRORS_MAX = 20;

const { sku, name, category, price } = storeActions.createProduct.params.properties;
const Row = closed({ sku, name, category, price });
export type ProductRow = Static<typeof Row>;
const row = Compile(Row);
const Header = Compile(
	Type.Array(Type.Enum(["sku", "name", "category", "price"]), { minItems: 4, maxItems: 4, uniqueItems: true }),
);

/**
 * Reads a product list: a header line with sku, name, category and price in any order, RFC 4180, UTF-8 with or without BOM.
 *
 * @throws import_rejected with up to 20 lines and what is wrong with each
 */
export function readProductCsv(csv: string): ProductRow[] {
	const records = parseRecords(csv);
	const errors: FieldError[] = [];
	const rows: ProductRow[] = [];
	const seen = new Set<string>();
	for (const { record, info } of records) {
		const candidate = { ...record, price: /^\d{1,13}$/.test(record.price ?? "") ? Number(record.price) : record.price };
		const at = `line ${info.lines}`;
		if (!row.Check(candidate)) {
			const [first] = row.Errors(candidate);
			errors.push({ at, message: `${first?.instancePath.slice(1) || "line"} ${first?.message}` });
		} else if (seen.has(candidate.sku)) errors.push({ at, message: `sku ${candidate.sku} is there twice` });
		else {
			seen.add(candidate.sku);
			rows.push(candidate);
		}
	}
	if (records.length > ROWS_MAX)
		errors.push({ at: "(all)", message: `there are more than ${ROWS_MAX} products in it` });
	if (records.length === 0) errors.push({ at: "line 1", message: "there is no product in it" });
	if (errors.length > 0) throw fail("import_rejected", undefined, { errors: errors.slice(0, ERRORS_MAX) });
	return rows;
}

type Parsed = { record: Record<string, string>; info: { lines: number } };

function parseRecords(csv: string): Parsed[] {
	try {
		return parse(csv, {
			bom: true,
			columns: checkedHeader,
			info: true,
			trim: true,
			skip_empty_lines: true,
			to: ROWS_MAX + 1,
		}) as never;
	} catch (error) {
		const message = error instanceof Error ? error.message : String(error);
		throw fail("import_rejected", undefined, { errors: [{ at: "(all)", message }] });
	}
}

function checkedHeader(header: string[]): string[] {
	if (!Header.Check(header)) throw new Error("the first line must name the columns sku, name, category and price");
	return header;
}
