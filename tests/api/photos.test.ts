import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { newPerson, newShop, newTill, type Person, type Product, type Shop } from "./people.ts";
import { PHOTO } from "./photo.ts";
import { startTestPlatform, type TestPlatform } from "./platform.ts";

let platform: TestPlatform;
let ada: Person;
let shop: Shop;
let product: Product;
let named: { storeId: string; productId: string };
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone, { name: "Ada" });
	shop = await newShop(ada, { prices: [1_000, 2_000] });
	product = shop.products[0] as Product;
	named = { storeId: shop.id, productId: product.id };
});
after(() => platform.stop());

const get = (photoId: unknown) => platform.anyone.call("store.getPhoto", { photoId: String(photoId) });

describe("a product's photo", () => {
	it("is seen by whoever knows its id, may be kept by them, and does nothing but being seen", async () => {
		const { photoId, version } = await ada.api.ok("store.setPhoto", { ...named, photo: PHOTO });
		assert.equal(version, product.version + 1);
		const { status, headers, bytes } = await get(photoId);
		assert.equal(status, 200);
		assert.equal(headers["content-type"], "image/jpeg");
		assert.equal(headers["cache-control"], "public, max-age=31536000");
		assert.equal(headers["cross-origin-resource-policy"], "same-origin");
		assert.match(String(headers["content-security-policy"]), /default-src 'none'/);
		assert.deepEqual([...bytes.subarray(0, 3)], [0xff, 0xd8, 0xff]);
		const till = await newTill(platform.anyone, shop);
		const { items } = await till.api.ok("store.listProducts", { storeId: shop.id });
		assert.deepEqual(
			items.map((each) => each.photoId),
			[photoId, null],
		);
	});

	it("has another id when it is another one, and the one before is gone", async () => {
		const first = await ada.api.ok("store.setPhoto", { ...named, photo: PHOTO });
		const second = await ada.api.ok("store.setPhoto", { ...named, photo: PHOTO });
		assert.notEqual(second.photoId, first.photoId);
		assert.equal((await get(first.photoId)).status, 404);
		assert.equal((await get(second.photoId)).status, 200);
		assert.equal((await ada.api.ok("store.setPhoto", { ...named, photo: null })).photoId, null);
		assert.equal((await get(second.photoId)).status, 404);
	});

	it("is one of those that are set at once", async () => {
		const set = Array.from({ length: 8 }, () => ada.api.ok("store.setPhoto", { ...named, photo: PHOTO }));
		const ids = (await Promise.all(set)).map(({ photoId }) => photoId);
		const { photoId } = await ada.api.ok("store.getProduct", named);
		assert.ok(ids.includes(photoId));
		assert.equal((await get(photoId)).status, 200);
		const left = (await Promise.all(ids.map(get))).filter(({ status }) => status === 200);
		assert.ok(left.length >= 1);
	});

	it("stays when the product is changed, archived or imported again", async () => {
		const { photoId, version, sku } = await ada.api.ok("store.setPhoto", { ...named, photo: PHOTO });
		const edited = await ada.api.ok("store.editProduct", { ...named, version, price: 1_100 });
		assert.equal(edited.photoId, photoId);
		await ada.api.ok("store.importProducts", {
			storeId: shop.id,
			csv: `sku,name,category,price\n${sku},Tea,Drinks,9\n`,
		});
		assert.deepEqual((await ada.api.ok("store.getProduct", named)).photoId, photoId);
	});

	it("is a JPEG of a bounded size, and nothing else", async () => {
		const before = await ada.api.ok("store.getProduct", named);
		const base64 = (text: string) => Buffer.from(text, "latin1").toString("base64");
		for (const text of [
			"GIF89a;;;;;;;;;",
			"<svg xmlns='http://www.w3.org/2000/svg'/>",
			"\xff\xd8\xff\xd9",
			"x".repeat(99_000),
		])
			await ada.api.refused("store.setPhoto", { ...named, photo: base64(text) }, "photo_invalid");
		for (const photo of [
			"",
			"a",
			"data:image/jpeg;base64,/9j/",
			"/9j/ 4AA",
			7,
			{},
			[],
			true,
			base64("x".repeat(100_003)),
		])
			await ada.api.refused("store.setPhoto", { ...named, photo }, "validation_failed");
		await ada.api.refused("store.setPhoto", named, "validation_failed");
		await ada.api.refused("store.setPhoto", { ...named, photo: "A".repeat(1_000_000) }, "payload_too_large");
		await ada.api.refused("store.setPhoto", { ...named, productId: `p_${"A".repeat(16)}`, photo: PHOTO }, "not_found");
		assert.deepEqual(await ada.api.ok("store.getProduct", named), before);
		assert.equal((await get(`f_${"A".repeat(16)}`)).status, 404);
		assert.equal((await get("../../etc/passwd")).status, 422);
	});
});

describe("what stands on receipts", () => {
	it("is said by the owner, and taken back", async () => {
		const storeId = shop.id;
		const said = { registration: "123-45-67890", place: "서울시 종로구 세종대로 1 · 02-123-4567" };
		const edited = await ada.api.ok("store.edit", { storeId, ...said });
		assert.deepEqual({ registration: edited.registration, place: edited.place }, said);
		const till = await newTill(platform.anyone, shop);
		const seen = await till.api.ok("store.get", { storeId });
		assert.deepEqual({ registration: seen.registration, place: seen.place }, said);
		assert.equal((await ada.api.ok("store.edit", { storeId, place: null })).place, null);
		for (const wrong of [{ place: "" }, { place: "x".repeat(121) }, { registration: 5 }, { registration: "a\nb" }])
			await ada.api.refused("store.edit", { storeId, ...wrong }, "validation_failed");
	});
});
