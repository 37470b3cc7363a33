import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster } from "../../scripts/cluster/cluster.ts";
import { freeze, until } from "../../scripts/cluster/processes.ts";
import { Client } from "../api/client.ts";
import { newCode, newPerson, newShop, newTill, type Person, type Product, type Shop } from "../api/people.ts";
import { unlimited } from "../api/platform.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";

/** Longer than anybody waits for an answer, and clocks may differ. */
const TOO_LATE_MS = 6_000;

describeOnMongo("a process that was frozen, and goes on with what it was asked before", () => {
	let cluster: Cluster;
	let anyone: Client;
	let [owner, shop]: [Person?, Shop?] = [];
	before(async () => {
		cluster = await Cluster.start({ members: 1, counts: { store: 2 }, env: unlimited });
		anyone = new Client(cluster.publicUrl, null, { origin: cluster.publicUrl });
		owner = await newPerson(anyone);
		shop = await newShop(owner, { prices: [10] });
	});
	after(async () => {
		anyone?.close();
		await cluster?.stop();
	});

	/** One of the two that sell. @returns how it goes on */
	function freezeOne(): () => Promise<void> {
		const [{ pid = 0 } = assert.fail("nobody sells")] = cluster.of("store");
		freeze(pid);
		return async () => {
			process.kill(pid, "SIGCONT");
			// It has taken up what was waiting for it when it has answered something that came later.
			await sleep(2_000);
		};
	}

	const statusOf = (asked: Promise<{ status: number }>) => asked.then(({ status }) => status);

	it("does not bring back whom others have dismissed meanwhile", async () => {
		const [{ api }, { id: storeId }] = [owner as Person, shop as Shop];
		const people = await Promise.all(Array.from({ length: 6 }, () => newPerson(anyone)));
		const thaw = freezeOne();
		const add = (handle: string) => statusOf(api.call("store.addStaff", { storeId, handle }));
		const first = await Promise.all(people.map(({ handle }) => add(handle)));
		assert.ok(first.includes(503), `somebody was to ask the frozen one: ${first}`);
		for (const { handle } of people) {
			await until(async () => [201, 409].includes(await add(handle)), `${handle} is added`);
			await until(async () => (await statusOf(api.call("store.removeStaff", { storeId, handle }))) < 500, "dismissed");
		}
		await sleep(TOO_LATE_MS);
		await thaw();
		assert.deepEqual((await api.ok("store.listStaff", { storeId })).items, []);
	});

	it("does not book a sale that another one has refused", async () => {
		const [boss, counter] = [owner as Person, shop as Shop];
		const storeId = counter.id;
		const [product] = counter.products as readonly [Product];
		const till = await newTill(anyone, counter);
		const customer = await newPerson(anyone, { credit: 1_000 });
		let { version } = product;
		const price = async (price: number) => {
			const edited = await boss.api.ok("store.editProduct", { storeId, productId: product.id, version, price });
			version = edited.version;
		};
		await price(12);
		const codes = await Promise.all(Array.from({ length: 8 }, () => newCode(customer)));
		const thaw = freezeOne();
		const sales = codes.map((code) => {
			const idempotencyKey = randomUUID();
			const items = [{ productId: product.id, quantity: 1 }];
			const asked = { storeId, items, code, expectedTotal: 10, idempotencyKey };
			return { idempotencyKey, told: statusOf(till.api.call("store.sell", asked)) };
		});
		const told = await Promise.all(sales.map(({ told }) => told));
		assert.deepEqual(told, Array(8).fill(409));
		await price(10);
		await thaw();
		const states = await Promise.all(
			sales.map(async ({ idempotencyKey: saleId }) => (await till.api.ok("store.getSale", { storeId, saleId })).state),
		);
		assert.deepEqual(states, Array(8).fill("refused"));
		assert.equal((await customer.api.ok("user.me", {})).balance, 1_000);
	});
});
