import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Query } from "../../mixins/database.ts";
import { byIdBytes, documentsArbitrary, matches, queryArbitrary } from "./any-query.ts";
import { idsOf, type Opened, type Product, product, sortedIdsOf } from "./products.ts";

/** What an adapter finds, in which order, and which questions it refuses. */
export function queriesConformance(name: string, { newName, open, openWith }: Opened): void {
	describe(`${name}: reading`, () => {
		it("finds one, several and none by id", async () => {
			const products = await openWith(product("p_1"), product("p_2"), product("p_3"));
			assert.equal(await products.findById("p_9"), null);
			assert.deepEqual(sortedIdsOf(await products.findByIds(["p_3", "p_1", "p_9", "p_3"])), ["p_1", "p_3"]);
			assert.deepEqual(await products.findByIds([]), []);
			assert.deepEqual(await products.findOne({ _id: "p_2", price: 100 }), product("p_2"));
			assert.equal(await products.findOne({ _id: "p_2", price: 101 }), null);
		});

		it("counts what a query selects", async () => {
			const products = await openWith(product("p_1"), product("p_2", { price: 200 }));
			assert.equal(await products.count(), 2);
			assert.equal(await products.count({ query: { price: { $gt: 100 } } }), 1);
			assert.equal(await products.count({ limit: 1 }), 1);
			assert.equal(await products.count({ query: { price: { $gt: 0 } }, limit: 3 }), 2);
		});

		it("never takes one type for another", async () => {
			const products = await openWith(
				product("number", { note: 1 as never }),
				product("text", { note: "1" }),
				product("true", { note: true as never }),
				product("object", { note: { a: 1 } as never }),
				product("null", { note: null as never }),
				product("missing"),
			);
			const found = async (note: unknown) => sortedIdsOf(await products.find({ query: { note } as never }));
			assert.deepEqual(await found(1), ["number"]);
			assert.deepEqual(await found("1"), ["text"]);
			assert.deepEqual(await found(true), ["true"]);
			assert.deepEqual(await found('{"a":1}'), []);
			assert.deepEqual(await found(null), ["missing", "null"]);
			assert.deepEqual(await found({ $gte: 0 }), ["number"]);
			assert.deepEqual(await found({ $gte: "" }), ["text"]);
			assert.deepEqual(await found({ $gte: false }), ["true"]);
			assert.deepEqual(await found({ $in: ["1", "true", "null"] }), ["text"]);
			assert.deepEqual(await found({ $in: [] }), []);
		});

		it("knows on which side of a bound the bound is", async () => {
			const products = await openWith(
				...[1, 2, 3].map((price) => product(`p_${price}`, { price, note: String(price) })),
			);
			const found = async (query: Query<Product>) => idsOf(await products.find({ query }));
			assert.deepEqual(await found({ price: { $gt: 2 } }), ["p_3"]);
			assert.deepEqual(await found({ price: { $gte: 2 } }), ["p_2", "p_3"]);
			assert.deepEqual(await found({ price: { $lt: 2 } }), ["p_1"]);
			assert.deepEqual(await found({ price: { $lte: 2 } }), ["p_1", "p_2"]);
			assert.deepEqual(await found({ price: { $gte: 2, $lt: 3 } }), ["p_2"]);
			assert.deepEqual(await found({ price: { $gt: 1 }, note: { $lt: "3" } }), ["p_2"]);
			assert.deepEqual(await found({ note: { $gte: "2" } }), ["p_2", "p_3"]);
			assert.deepEqual(await found({ onSale: { $lte: true } }), []);
		});

		it("compares numbers beyond 2^53 and fractions exactly", async () => {
			const numbers = [2 ** 53, 2 ** 60, -(2 ** 62), 1e21, 1e308, 0.1, -0.30000000000000004, 5e-324];
			const products = await openWith(...numbers.map((price, index) => product(`p_${index}`, { price })));
			for (const [index, price] of numbers.entries()) {
				assert.deepEqual(idsOf(await products.find({ query: { price } })), [`p_${index}`], String(price));
			}
		});

		it("orders strings by code point, as neither JavaScript nor a dictionary does", async () => {
			const notes = ["Z", "a", "é", "\uffee", "😀"];
			const products = await openWith(...notes.toReversed().map((note) => product(note, { note })));
			assert.deepEqual(idsOf(await products.find({ sort: "note" })), notes);
			assert.deepEqual(sortedIdsOf(await products.find({ query: { note: { $gt: "\uffee" } } })), ["😀"]);
		});

		it("breaks ties by id, so that pages neither repeat nor skip", async () => {
			const all = Array.from({ length: 25 }, (_, index) => product(`p_${index % 5}_${index}`, { price: index % 3 }));
			const products = await openWith(...all);
			for (const sort of ["price", "-price", "-_id", undefined]) {
				const options = sort === undefined ? {} : { sort };
				const pages: Product[] = [];
				for (let offset = 0; offset < 30; offset += 4) {
					pages.push(...(await products.find({ ...options, limit: 4, offset })));
				}
				assert.deepEqual(pages, await products.find(options));
				assert.equal(new Set(idsOf(pages)).size, all.length);
			}
			const prices = (await products.find({ sort: "-price" })).map(({ price }) => price);
			assert.deepEqual(
				prices,
				prices.toSorted((a, b) => b - a),
			);
		});

		it("continues a list after an id", async () => {
			const products = await openWith(product("p_1"), product("p_2"), product("p_3", { price: 200 }), product("p_4"));
			const after = async (query: Query<Product>) => idsOf(await products.find({ query, sort: "_id" }));
			assert.deepEqual(await after({ _id: { $gt: "p_1" } }), ["p_2", "p_3", "p_4"]);
			assert.deepEqual(await after({ price: 100, _id: { $gt: "p_1" } }), ["p_2", "p_4"]);
		});

		it("sorts null and missing first", async () => {
			const products = await openWith(
				product("b", { sku: "1" }),
				product("d", { sku: null }),
				product("c"),
				product("a", { sku: "2" }),
			);
			assert.deepEqual(idsOf(await products.find({ sort: "sku" })), ["c", "d", "b", "a"]);
			assert.deepEqual(idsOf(await products.find({ sort: "-sku" })), ["a", "b", "d", "c"]);
		});

		it("refuses limits that are not whole numbers from 1 on, offsets that are not from 0 on, and searches", async () => {
			const products = await openWith(product("p_1"));
			for (const limit of [0, -1, 1.5, Number.NaN, "1", Number.POSITIVE_INFINITY]) {
				await assert.rejects(products.find({ limit } as never), TypeError);
			}
			for (const offset of [-1, 0.5, "1"]) await assert.rejects(products.find({ offset } as never), TypeError);
			for (const search of [{ search: "p" }, { searchFields: ["note"] }]) {
				await assert.rejects(products.find(search as never), TypeError);
				await assert.rejects(products.count(search as never), TypeError);
			}
			for (const sort of [["price", 1], ["price"], { price: 1 }, "price note", "__proto__", "$price", "--price", ""]) {
				await assert.rejects(products.find({ sort } as never), TypeError, JSON.stringify(sort));
			}
		});
	});

	describe(`${name}: queries outside of the subset`, () => {
		const refused: [string, string][] = [
			["an unknown operator", '{"price": {"$mod": [2, 0]}}'],
			["a regular expression", '{"note": {"$regex": ".*"}}'],
			["an unknown operator beside a known one", '{"price": {"$gt": 1, "$type": "number"}}'],
			["an inherited name as operator", '{"price": {"constructor": 1}}'],
			["$where", '{"$where": "true"}'],
			["$nor", '{"$nor": [{"price": 1}]}'],
			["$and", '{"$and": [{"price": 1}]}'],
			["$or", '{"$or": [{"price": 1}, {"price": 100}]}'],
			["$or beside a field", '{"storeId": "s_1", "$or": [{"price": 1}]}'],
			["$eq", '{"price": {"$eq": 100}}'],
			["$ne", '{"price": {"$ne": 1}}'],
			["$nin", '{"note": {"$nin": ["a"]}}'],
			["$exists", '{"note": {"$exists": false}}'],
			["$not", '{"price": {"$not": {"$gt": 1}}}'],
			["a path into an object", '{"size.width": 1}'],
			["$expr", '{"$expr": true}'],
			["equality to an array", '{"tags": ["a"]}'],
			["equality to an object", '{"size": {"width": 1}}'],
			["equality to an empty object", '{"size": {}}'],
			["an operator with an object", '{"price": {"$gt": {"$gt": 0}}}'],
			["$in without an array", '{"price": {"$in": 1}}'],
			["$in with an object", '{"price": {"$in": [{"$gt": 0}]}}'],
			["$in with a number", '{"price": {"$in": [100]}}'],
			["$in with null", '{"note": {"$in": ["a", null]}}'],
			["$gt null", '{"price": {"$gt": null}}'],
			["__proto__", '{"__proto__": {"price": 1}}'],
			["a field with a quote", `{"price') OR 1=1 --": 1}`],
			["a field with brackets", '{"tags[0]": "a"}'],
			["an empty name", '{"": 1}'],
			["an array instead of a query", "[]"],
			["a text instead of a query", '"price"'],
		];
		for (const [what, json] of refused) {
			it(`refuses ${what}`, async () => {
				const products = await openWith(product("p_1"));
				const query = JSON.parse(json);
				await assert.rejects(products.find({ query }), TypeError);
				await assert.rejects(products.count({ query }), TypeError);
				await assert.rejects(products.findOne(query), TypeError);
				await assert.rejects(products.updateMany(query, { $set: { price: 0 } }), TypeError);
				await assert.rejects(products.removeMany(query), TypeError);
				assert.deepEqual(await products.find(), [product("p_1")]);
			});
		}

		it("names what it refuses", async () => {
			const products = await open();
			const find = (query: object) => products.find({ query: query as Query<Product> });
			await assert.rejects(find({ $where: "true" }), { name: "TypeError", message: /\$where/ });
			await assert.rejects(find({ $or: [{ price: 1 }] }), { name: "TypeError", message: /\$or/ });
			await assert.rejects(find({ $not: { price: 1 } }), { name: "TypeError", message: /\$not/ });
			await assert.rejects(find({ price: { $mod: [2, 0] } }), { name: "TypeError", message: /\$mod/ });
			await assert.rejects(find({ price: { $ne: 1 } }), { name: "TypeError", message: /\$ne/ });
			await assert.rejects(find({ "size.width": 1 }), { name: "TypeError", message: /size\.width/ });
			await assert.rejects(find({ "tags[0]": "a" }), { name: "TypeError", message: /tags\[0\]/ });
			await assert.rejects(find({ size: { $gt: [1] } }), { name: "TypeError", message: /size/ });
		});

		it("refuses undefined, inherited conditions and values that are not JSON", async () => {
			const products = await openWith(product("p_1"));
			const inherited = Object.assign({}, JSON.parse('{"__proto__": {"price": 1}}'));
			for (const query of [
				{ sku: undefined },
				{ note: /p/ },
				{ price: Number.NaN },
				{ price: new Date() },
				inherited,
				null,
			]) {
				await assert.rejects(products.removeMany(query as never), TypeError);
			}
			await assert.rejects(products.removeMany(undefined as never), TypeError);
			assert.equal(await products.count(), 1);
		});
	});

	describe(`${name}: compared with a filter in JavaScript`, () => {
		it("finds the same documents for any query", async () => {
			const collection = await open<{ _id: string }>({
				collection: newName(),
				indexes: [{ fields: ["a", "b"] }],
			});
			const property = fc.asyncProperty(documentsArbitrary, queryArbitrary, async (docs, query) => {
				await collection.removeMany({});
				await collection.insertMany(docs);
				const expected = docs.filter((doc) => matches(doc, query));
				const found = await collection.find({ query: query as Query<{ _id: string }> });
				assert.deepEqual(sortedIdsOf(found), sortedIdsOf(expected));
				assert.deepEqual(found, expected.toSorted(byIdBytes), "whole documents, by id");
				assert.equal(await collection.count({ query: query as Query<{ _id: string }> }), expected.length);
			});
			await fc.assert(property, { numRuns: 300 });
		});
	});
}
