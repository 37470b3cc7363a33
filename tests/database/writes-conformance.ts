import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Documents } from "../../mixins/database.ts";
import { duplicate, idsOf, type Opened, type Product, product } from "./products.ts";

/** What updates, removals and batches of writes do, all or nothing; what is refused; who wins at the same time. */
export function writesConformance(name: string, { newName, open, openWith }: Opened): void {
	describe(`${name}: writing`, () => {
		it("refuses a second document with the same id or unique fields", async () => {
			const products = await openWith(product("p_1", { sku: "A" }), product("p_2", { sku: "B" }));
			await assert.rejects(products.insert(product("p_1")), duplicate("_id"));
			await assert.rejects(products.insert(product("p_3", { sku: "A" })), duplicate("storeId", "sku"));
			await assert.rejects(products.updateById("p_2", { $set: { sku: "A" } }), duplicate("storeId", "sku"));
			await assert.rejects(products.updateMany({}, { $set: { sku: "C" } }), duplicate("storeId", "sku"));
			await products.insert(product("p_3", { sku: "A", storeId: "s_2" }));
			assert.deepEqual(
				(await products.find()).map(({ sku }) => sku),
				["A", "B", "A"],
			);
		});

		it("lets any number of documents lack a unique field", async () => {
			const products = await openWith(product("p_1"), product("p_2"), product("p_3", { sku: null }));
			await products.insert(product("p_4", { sku: null }));
			await products.updateById("p_1", { $set: { sku: "A" } });
			await assert.rejects(products.updateById("p_2", { $set: { sku: "A" } }), duplicate("storeId", "sku"));
			await products.updateById("p_1", { $set: { sku: null } });
			await products.updateById("p_2", { $set: { sku: "A" } });
		});

		it("inserts many or none", async () => {
			const products = await openWith(product("p_2"));
			await assert.rejects(products.insertMany([product("p_1"), product("p_2"), product("p_3")]), duplicate("_id"));
			await assert.rejects(products.insertMany([product("p_4"), product("p_4")]), duplicate("_id"));
			await assert.rejects(products.insertMany([product("p_5"), { _id: 6 } as never]), TypeError);
			assert.deepEqual(await products.find(), [product("p_2")]);
			assert.deepEqual(await products.insertMany([product("p_1"), product("p_3")]), [product("p_1"), product("p_3")]);
			assert.deepEqual(await products.insertMany([]), []);
		});

		it("sets and increments", async () => {
			const products = await openWith(product("p_1", { note: "old", size: { unit: "cm" }, price: 2.5 }));
			const tags = ["a"];
			const changed = await products.updateById("p_1", {
				$set: { tags, size: { width: 3 }, sku: null },
				$inc: { version: 2, price: -1.5, seen: 1 } as object,
			});
			const fields = { note: "old", size: { width: 3 }, sku: null, price: 1, version: 3, tags: ["a"] };
			const expected = { ...product("p_1", fields), seen: 1 };
			tags.push("changed afterwards");
			assert.deepEqual(changed, expected);
			assert.deepEqual(await products.findById("p_1"), expected);
			assert.equal(await products.updateById("p_9", { $set: { price: 1 } }), null);
		});

		it("updates all that a query selects and tells how many those are", async () => {
			const products = await openWith(product("p_1"), product("p_2"), product("p_3", { storeId: "s_2" }));
			assert.equal(await products.updateMany({ storeId: "s_1" }, { $set: { price: 7 } }), 2);
			assert.equal(await products.updateMany({ storeId: "s_1" }, { $set: { price: 7 } }), 2, "matched, if not changed");
			assert.equal(await products.updateMany({ storeId: "s_9" }, { $set: { price: 8 } }), 0);
			assert.deepEqual(
				(await products.find()).map(({ price }) => price),
				[7, 7, 100],
			);
		});

		it("removes what a query selects, by id, or everything, and tells how many those were", async () => {
			const docs = ["p_1", "p_2", "p_3", "p_4", "p_5"].map((id) => product(id, { price: Number(id.slice(2)) }));
			const products = await openWith(...docs);
			assert.equal(await products.removeMany({ price: { $lte: 2 } }), 2);
			assert.equal(await products.removeById("p_3"), 1);
			assert.equal(await products.removeById("p_3"), 0);
			assert.deepEqual(idsOf(await products.find()), ["p_4", "p_5"]);
			assert.equal(await products.removeMany({}), 2);
			assert.equal(await products.count(), 0);
		});

		it("lets nobody change an id", async () => {
			const products = await openWith(product("p_1"));
			const wrong = ['{"$set": {"_id": "p_2"}}', '{"$set": {"_id": "p_1"}}', '{"$inc": {"_id": 1}}'];
			for (const json of wrong) await assert.rejects(products.updateById("p_1", JSON.parse(json)), TypeError);
			assert.deepEqual(await products.find(), [product("p_1")]);
		});

		const refused: [string, string][] = [
			["a document instead of operators", '{"price": 1}'],
			["an unknown operator", '{"$rename": {"note": "price"}}'],
			["an unknown operator beside a known one", '{"$set": {"price": 1}, "$push": {"tags": "x"}}'],
			["an inherited name as operator", '{"constructor": {"price": 1}}'],
			["operators without an object", '{"$set": [["price", 1]]}'],
			["__proto__", '{"$set": {"__proto__": {"admin": true}}}'],
			["a path into an object", '{"$set": {"size.width": 1}}'],
			["a path through what all objects share", '{"$set": {"constructor.prototype.admin": true}}'],
			["$unset", '{"$unset": {"note": true}}'],
			["$unset beside a known one", '{"$set": {"price": 1}, "$unset": {"note": true}}'],
			["__proto__ inside of a value", '{"$set": {"size": {"__proto__": {"admin": true}}}}'],
			["operators inside of a value", '{"$set": {"size": {"$gt": 1}}}'],
			["a field with a quote", `{"$set": {"a'": 1}}`],
			["an increment that is not a number", '{"$inc": {"price": "1"}}'],
			["to change a field twice", '{"$set": {"price": 1}, "$inc": {"price": 1}}'],
			["a pipeline", '[{"$set": {"price": 1}}]'],
		];
		for (const [what, json] of refused) {
			it(`refuses an update with ${what}`, async () => {
				const products = await openWith(product("p_1"));
				await assert.rejects(products.updateById("p_1", JSON.parse(json)), TypeError);
				await assert.rejects(products.updateMany({}, JSON.parse(json)), TypeError);
				assert.deepEqual(await products.find(), [product("p_1")]);
				assert.equal(({} as { admin?: boolean }).admin, undefined);
			});
		}

		it("refuses to increment what is not a number", async () => {
			const doc = product("p_1", { note: "text", sku: null });
			const products = await openWith(doc);
			await assert.rejects(products.updateById("p_1", { $inc: { note: 1 } as object }), Error);
			await assert.rejects(products.updateById("p_1", { $inc: { sku: 1 } as object }), Error);
			assert.deepEqual(await products.find(), [doc]);
		});

		it("takes `constructor` for a field like any other", async () => {
			const products = await openWith(product("p_1"));
			await products.updateById("p_1", { $inc: { constructor: 1 } as object });
			assert.equal(await products.count({ query: { constructor: 1 } as object }), 1);
		});
	});

	describe(`${name}: writing together`, () => {
		it("does all writes", async () => {
			const products = await openWith(product("p_1"), product("p_2"));
			await products.writeMany([
				{ insert: product("p_3") },
				{ update: { _id: "p_1", version: 1 }, set: { price: 5 }, inc: { version: 1 } },
				{ update: { _id: "p_3", sku: null }, set: { sku: "A" } },
				{ update: { _id: "p_2" }, inc: { price: -1 } },
			]);
			assert.deepEqual(await products.find(), [
				product("p_1", { price: 5, version: 2 }),
				product("p_2", { price: 99 }),
				product("p_3", { sku: "A" }),
			]);
			await products.writeMany([]);
		});

		it("does none when an update finds nothing", async () => {
			const products = await openWith(product("p_1"), product("p_2"));
			const writes = products.writeMany([
				{ insert: product("p_3") },
				{ update: { _id: "p_1", version: 1 }, set: { price: 5 } },
				{ update: { _id: "p_2", version: 2 }, set: { price: 5 } },
			]);
			await assert.rejects(writes, { type: "WRITE_CONFLICT", code: 409 });
			assert.deepEqual(await products.find(), [product("p_1"), product("p_2")]);
		});

		it("does none when one is a duplicate", async () => {
			const products = await openWith(product("p_1", { sku: "A" }));
			await assert.rejects(
				products.writeMany([{ update: { _id: "p_1" }, set: { price: 5 } }, { insert: product("p_2", { sku: "A" }) }]),
				duplicate("storeId", "sku"),
			);
			assert.deepEqual(await products.find(), [product("p_1", { sku: "A" })]);
		});

		it("refuses what is neither an insert nor an update of one document", async () => {
			const products = await openWith(product("p_1"));
			const wrong = [
				{},
				{ remove: { _id: "p_1" } },
				{ insert: product("p_2"), update: { _id: "p_1" } },
				{ insert: product("p_2"), set: { price: 1 } },
				{ update: { version: 1 }, set: { price: 1 } },
				{ update: { _id: "p_1", version: { $gt: 0 } }, set: { price: 1 } },
				{ update: { _id: "p_1", $or: [{ version: 1 }] }, set: { price: 1 } },
				{ update: { _id: "p_1", "size.width": 1 }, set: { price: 1 } },
				{ update: "p_1", set: { price: 1 } },
				{ update: { _id: "p_1" }, set: null },
				{ update: { _id: "p_1" }, set: { _id: "p_2" } },
				{ update: { _id: "p_1" }, unset: { note: true } },
			];
			for (const operation of wrong) {
				const writes = products.writeMany([{ insert: product("p_9") }, operation as never]);
				await assert.rejects(writes, TypeError, JSON.stringify(operation));
			}
			assert.deepEqual(await products.find(), [product("p_1")]);
		});
	});

	describe(`${name}: at the same time`, () => {
		it("lets exactly one of many win an optimistic lock", async () => {
			const collection = { collection: newName() };
			const doors = [await open(collection), await open(collection)];
			await doors[0]?.insert(product("p_1"));
			for (let version = 1; version <= 20; version++) {
				const tries = Array.from({ length: 10 }, (_, index) =>
					(doors[index % 2] as Documents<Product>).updateMany(
						{ _id: "p_1", version },
						{ $set: { price: index }, $inc: { version: 1 } },
					),
				);
				const results = (await Promise.all(tries)).toSorted();
				assert.deepEqual(results, [...Array(9).fill(0), 1]);
			}
			assert.equal((await doors[1]?.findById("p_1"))?.version, 21);
		});

		it("loses no increment", async () => {
			const products = await openWith(product("p_1", { price: 0 }));
			await Promise.all(Array.from({ length: 50 }, () => products.updateById("p_1", { $inc: { price: 1 } })));
			assert.equal((await products.findById("p_1"))?.price, 50);
		});

		it("lets exactly one of many insert a unique value", async () => {
			const products = await open();
			const tries = Array.from({ length: 10 }, (_, index) => products.insert(product(`p_${index}`, { sku: "A" })));
			const results = await Promise.allSettled(tries);
			assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
			assert.equal(await products.count(), 1);
		});
	});
}
