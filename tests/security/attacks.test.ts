import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startTestPlatform, type TestPlatform } from "../api/platform.ts";
import { attacks, onceOnlyAttacks, tried, triedInVain } from "./attack/attack.ts";
import { newWorld, type World } from "./attack/world.ts";

let platform: TestPlatform;
let world: World;
before(async () => {
	platform = await startTestPlatform();
	world = await newWorld(platform.anyone);
	// Something to attack.
	await world.victim.api.ok("user.send", { to: world.eve.handle, amount: 7 });
});
after(() => platform.stop());

describe("refused, in always the same words, and nothing changed:", () => {
	for (const attack of attacks) {
		it(attack.name, async () => {
			const { wrong } = await triedInVain(attack, world);
			assert.deepEqual(wrong, []);
		});
	}
});

describe("done once, and no more:", () => {
	for (const attack of onceOnlyAttacks) {
		it(attack.name, async () => {
			const { wrong } = await tried(attack, world);
			assert.deepEqual(wrong, []);
		});
	}
});

it("there are enough of them, each with a name of its own", () => {
	const names = new Set(attacks.map(({ name }) => name));
	assert.ok(names.size >= 120, `${names.size}`);
	assert.equal(names.size, attacks.length);
});

it("what is right still works: the phone, the till", async () => {
	assert.equal((await world.phone.charge()).status, 201);
	await world.till.api.ok("store.listProducts", { storeId: world.shop.id });
	const { clean } = await platform.operator.ok("credit.audit", {});
	assert.equal(clean, true);
});
