import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Result } from "../../services/actions.ts";
import { withoutTrace } from "./client.ts";
import { newPerson, newShop, type Person, type Shop } from "./people.ts";
import { startTestPlatform, type TestPlatform } from "./platform.ts";

let platform: TestPlatform;
let ada: Person;
let eve: Person;
let shop: Shop;
let storeId: string;
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone, { name: "Ada" });
	eve = await newPerson(platform.anyone, { name: "Eve" });
	shop = await newShop(ada, { prices: [1_000, 2_000] });
	storeId = shop.id;
});
after(() => platform.stop());

const fields = { sku: "tea", name: "Tea", category: "Drinks", price: 3_000 };

describe("a store", () => {
	it("opens empty, in Seoul unless said otherwise", async () => {
		const { id, timeZone } = await ada.api.ok("store.create", { name: "한닢 카페" });
		const { balance, available, name } = await ada.api.ok("store.get", { storeId: id });
		assert.deepEqual(
			{ timeZone, balance, available, name },
			{ timeZone: "Asia/Seoul", balance: 0, available: 0, name: "한닢 카페" },
		);
		assert.equal(
			(await ada.api.ok("store.create", { name: "Nip", timeZone: "America/New_York" })).timeZone,
			"America/New_York",
		);
	});

	it("refuses a time zone that does not exist, and a name that is none", async () => {
		for (const timeZone of ["Mars/Olympus", "Asia", "x", "", "../../etc", 9, null]) {
			await ada.api.refused("store.create", { name: "Nip", timeZone }, "validation_failed");
			await ada.api.refused("store.edit", { storeId, timeZone }, "validation_failed");
		}
		for (const name of ["", " x", "x".repeat(61), 7, null]) {
			await ada.api.refused("store.create", { name }, "validation_failed");
		}
		for (const more of [{ ownerId: eve.userId }, { balance: 5 }, { id: "s_x" }, { createdAtMs: 1 }]) {
			await ada.api.refused("store.create", { name: "Nip", ...more }, "validation_failed");
			await ada.api.refused("store.edit", { storeId, ...more }, "validation_failed");
		}
	});

	it("changes what it is told and nothing else", async () => {
		const { id } = await ada.api.ok("store.create", { name: "One" });
		const named = await ada.api.ok("store.edit", { storeId: id, name: "Two" });
		assert.deepEqual([named.name, named.timeZone], ["Two", "Asia/Seoul"]);
		const moved = await ada.api.ok("store.edit", { storeId: id, timeZone: "UTC" });
		assert.deepEqual([moved.name, moved.timeZone], ["Two", "UTC"]);
		assert.deepEqual(await ada.api.ok("store.edit", { storeId: id }), moved);
	});

	it("does not exist for anybody else", async () => {
		const { items } = await eve.api.ok("store.list", {});
		assert.deepEqual(items, []);
		const unknown = `s_${"A".repeat(16)}`;
		const productId = shop.products[0]?.id;
		const asks = [
			["store.get", {}],
			["store.edit", { name: "Mine" }],
			["store.createProduct", fields],
			["store.listProducts", {}],
			["store.getProduct", { productId }],
			["store.editProduct", { productId, version: 1, price: 1 }],
			["store.setPhoto", { productId, photo: null }],
			["store.importProducts", { csv: "sku,name,category,price\na,A,A,1\n" }],
		] as const;
		for (const [name, said] of asks) {
			const others = await eve.api.refused(name, { storeId, ...said }, "not_found");
			const none = await eve.api.refused(name, { storeId: unknown, ...said }, "not_found");
			assert.deepEqual(withoutTrace(others), withoutTrace(none), name);
		}
		assert.equal((await ada.api.ok("store.get", { storeId })).name, "Ada's store");
	});
});

describe("a product", () => {
	it("has one price, one number in its store, and starts for sale", async () => {
		const product = await ada.api.ok("store.createProduct", { storeId, ...fields });
		assert.deepEqual(product, { id: product.id, ...fields, photoId: null, state: "active", version: 1 });
		await ada.api.refused("store.createProduct", { storeId, ...fields, name: "Other tea" }, "sku_taken");
		// A number is unique in its store only.
		const { id } = await ada.api.ok("store.create", { name: "Other" });
		await ada.api.ok("store.createProduct", { storeId: id, ...fields });
	});

	it("is changed by whoever read it last, and by one of two at once", async () => {
		const { id: productId } = await ada.api.ok("store.createProduct", { storeId, ...fields, sku: "cake" });
		const change = (version: number, price: number) =>
			ada.api.call("store.editProduct", { storeId, productId, version, price });
		assert.equal((await change(1, 4_000)).body.version, 2);
		await ada.api.refused("store.editProduct", { storeId, productId, version: 1, price: 1 }, "version_conflict");
		const statuses = (await Promise.all([1, 2, 3, 4, 5].map((price) => change(2, price)))).map(({ status }) => status);
		assert.deepEqual(statuses.sort(), [200, 409, 409, 409, 409]);
		assert.equal((await ada.api.ok("store.getProduct", { storeId, productId })).version, 3);
	});

	it("does not take another one's number", async () => {
		const { id: productId, version } = await ada.api.ok("store.createProduct", { storeId, ...fields, sku: "pie" });
		await ada.api.refused("store.editProduct", { storeId, productId, version, sku: "tea" }, "sku_taken");
		assert.equal((await ada.api.ok("store.getProduct", { storeId, productId })).version, 1);
	});

	it("can be archived and come back", async () => {
		const { id: productId } = await ada.api.ok("store.createProduct", { storeId, ...fields, sku: "old" });
		await ada.api.ok("store.editProduct", { storeId, productId, version: 1, state: "archived" });
		const skusOf = async (state: "active" | "archived") =>
			(await ada.api.ok("store.listProducts", { storeId, state, limit: 100 })).items.map(({ sku }) => sku);
		assert.ok((await skusOf("archived")).includes("old"));
		assert.ok(!(await skusOf("active")).includes("old"));
		await ada.api.ok("store.editProduct", { storeId, productId, version: 2, state: "active" });
		assert.deepEqual(await skusOf("archived"), []);
	});

	it("is not another store's", async () => {
		const { id: other } = await ada.api.ok("store.create", { name: "Other" });
		const productId = shop.products[0]?.id as string;
		await ada.api.refused("store.getProduct", { storeId: other, productId }, "not_found");
		await ada.api.refused("store.editProduct", { storeId: other, productId, version: 1 }, "not_found");
	});

	it("refuses fields that are wrong", async () => {
		const wrong = [
			{ price: 0 },
			{ price: -1 },
			{ price: 0.5 },
			{ price: "100" },
			{ price: 1_000_000_000_001 },
			{ price: null },
			{ sku: "" },
			{ sku: "a b" },
			{ sku: "x".repeat(41) },
			{ name: "" },
			{ name: "x".repeat(81) },
			{ category: "x".repeat(41) },
			{ state: "archived" },
			{ version: 7 },
			{ id: "p_x" },
		];
		for (const each of wrong) {
			await ada.api.refused("store.createProduct", { storeId, ...fields, sku: "new", ...each }, "validation_failed");
		}
		const productId = shop.products[0]?.id;
		for (const each of [
			{},
			{ version: "1" },
			{ version: -1 },
			{ version: 1, price: 0 },
			{ version: 1, state: "gone" },
		]) {
			await ada.api.refused("store.editProduct", { storeId, productId, ...each }, "validation_failed");
		}
	});
});

describe("the product list", () => {
	it("has every product once, by its number, whatever the size of its pages", async () => {
		const { id } = await ada.api.ok("store.create", { name: "Many" });
		const rows = Array.from(
			{ length: 45 },
			(_, index) => `s-${index},Thing ${index},${index % 3 ? "A" : "B"},${index + 1}`,
		);
		await ada.api.ok("store.importProducts", { storeId: id, csv: ["sku,name,category,price", ...rows].join("\n") });
		const skus = Array.from({ length: 45 }, (_, index) => `s-${index}`).sort();
		for (const limit of [1, 10, 44, 45, 100]) {
			const found: string[] = [];
			for (let cursor: string | null = ""; cursor !== null; ) {
				const said = { storeId: id, limit, ...(cursor && { cursor }) };
				const page: Result<"store.listProducts"> = await ada.api.ok("store.listProducts", said);
				found.push(...page.items.map(({ sku }) => sku));
				cursor = page.nextCursor;
			}
			assert.deepEqual(found, skus, `pages of ${limit}`);
		}
		const { items } = await ada.api.ok("store.listProducts", { storeId: id, category: "B", limit: 100 });
		assert.equal(items.length, 15);
		assert.deepEqual((await ada.api.ok("store.listProducts", { storeId: id, category: "Z" })).items, []);
	});

	it("refuses filters that make no sense", async () => {
		for (const filter of [
			{ state: "gone" },
			{ category: "" },
			{ limit: 0 },
			{ limit: 101 },
			{ cursor: "!" },
			{ sku: "tea" },
		]) {
			await ada.api.refused("store.listProducts", { storeId, ...filter }, "validation_failed");
		}
	});

	it("refuses cursors that it never gave", async () => {
		for (const cursor of ["AAAA", "____", Buffer.from("a b").toString("base64url")]) {
			await ada.api.refused("store.listProducts", { storeId, cursor }, "validation_failed");
		}
	});
});
