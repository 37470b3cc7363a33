import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { damagedRequest, damages, newScene, type Scene } from "./bad-requests.ts";
import { newPerson, newShop, type Person, type Shop } from "./people.ts";
import { booksOf, startTestPlatform, type TestPlatform } from "./platform.ts";

// Whatever is damaged, at both ports, the answer is a problem of the catalogue that says nothing of what is inside (the contract checks
// both), and no balance changes.

const RUNS = 4_000;

let platform: TestPlatform;
let ada: Person;
let bob: Person;
let shop: Shop;
let scene: Scene;
before(async () => {
	platform = await startTestPlatform({ LOG_LEVEL: "fatal" });
	ada = await newPerson(platform.anyone, { name: "Ada", credit: 100_000 });
	bob = await newPerson(platform.anyone, { name: "Bob", credit: 100_000 });
	shop = await newShop(ada);
	scene = await newScene(shop, bob);
});
after(() => platform.stop());

test(`${RUNS} random bad requests are refused, never a 5xx, never a word of what is inside, and nothing is booked`, async () => {
	const ports = [ada.api, platform.operator].map((client) => ({
		client,
		contract: client.contract ?? assert.fail(),
	}));
	const places = ports.flatMap(({ client, contract }) => contract.places.map((place) => ({ client, contract, place })));
	const books = async () => (await booksOf(platform.operator, [ada.wallet, bob.wallet, shop.account])).balances;
	const before = await books();
	const counts = new Map<string, number>();
	const anyPlace = fc.constantFrom(...places.map((_, index) => index));
	const property = fc.asyncProperty(anyPlace, damages, async (index, damage) => {
		const { client, ...target } = places[index] ?? assert.fail();
		const wire = damagedRequest(target, scene, damage);
		fc.pre(wire !== undefined);
		const { status, text } = await client.raw(wire);
		counts.set(damage.part, (counts.get(damage.part) ?? 0) + 1);
		assert.ok(status >= 400 && status < 500, `${JSON.stringify(wire).slice(0, 2_000)} was answered ${status} ${text}`);
	});
	await fc.assert(property, { numRuns: RUNS, maxSkipsPerRun: 20 });
	assert.equal(counts.size, 11, `every kind of damage was tried: ${JSON.stringify([...counts])}`);
	assert.deepEqual(await books(), before);
	const { clean, discrepancy } = await platform.operator.ok("credit.audit", {});
	assert.deepEqual([clean, discrepancy], [true, null]);
});
