import assert from "node:assert/strict";
import { it } from "node:test";
import { csvPageOf } from "./csv-export.ts";

const form = { columns: ["name", "amount"], rowOf: (name: string) => ({ name, amount: 1 }) };
const page = (items: readonly string[], nextCursor: string | null, isFirst: boolean) =>
	csvPageOf({ items, nextCursor }, { ...form, isFirst });

it("the pages of a file have its names once, also where the first has no lines, and start no formula", () => {
	const pages = [page([], "a", true), page(["e", "=d"], "b", false), page([], "c", false), page(['a"b'], null, false)];
	assert.equal(pages.map(({ csv }) => csv).join(""), '\ufeffname,amount\r\ne,1\r\n\'=d,1\r\n"a""b",1\r\n');
	assert.deepEqual(
		pages.map(({ nextCursor }) => nextCursor),
		["a", "b", "c", null],
	);
});
