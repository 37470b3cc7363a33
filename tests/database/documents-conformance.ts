import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Opened, type Product, product } from "./products.ts";

/** Which documents and ids an adapter keeps as they are, and which it refuses. */
export function documentsConformance(name: string, { open, openWith }: Opened): void {
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
}
