import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newKey } from "./client.ts";
import { newPerson, newShop, type Person } from "./people.ts";
import { startTestPlatform, type TestPlatform } from "./platform.ts";

// The same word, composed (NFC) from one keyboard and in parts (NFD) from another, is one word.

let platform: TestPlatform;
let ada: Person;
let bob: Person;
let storeId: string;
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone, { name: "Ada", credit: 1_000 });
	bob = await newPerson(platform.anyone, { name: "Bob" });
	storeId = (await newShop(ada, { prices: [] })).id;
});
after(() => platform.stop());

const inParts = (text: string) => text.normalize("NFD");
const hangul = "한".repeat(60);

test("names are kept composed, and counted so", async () => {
	assert.equal((await ada.api.ok("user.edit", { displayName: inParts(hangul) })).displayName, hangul);
	assert.equal((await ada.api.ok("store.edit", { storeId, place: inParts("Café") })).place, "Café");
});

test("a category is the same however it was typed, also in an import", async () => {
	const product = { storeId, sku: "a", name: inParts("Café"), category: inParts("음료"), price: 1 };
	assert.equal((await ada.api.ok("store.createProduct", product)).name, "Café");
	const csv = `sku,name,category,price\nb,${inParts("Café")},${inParts("음료")},1`;
	await ada.api.ok("store.importProducts", { storeId, csv });
	const again = await ada.api.ok("store.importProducts", { storeId, csv: csv.normalize("NFC") });
	assert.deepEqual(again, { created: 0, updated: 0, unchanged: 1 });
	for (const category of ["음료", inParts("음료")]) {
		const { items } = await ada.api.ok("store.listProducts", { storeId, category });
		assert.deepEqual(
			items.map(({ sku, name }) => [sku, name]),
			[
				["a", "Café"],
				["b", "Café"],
			],
		);
	}
});

test("a request that comes again in the other form is the same request", async () => {
	const said = { to: bob.handle, amount: 1, note: "점심", idempotencyKey: newKey() };
	const first = await ada.api.call("user.send", said);
	const again = await ada.api.call("user.send", { ...said, note: inParts(said.note) });
	assert.deepEqual(again.body, first.body);
	assert.equal(again.headers["idempotent-replayed"], "true");
});

test("what is no text stays what it is: the Kelvin sign, whose other form is K, is in no sku", async () => {
	await ada.api.refused(
		"store.createProduct",
		{ storeId, sku: "\u212a", name: "K", category: "K", price: 1 },
		"validation_failed",
	);
	const csv = "sku,name,category,price\n\u212a,K,K,1";
	await ada.api.refused("store.importProducts", { storeId, csv }, "import_rejected");
});
