import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Places } from "./webhook-places.ts";

let made = 0;
const sent = (owner: string, { store = 0, webhook = 0 } = {}) => {
	const storeId = `s_${owner}_${store}`;
	made += 1;
	return { _id: `d_${made}`, ownerId: `u_${owner}`, storeId, webhookId: `w_${storeId}_${webhook}` };
};

/** As many as they get, from three stores with three webhooks each. */
const takeAll = (places: Places, owner: string) => {
	const taken: ReturnType<typeof sent>[] = [];
	for (let store = 0; store < 3; store++)
		for (let webhook = 0; webhook < 3; webhook++)
			for (let n = 0; n < 10; n++) {
				const one = sent(owner, { store, webhook });
				if (places.take(one)) taken.push(one);
			}
	return taken;
};

describe("places for sending webhooks", () => {
	it("are four for a webhook, eight for a store, and sixteen for an owner", () => {
		const places = new Places();
		const taken = takeAll(places, "eve");
		assert.equal(taken.length, 16);
		const most = (of: "webhookId" | "storeId") =>
			Math.max(
				...Map.groupBy(taken, (one) => one[of])
					.values()
					.map(({ length }) => length),
			);
		assert.deepEqual([most("webhookId"), most("storeId")], [4, 8]);
	});

	it("are there for somebody else when two hundred owners have taken again for a while all that they get", () => {
		const places = new Places();
		const taken = new Map<string, ReturnType<typeof sent>[]>();
		for (let round = 0; round < 12; round++)
			for (let n = 0; n < 200; n++) {
				for (const one of taken.get(`eve${n}`) ?? []) places.giveBack(one);
				taken.set(`eve${n}`, takeAll(places, `eve${n}`));
			}
		assert.ok(places.take(sent("ada")));
	});

	it("are left by owners who take and never give back", () => {
		const places = new Places();
		const counts = Array.from({ length: 16 }, (_, n) => takeAll(places, `eve${n}`).length);
		assert.ok(places.free >= 64, `${places.free} left by ${counts}`);
	});

	it("are all free again when everything came back, in any order, also what came back twice", () => {
		const step = fc.record({ owner: fc.nat(3), store: fc.nat(3), webhook: fc.nat(3), back: fc.nat(20) });
		fc.assert(
			fc.property(fc.array(step), (steps) => {
				const places = new Places();
				const taken: ReturnType<typeof sent>[] = [];
				for (const { owner, back, ...at } of steps) {
					const one = sent(String(owner), at);
					if (places.take(one)) taken.push(one);
					assert.equal(places.take(one), false);
					const returned = taken[back];
					if (returned) places.giveBack(returned);
				}
				for (const one of taken) places.giveBack(one);
				assert.equal(places.free, 256);
				assert.equal(places.roomFor(sent("0")), 4);
			}),
		);
	});
});
