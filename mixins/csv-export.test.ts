import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { csvOf } from "./csv-export.ts";

const form = {
	columns: ["name", "amount"],
	rowOf: (name: string) => ({ name, amount: 1 }),
	order: "newest first",
	lines: "lines",
	place: "apart",
} as const;

/** Answers at once, as an embedded database does. */
const pagesOf =
	(...pages: readonly (readonly string[])[]) =>
	async (cursor: string | null) => {
		const page = Number(cursor ?? 0);
		return { items: pages[page] ?? [], nextCursor: page + 1 < pages.length ? String(page + 1) : null };
	};

describe("a statement as CSV", () => {
	it("has all pages in the order that is asked for, also those with nothing on them", async () => {
		const pages = pagesOf(["e", "=d"], [], ["c"], ["b", "a"]);
		const [header, ...rows] = (await csvOf(pages, form)).split("\r\n");
		assert.equal(header, "\ufeffname,amount");
		assert.deepEqual(rows, ["e,1", "'=d,1", "c,1", "b,1", "a,1", ""]);
		const oldestFirst = (await csvOf(pages, { ...form, order: "oldest first" })).split("\r\n");
		assert.deepEqual(oldestFirst, [header, "a,1", "b,1", "c,1", "'=d,1", "e,1", ""]);
	});

	it("lets others have their turn between two pages", async () => {
		let turns = 0;
		const count = () => {
			turns += 1;
			timer = setImmediate(count);
		};
		let timer = setImmediate(count);
		await csvOf(pagesOf(...Array.from({ length: 50 }, () => ["a"])), form);
		clearImmediate(timer);
		assert.ok(turns >= 49, `${turns} turns`);
	});

	it("may be larger in one process", async () => {
		const page = Array.from({ length: 100 }, () => "한".repeat(100));
		const pages = pagesOf(...Array.from({ length: 40 }, () => page));
		assert.equal((await csvOf(pages, { ...form, place: "embedded" })).length, 1 + 13 + 4_000 * 104);
	});

	it("is refused when it is more than a message of NATS takes, with what to do", async () => {
		const page = Array.from({ length: 100 }, () => "한".repeat(100));
		await assert.rejects(csvOf(pagesOf(...Array.from({ length: 40 }, () => page)), form), (error) =>
			/larger than 1030 kB: ask for parts, by fromMs and toMs/.test(JSON.stringify(error)),
		);
	});
});
