import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { SqliteAdapter } from "../../mixins/sqlite-adapter.ts";
import { problemOf } from "../errors.ts";
import type { Products } from "./product.ts";
import { type ProductRow, readProductCsv } from "./product-csv.ts";
import { ImportsInTurn, importProducts } from "./product-import.ts";

const HEADER = "sku,name,category,price";
const MANY = 5_000;
const skuOf = (n: number) => `n-${n}`;
const list = (lines: readonly string[]): string => [HEADER, ...lines].join("\n");
const right = list(Array.from({ length: MANY }, (_, n) => `${skuOf(n)},Thing ${n},Things,${n + 1}`));

async function errorsIn(csv: string) {
	const error = await readProductCsv(csv).catch((thrown: unknown) => thrown);
	return (error as { data: { errors: { at: string; message: string }[] } }).data.errors;
}

/** How often others had their turn until it was done. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
	let turns = 0;
	let isDone = false;
	const count = () => {
		turns++;
		if (!isDone) setImmediate(count);
	};
	setImmediate(count);
	await work();
	isDone = true;
	return turns;
}

describe("a product list", () => {
	it("of which all is wrong is read until 20 lines are named, and not behind them", async () => {
		// At the end is what would be said of the whole list, if somebody came that far.
		const errors = await errorsIn(list([...Array.from({ length: MANY }, () => "!,,,"), '"never closed']));
		assert.deepEqual(
			errors.map(({ at }) => at),
			Array.from({ length: 20 }, (_, n) => `line ${n + 2}`),
		);
		assert.deepEqual(
			(await errorsIn(list(["a,A,B,1", '"never closed']))).map(({ at }) => at),
			["line 3"],
		);
	});

	it("that is wrong is told where and how, in words", async () => {
		const said = async (csv: string) => (await errorsIn(csv)).map(({ at, message }) => `${at} ${message}`);
		assert.deepEqual(await said(list(["a b,\ufe0f,Things,1.5", "c,Coffee,Things,0"])), [
			"line 2 sku must be: 1 to 40 of A-Z, a-z, 0-9, dot, underscore and hyphen; name must be: characters that can be seen, with no blank at either end; price must be integer",
			"line 3 price must be >= 1",
		]);
		const columns =
			"must name the columns sku, name, category and price, in any order, with commas or semicolons between";
		assert.deepEqual(await said("sku,name,cost\na,A,1"), [`line 1 ${columns}`]);
		assert.deepEqual(await said("sep=;\nsku;name;cost\na;A;1"), [`line 2 ${columns}`]);
		assert.match(String(await said(list(["a,A,B,1", "b,B,1"]))), /^line 3 /);
	});

	it("is read with turns for others", async () => {
		let rows: ProductRow[] = [];
		const turns = await turnsDuring(async () => {
			rows = await readProductCsv(right);
		});
		assert.equal(rows.length, MANY);
		assert.ok(turns > 10, `${turns}`);
	});

	it("is read right wherever it is cut", async () => {
		const names = Array.from({ length: 1_000 }, (_, n) => `${"김치".repeat(n % 7)}🍵 "${n}"`);
		const csv = list(names.map((name, n) => `${skuOf(n)},"${name.replaceAll('"', '""')}",Things,1`));
		assert.deepEqual(
			(await readProductCsv(csv)).map(({ name }) => name),
			names,
		);
	});
});

it("an import compares with turns for others, and asks for some hundred products at once", async () => {
	const folder = mkdtempSync(join(tmpdir(), "hannip-import-"));
	const adapter = new SqliteAdapter({ path: join(folder, "hannip.sqlite"), collection: "products" });
	await adapter.connect();
	const products = adapter as unknown as Products;
	let finds = 0;
	const find = products.find.bind(products);
	products.find = (filter) => {
		finds++;
		return find(filter);
	};
	const rows = await readProductCsv(right);
	await importProducts(products, "s_1", rows);
	const changed = rows.map((row) => ({ ...row, price: row.price + 1 }));
	finds = 0;
	let counts = {};
	const turns = await turnsDuring(async () => {
		counts = await importProducts(products, "s_1", changed);
	});
	await adapter.disconnect();
	rmSync(folder, { recursive: true });
	assert.deepEqual(counts, { created: 0, updated: MANY, unchanged: 0 });
	assert.ok(finds > 10, `${finds}`);
	assert.ok(turns >= finds, `${turns}`);
});

describe("imports", () => {
	const refused = (work: Promise<unknown>) =>
		assert.rejects(work, (error) => problemOf(error) === "overloaded" && JSON.stringify(error).includes("retryAfterS"));

	it("are worked on one after the other, of each person one, and few wait", { timeout: 30_000 }, async () => {
		const imports = new ImportsInTurn();
		const begun: string[] = [];
		const endings = new Map<string, () => void>();
		const begin = (person: string) =>
			imports.run(person, async () => {
				begun.push(person);
				await new Promise<void>((resolve) => endings.set(person, resolve));
				return person;
			});
		const ada = begin("ada");
		await refused(begin("ada"));
		const others = ["bob", "carol", "dave"].map(begin);
		await refused(begin("eve"));
		await sleep(0);
		assert.deepEqual(begun, ["ada"]);
		endings.get("ada")?.();
		assert.equal(await ada, "ada");
		await sleep(0);
		assert.deepEqual(begun, ["ada", "bob"]);
		for (const person of ["bob", "carol", "dave"]) {
			endings.get(person)?.();
			await sleep(0);
		}
		assert.deepEqual(await Promise.all(others), ["bob", "carol", "dave"]);
		const again = begin("ada");
		await sleep(0);
		endings.get("ada")?.();
		await again;
	});

	it("are not begun when they have waited too long", async () => {
		const imports = new ImportsInTurn({ waitMaxMs: -1 });
		for (let n = 0; n < 2; n++) await refused(imports.run("ada", () => assert.fail("it was begun")));
	});

	it("go on behind one that failed", async () => {
		const imports = new ImportsInTurn();
		await assert.rejects(
			imports.run("ada", () => Promise.reject(new Error("no"))),
			/no/,
		);
		assert.equal(await imports.run("ada", async () => 1), 1);
	});
});
