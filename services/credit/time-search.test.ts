import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { numbersAround } from "./time-search.ts";

type Point = { readonly number: number; readonly atMs: number };

/** Numbers with holes, at times that never go back. */
const points = fc.array(fc.record({ hole: fc.nat(3), pauseMs: fc.nat(2) }), { maxLength: 60 }).map((steps) => {
	let [number, atMs] = [0, 0];
	return steps.map(({ hole, pauseMs }): Point => {
		number += 1 + hole;
		atMs += pauseMs;
		return { number, atMs };
	});
});

const lookingIn = (all: readonly Point[], looks: number[] = []) => ({
	first: 1,
	last: all.at(-1)?.number ?? 0,
	look: async (number: number) => {
		looks.push(number);
		return all.find((point) => point.number >= number) ?? null;
	},
});

it("what comes before is earlier, what comes from there on is not, and nothing lies between", async () => {
	const property = fc.asyncProperty(points, fc.nat(130), async (all, atMs) => {
		const { after, until } = await numbersAround(atMs, lookingIn(all));
		for (const point of all) assert.equal(point.atMs < atMs, point.number < after);
		for (const point of all) assert.equal(point.atMs >= atMs, point.number >= until);
	});
	await fc.assert(property);
});

it("of a million it takes twenty looks, and a moment close by hardly any other ones", async () => {
	const looked = new Set<number>();
	const million = { first: 1, last: 1_000_000 };
	const search = (atMs: number) => {
		const looks: number[] = [];
		const look = async (number: number) => {
			looks.push(number);
			return { number, atMs: number * 10 };
		};
		return numbersAround(atMs, { ...million, look }).then((found) => ({ found, looks }));
	};
	for (const { atMs, newMax } of [
		{ atMs: 7_654_321, newMax: 21 },
		{ atMs: 7_655_000, newMax: 12 },
	]) {
		const { found, looks } = await search(atMs);
		assert.deepEqual(found, { after: Math.ceil(atMs / 10), until: Math.ceil(atMs / 10) });
		assert.ok(looks.length <= 21, `${looks.length} looks`);
		const more = looks.filter((number) => !looked.has(number));
		assert.ok(more.length <= newMax, `${more.length} new looks`);
		for (const number of looks) looked.add(number);
	}
});
