import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { assertRefused } from "./client.ts";
import type { ProblemBody } from "./contract.ts";
import { newPerson, newShop, type Person } from "./people.ts";
import { startTestPlatform, type TestPlatform } from "./platform.ts";

const HEADER = "sku,name,category,price";

let platform: TestPlatform;
let ada: Person;
let storeId: string;
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone, { name: "Ada" });
	storeId = (await newShop(ada, { prices: [] })).id;
});
after(() => platform.stop());

const importing = (csv: string) => ada.api.ok("store.importProducts", { storeId, csv });
const listed = async () =>
	(await ada.api.ok("store.listProducts", { storeId, limit: 100 })).items.map(
		({ id: _, photoId: __, ...fields }) => fields,
	);

/** Sends these bytes. */
const sending = (body: string | Buffer, type = "text/csv") =>
	ada.api.raw({
		method: "POST",
		path: `/v1/stores/${storeId}/products/import`,
		headers: { "content-type": type },
		body,
	});

describe("an import", () => {
	it("adds, changes, leaves alone, and says how many of each", async () => {
		const first = await importing(`${HEADER}\nlatte,Latte,Coffee,4500\nmocha,Mocha,Coffee,5200\ncake,Cake,Food,6000\n`);
		assert.deepEqual(first, { created: 3, updated: 0, unchanged: 0 });
		const second = await importing(`${HEADER}\nlatte,Latte,Coffee,4800\nmocha,Mocha,Coffee,5200\ntea,Tea,Tea,3000\n`);
		assert.deepEqual(second, { created: 1, updated: 1, unchanged: 1 });
		assert.deepEqual(await listed(), [
			{ sku: "cake", name: "Cake", category: "Food", price: 6_000, state: "active", version: 1 },
			{ sku: "latte", name: "Latte", category: "Coffee", price: 4_800, state: "active", version: 2 },
			{ sku: "mocha", name: "Mocha", category: "Coffee", price: 5_200, state: "active", version: 1 },
			{ sku: "tea", name: "Tea", category: "Tea", price: 3_000, state: "active", version: 1 },
		]);
	});

	it("asks only for what the list names, and no store gets more products than a till can have in memory", async () => {
		const { id } = await newShop(ada, { prices: [] });
		const rows = (from: number, count: number, price: number) =>
			Array.from({ length: count }, (_, n) => `p${from + n},Product,Things,${price}`);
		const into = (lines: readonly string[]) => ({ storeId: id, csv: [HEADER, ...lines].join("\n") });
		for (let from = 0; from < 20_000; from += 5_000)
			await ada.api.ok("store.importProducts", into(rows(from, 5_000, 100)));
		await ada.api.refused("store.importProducts", into(rows(19_999, 2, 200)), "too_many_products");
		const more = { storeId: id, sku: "more", name: "More", category: "Things", price: 1 };
		await ada.api.refused("store.createProduct", more, "too_many_products");
		const { items } = await ada.api.ok("store.listProducts", { storeId: id, limit: 1 });
		assert.equal(items[0]?.price, 100);
		const changed = await ada.api.ok("store.importProducts", into(rows(19_990, 10, 200)));
		assert.deepEqual(changed, { created: 0, updated: 10, unchanged: 0 });
	});

	it("takes a list that is as large as it may be, and nearly all quotes, which are more on their way", async () => {
		const { id } = await newShop(ada, { prices: [] });
		const name = '""'.repeat(80);
		const rows = Array.from({ length: 5_000 }, (_, n) => `"q${n}","${name}","Things","1000"`);
		const csv = [HEADER, ...rows].join("\n");
		assert.ok(csv.length > 900_000 && csv.length < 1_000_000);
		const counts = await ada.api.ok("store.importProducts", { storeId: id, csv });
		assert.deepEqual(counts, { created: 5_000, updated: 0, unchanged: 0 });
		// Nobody has that; it has to be refused by somebody, at once.
		const worse = { storeId: id, csv: "\u0001".repeat(999_000) };
		const { status } = await ada.api.call("store.importProducts", worse);
		assert.ok([413, 422].includes(status), String(status));
	});

	it("brings an archived product back", async () => {
		const { items } = await ada.api.ok("store.listProducts", { storeId });
		const cake = items.find(({ sku }) => sku === "cake") ?? assert.fail("no cake");
		await ada.api.ok("store.editProduct", { storeId, productId: cake.id, version: cake.version, state: "archived" });
		assert.deepEqual(await importing(`${HEADER}\ncake,Cake,Food,6000`), { created: 0, updated: 1, unchanged: 0 });
		assert.equal((await ada.api.ok("store.getProduct", { storeId, productId: cake.id })).state, "active");
	});

	it("reads what spreadsheets write", async () => {
		const files = [
			`\ufeff${HEADER}\r\nw-1,Widget,Things,100\r\n`,
			'"sku","name","category","price"\r\n"w-1","Widget","Things","100"\r\n',
			"price,category,name,sku\n100,Things,Widget,w-1",
			"SKU,Name,Category,Price\r\nw-1,Widget,Things,100\r\n",
			"\ufeffSKU;Name;Category;Price\r\nw-1;Widget;Things;100\r\n",
			'sep=;\r\n"sku";"name";"category";"price"\r\nw-1;"Widget";Things;100\r\n',
			"\ufeffsep=,\r\nsku,name,category,price\r\nw-1,Widget,Things,100",
			`${HEADER}\n\n  w-1 , Widget , Things , 100 \n\n\n`,
		];
		await importing(files[0] as string);
		for (const file of files) assert.deepEqual(await importing(file), { created: 0, updated: 0, unchanged: 1 });
		await importing(`${HEADER}\nq-1,"Say ""cheese"", please",김치,1\n`);
		assert.ok((await listed()).some(({ name, category }) => name === 'Say "cheese", please' && category === "김치"));
	});

	it("changes nothing when a line is wrong, and names the lines", async () => {
		const before = await listed();
		const lines = [
			"ok-1,Fine,Things,100",
			"bad sku,Name,Things,100",
			"ok-2,Fine,Things,0",
			"ok-3,Fine,Things,12.50",
			"ok-4,,Things,100",
			"ok-5,Fine,Things,1000000000001",
			"ok-1,Twice,Things,100",
			"ok-6,Fine,Things,１００",
			"ok-7,Fine,Things,-5",
			"ok-8,Fine,Things,1e3",
		];
		const answer = await sending([HEADER, ...lines].join("\n"));
		const { code, errors = [] } = answer.body as ProblemBody;
		assert.equal(code, "import_rejected");
		assert.deepEqual(
			errors.map(({ at }) => at),
			[3, 4, 5, 6, 7, 8, 9, 10, 11].map((line) => `line ${line}`),
		);
		for (const { message } of errors) assert.match(message, /\w/);
		assert.deepEqual(await listed(), before);
	});

	it("names at most 20 lines", async () => {
		const answer = await sending([HEADER, ...Array.from({ length: 50 }, () => "a b,x,y,z")].join("\n"));
		assert.equal((answer.body as ProblemBody).errors?.length, 20);
	});

	it("refuses what is not such a list", async () => {
		const before = await listed();
		const files = [
			"",
			"\n\n",
			HEADER,
			"sku,name,price\na,A,1",
			"sku,name,category,price,sku\na,A,B,1,a",
			"sku,name,category,price,stock\na,A,B,1,5",
			"sep=|\nsku|name|category|price\na|A|B|1",
			"sku;name;category;price\na,A,B,1",
			`${HEADER}\na,A,B`,
			`${HEADER}\na,A,B,1,2`,
			`${HEADER}\na,"A,B,1`,
			`${HEADER}\na,A"x",B,1`,
			"__proto__,constructor,toString,price\na,b,c,1",
			'{"sku":"a"}',
			"\u0000\u0001\u0002",
		];
		for (const file of files) {
			const answer = await sending(file);
			assert.equal((answer.body as ProblemBody).code, "import_rejected", JSON.stringify(file));
			assert.equal(answer.status, 422);
		}
		assert.deepEqual(await listed(), before);
	});

	it("refuses what is not UTF-8, or says that it is something else", async () => {
		const latin1 = Buffer.from(`${HEADER}\ncafe,Caf\u00e9,Coffee,1\n`, "latin1");
		assert.equal(((await sending(latin1)).body as ProblemBody).code, "malformed_request");
		const utf16 = Buffer.from(`\ufeff${HEADER}\na,A,B,1\n`, "utf16le");
		assert.ok(((await sending(utf16)).body as ProblemBody).status < 500);
		for (const type of ["application/json", "text/plain", "application/vnd.ms-excel", ""]) {
			const answer = await sending(`${HEADER}\na,A,B,1\n`, type);
			assert.equal((answer.body as ProblemBody).code, "unsupported_media_type", type);
		}
		assert.equal((await sending(`${HEADER}\ncsv,A,B,1\n`, "TEXT/CSV; charset=utf-8; header=present")).status, 200);
	});

	it("takes 5,000 products at once", async () => {
		const shop = await newShop(ada, { prices: [] });
		const rows = Array.from({ length: 5_000 }, (_, index) => `n-${index},Thing ${index},Things,${index + 1}`);
		const csv = [HEADER, ...rows].join("\n");
		const counts = await ada.api.ok("store.importProducts", { storeId: shop.id, csv });
		assert.deepEqual(counts, { created: 5_000, updated: 0, unchanged: 0 });
		const again = await ada.api.ok("store.importProducts", { storeId: shop.id, csv });
		assert.deepEqual(again, { created: 0, updated: 0, unchanged: 5_000 });
	});

	for (const count of [5_001, 6_000]) {
		it(`refuses ${count} products, and imports none of them`, async () => {
			const shop = await newShop(ada, { prices: [] });
			const rows = Array.from({ length: count }, (_, index) => `n-${index},Thing ${index},Things,${index + 1}`);
			const said = { storeId: shop.id, csv: [HEADER, ...rows].join("\n") };
			await ada.api.refused("store.importProducts", said, "import_rejected");
			assert.deepEqual((await ada.api.ok("store.listProducts", { storeId: shop.id })).items, []);
		});
	}

	it("is one of each person at a time", async () => {
		const shop = await newShop(ada, { prices: [] });
		const rows = Array.from({ length: 5_000 }, (_, index) => `n-${index},Thing ${index},Things,${index + 1}`);
		const said = { storeId: shop.id, csv: [HEADER, ...rows].join("\n") };
		const answers = await Promise.all([1, 2].map(() => ada.api.call("store.importProducts", said)));
		const done = answers.find(({ status }) => status === 200) ?? assert.fail("none was done");
		assert.deepEqual(done.body, { created: 5_000, updated: 0, unchanged: 0 });
		const refused = answers.find((answer) => answer !== done) ?? assert.fail();
		assertRefused(refused, "overloaded", "the other one");
		assert.ok(Number(refused.headers["retry-after"]) >= 1);
	});

	it("is one or the other when two come at once", async () => {
		const shop = await newShop(ada, { prices: [] });
		const file = (price: number) =>
			[HEADER, ...Array.from({ length: 200 }, (_, index) => `n-${index},Thing,Things,${price}`)].join("\n");
		await Promise.all(
			[1, 2, 3, 4].map((price) => ada.api.call("store.importProducts", { storeId: shop.id, csv: file(price) })),
		);
		const prices = new Set<number>();
		for (let cursor: string | null = ""; cursor !== null; ) {
			const said = { storeId: shop.id, limit: 100, ...(cursor && { cursor }) };
			const page: { items: { price: number }[]; nextCursor: string | null } = await ada.api.ok(
				"store.listProducts",
				said,
			);
			for (const { price } of page.items) prices.add(price);
			cursor = page.nextCursor;
		}
		assert.equal(prices.size, 1, `prices of several imports are mixed: ${[...prices]}`);
	});
});
