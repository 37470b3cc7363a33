import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { Scratch } from "./audit-scratch.ts";

/** More than are kept in memory. */
const MANY = 50_000;

describe("the audit's scratch file", () => {
	const scratch = new Scratch();
	after(() => scratch.close());

	it("gives back what was set last, from memory and from the file", () => {
		const map = scratch.map<{ id: string; count: number; note: string | null }>();
		for (let n = 0; n < MANY; n++) map.add({ id: `id.${n}`, count: n, note: null });
		for (let n = 0; n < MANY; n += 3) map.set({ id: `id.${n}`, count: n + 1, note: "한닢" });
		const expected = (n: number) => {
			const isSet = n % 3 === 0;
			return { id: `id.${n}`, count: isSet ? n + 1 : n, note: isSet ? "한닢" : null };
		};
		assert.equal(map.size, MANY);
		for (let n = 0; n < MANY; n += 7) assert.deepEqual(map.get(`id.${n}`), expected(n));
		const all = new Map(map);
		assert.equal(all.size, MANY);
		for (const [id, value] of all) assert.deepEqual(value, expected(Number(id.slice(3))));
	});

	it("has nothing that was not set, or was deleted", () => {
		const map = scratch.map<{ id: string }>();
		for (let n = 0; n < MANY; n++) {
			assert.equal(map.has(`id.${n}`), false);
			map.add({ id: `id.${n}` });
		}
		for (const id of ["id.1", `id.${MANY - 1}`]) {
			map.delete(id);
			assert.equal(map.get(id), undefined);
		}
		assert.equal(map.size, MANY - 2);
		assert.equal([...map].length, MANY - 2);
		assert.equal(map.has("id.2"), true);
	});

	it("says of each string of a set whether it is new", () => {
		const [one, other] = [scratch.set(), scratch.set()];
		for (let n = 0; n < MANY; n++) assert.equal(one.add(`id.${n}`), true);
		for (let n = 0; n < MANY; n += 99) assert.equal(one.add(`id.${n}`), false);
		assert.equal(other.add("id.1"), true);
	});
});
