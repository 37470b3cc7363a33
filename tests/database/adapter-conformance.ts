import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import fc from "fast-check";
import type { Adapter, Collection, Documents, Index, Query } from "../../mixins/database.ts";
import { byIdBytes, documentsArbitrary, matches, queryArbitrary } from "./any-query.ts";

type Product = {
	readonly _id: string;
	readonly storeId: string;
	readonly sku?: string | null;
	readonly price: number;
	readonly version: number;
	readonly note?: string;
	readonly onSale?: boolean;
	readonly tags?: readonly string[];
	readonly size?: { readonly width?: number; readonly unit?: string };
};

const indexes: readonly Index[] = [{ fields: ["storeId", "sku"], unique: true }, { fields: ["storeId", "price"] }];

const product = (_id: string, fields: Partial<Product> = {}): Product => ({
	_id,
	storeId: "s_1",
	price: 100,
	version: 1,
	...fields,
});

const idsOf = (docs: readonly { readonly _id: string }[]) => docs.map(({ _id }) => _id);

const sortedIdsOf = (docs: readonly { readonly _id: string }[]) => idsOf(docs).toSorted();

const duplicate = (...fields: string[]) => ({ type: "DUPLICATE_KEY", code: 409, data: { fields } });

/**
 * What every adapter of Hannip must do, whatever keeps the documents. It asserts nothing that MongoDB does otherwise.
 *
 * @param makeAdapter a new adapter, not yet connected; two of the same collection share its documents
 */
export function adapterConformance(name: string, makeAdapter: (collection: Collection) => Adapter): void {
	const opened: Adapter[] = [];
	let made = 0;

	async function open<T extends { readonly _id: string } = Product>(
		collection: Collection = { collection: `conformance_${++made}`, indexes },
	): Promise<Documents<T>> {
		const adapter = makeAdapter(collection);
		opened.push(adapter);
		await adapter.connect();
		return adapter as unknown as Documents<T>;
	}

	async function openWith(...docs: Product[]): Promise<Documents<Product>> {
		const products = await open();
		await products.insertMany(docs);
		return products;
	}

	afterEach(async () => {
		for (const adapter of opened.splice(0)) {
			await adapter.clear();
			await adapter.disconnect();
		}
	});

	describe(`${name}: documents and ids`, () => {
		it("gives back what was inserted, as a copy", async () => {
			const products = await open();
			const sent = { ...product("p_1"), tags: ["new"], size: { width: 2.5 }, sku: null };
			const inserted = await products.insert(sent);
			assert.deepEqual(inserted, sent);
			sent.tags.push("changed afterwards");
			(inserted.tags as string[]).push("changed afterwards");
			assert.deepEqual((await products.findById("p_1"))?.tags, ["new"]);
		});

		it("makes an id when there is none", async () => {
			const products = await open();
			const { _id, ...fields } = product("unused");
			const [one, other] = await products.insertMany([fields, fields]);
			assert.ok(one && other && one._id.length >= 16 && one._id !== other._id);
			assert.deepEqual(await products.findById(one._id), { ...fields, _id: one._id });
		});

		it("keeps unicode, quotes and control characters, in values and in ids", async () => {
			const products = await open();
			for (const [index, note] of [
				"한닢 café",
				"👩‍👩‍👧‍👦 \u{10ffff}",
				"'; DROP TABLE x; --",
				'"\\\n\t\u0001',
				"",
			].entries()) {
				const doc = product(`${index} ${note}`, { note });
				await products.insert(doc);
				assert.deepEqual(await products.findById(doc._id), doc);
				assert.deepEqual(await products.find({ query: { note } }), [doc]);
			}
		});

		it("leaves out fields that are undefined", async () => {
			const products = await open();
			await products.insert({ ...product("p_1"), note: undefined } as unknown as Product);
			assert.deepEqual(await products.findById("p_1"), product("p_1"));
		});

		it("refuses an id that is not a string, at every entry", async () => {
			const products = await openWith(product("p_1"), product("p_2"));
			for (const id of [{ $ne: "" }, { $gt: "" }, { $exists: true }, ["p_1"], 1, true, null] as unknown as string[]) {
				await assert.rejects(products.findById(id), TypeError);
				await assert.rejects(products.findByIds([id]), TypeError);
				await assert.rejects(products.findOne({ _id: id }), TypeError);
				await assert.rejects(products.updateById(id, { $set: { price: 0 } }), TypeError);
				await assert.rejects(products.updateMany({ _id: id, version: 1 }, { $set: { price: 0 } }), TypeError);
				await assert.rejects(products.updateMany({ $or: [{ _id: id }] }, { $set: { price: 0 } }), TypeError);
				await assert.rejects(products.writeMany([{ update: { _id: id }, set: { price: 0 } }]), TypeError);
				await assert.rejects(products.removeById(id), TypeError);
				await assert.rejects(products.removeMany({ _id: id }), TypeError);
				await assert.rejects(products.insert(product(id)), TypeError);
			}
			await assert.rejects(products.updateById(undefined as unknown as string, { $set: { price: 0 } }), TypeError);
			await assert.rejects(products.findByIds("p_1" as unknown as string[]), TypeError);
			assert.deepEqual(await products.find(), [product("p_1"), product("p_2")]);
		});

		it("refuses documents that would be stored as something else", async () => {
			const products = await open();
			const wrong = [Number.NaN, Number.POSITIVE_INFINITY, new Date(0), 1n, () => 1, new Map(), [undefined]];
			for (const note of wrong) await assert.rejects(products.insert({ ...product("p_1"), note } as never), TypeError);
			for (const key of ["$set", "a.b", "", "__proto__", "nul\0"]) {
				const doc = { ...product("p_1"), size: JSON.parse(`{${JSON.stringify(key)}: 1}`) };
				await assert.rejects(products.insert(doc), TypeError, JSON.stringify(key));
			}
			const deep: unknown[] = [];
			deep.push(deep);
			await assert.rejects(products.insert({ ...product("p_1"), tags: deep } as never), TypeError);
			const circular: { self?: object } = {};
			circular.self = circular;
			await assert.rejects(products.insert({ ...product("p_1"), size: circular } as never), TypeError);
			await assert.rejects(products.insert(product("p_\ud800")), TypeError);
			for (const doc of [null, [], "text"]) await assert.rejects(products.insert(doc as never), TypeError);
			assert.equal(await products.count(), 0);
		});
	});

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
			assert.deepEqual(await found({ $in: [1, null] }), ["missing", "null", "number"]);
			assert.deepEqual(await found({ $nin: ["1", true] }), ["missing", "null", "number", "object"]);
			assert.deepEqual(await found({ $ne: null }), ["number", "object", "text", "true"]);
			assert.deepEqual(await found({ $exists: true }), ["null", "number", "object", "text", "true"]);
			assert.deepEqual(await found({ $exists: false }), ["missing"]);
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
			for (const sort of ["price", "-price", ["-price", "_id"], ["storeId", "-price"], "-_id", undefined]) {
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
			const after = { $or: [{ price: { $gt: 100 } }, { price: 100, _id: { $gt: "p_1" } }] };
			assert.deepEqual(idsOf(await products.find({ query: after, sort: "price" })), ["p_2", "p_4", "p_3"]);
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
			for (const sort of [["price", 1], { price: 1 }, "price note", "__proto__", "$price", "--price", ""]) {
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
			["$expr", '{"$expr": true}'],
			["equality to an array", '{"tags": ["a"]}'],
			["equality to an object", '{"size": {"width": 1}}'],
			["equality to an empty object", '{"size": {}}'],
			["an operator with an object", '{"price": {"$eq": {"$gt": 0}}}'],
			["$in without an array", '{"price": {"$in": 1}}'],
			["$in with an object", '{"price": {"$in": [{"$gt": 0}]}}'],
			["$gt null", '{"price": {"$gt": null}}'],
			["$exists with a number", '{"price": {"$exists": 1}}'],
			["an empty $or", '{"$or": []}'],
			["$and with an object", '{"$and": {"price": 1}}'],
			["$or of a text", '{"$or": ["price"]}'],
			["__proto__", '{"__proto__": {"price": 1}}'],
			["__proto__ on the way", '{"size.__proto__": 1}'],
			["a field with a quote", `{"price') OR 1=1 --": 1}`],
			["a field with brackets", '{"tags[0]": "a"}'],
			["an empty name", '{"": 1}'],
			["an empty step", '{"size..width": 1}'],
			["a path into the id", '{"_id.x": "a"}'],
			["an array instead of a query", "[]"],
			["a text instead of a query", '"price"'],
			["deep nesting", `${'{"$or":['.repeat(50)}{"price":1}${"]}".repeat(50)}`],
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
			await assert.rejects(find({ price: { $mod: [2, 0] } }), { name: "TypeError", message: /\$mod/ });
			await assert.rejects(find({ "tags[0]": "a" }), { name: "TypeError", message: /tags\[0\]/ });
			await assert.rejects(find({ size: { $eq: [1] } }), { name: "TypeError", message: /size/ });
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
			await products.updateById("p_1", { $unset: { sku: true } });
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

		it("sets, unsets and increments, on paths too", async () => {
			const products = await openWith(product("p_1", { note: "old", size: { unit: "cm" } }));
			const tags = ["a"];
			const changed = await products.updateById("p_1", {
				$set: { tags, "size.width": 3 },
				$unset: { note: true, sku: true, "size.depth.x": true },
				$inc: { version: 2, "stats.seen": -1.5 },
			});
			const expected = {
				...product("p_1", { version: 3, tags: ["a"], size: { unit: "cm", width: 3 } }),
				stats: { seen: -1.5 },
			};
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
			assert.equal(await products.clear(), 2);
			assert.equal(await products.count(), 0);
		});

		it("lets nobody change an id", async () => {
			const products = await openWith(product("p_1"));
			const wrong = [
				'{"$set": {"_id": "p_2"}}',
				'{"$set": {"_id": "p_1"}}',
				'{"$unset": {"_id": ""}}',
				'{"$inc": {"_id": 1}}',
			];
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
			["__proto__ on the way", '{"$set": {"size.__proto__.admin": true}}'],
			["__proto__ inside of a value", '{"$set": {"size": {"__proto__": {"admin": true}}}}'],
			["operators inside of a value", '{"$set": {"size": {"$gt": 1}}}'],
			["a field with a quote", `{"$set": {"a'": 1}}`],
			["an increment that is not a number", '{"$inc": {"price": "1"}}'],
			["to change a field twice", '{"$set": {"price": 1}, "$inc": {"price": 1}}'],
			["to change a field and what is in it", '{"$set": {"size": {}, "size.width": 1}}'],
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

		it("refuses to increment what is not a number, and paths through what is not an object", async () => {
			const doc = product("p_1", { note: "text", sku: null });
			const products = await openWith(doc);
			for (const json of [
				'{"$inc": {"note": 1}}',
				'{"$inc": {"sku": 1}}',
				'{"$set": {"note.x": 1}}',
				'{"$set": {"sku.x": 1}}',
			]) {
				await assert.rejects(products.updateById("p_1", JSON.parse(json)), Error, json);
			}
			assert.deepEqual(await products.find(), [doc]);
		});

		it("keeps a path through `constructor` inside of the document", async () => {
			const products = await openWith(product("p_1"));
			await products.updateById("p_1", { $set: { "constructor.prototype.admin": true } });
			assert.equal(({} as { admin?: boolean }).admin, undefined);
			assert.equal(await products.count({ query: { "constructor.prototype.admin": true } }), 1);
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

		it("does none when an update finds nothing, and says which", async () => {
			const products = await openWith(product("p_1"), product("p_2"));
			const writes = products.writeMany([
				{ insert: product("p_3") },
				{ update: { _id: "p_1", version: 1 }, set: { price: 5 } },
				{ update: { _id: "p_2", version: 2 }, set: { price: 5 } },
			]);
			await assert.rejects(writes, { type: "WRITE_CONFLICT", code: 409, data: { index: 2 } });
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
			const collection = { collection: `conformance_${++made}` };
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

	describe(`${name}: compared with a filter in JavaScript`, () => {
		it("finds the same documents for any query", async () => {
			const collection = await open<{ _id: string }>({
				collection: `conformance_${++made}`,
				indexes: [{ fields: ["a", "b"] }],
			});
			const property = fc.asyncProperty(documentsArbitrary, queryArbitrary, async (docs, query) => {
				await collection.clear();
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
