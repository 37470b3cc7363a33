import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { clockOf } from "../../mixins/mongo.ts";
import { PrimaryClock } from "../../mixins/primary-clock.ts";
import { ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";
import { readPage, sumOf } from "../monitoring/metrics-page.ts";
import { basketOf, newCode, newPerson, newShop, newTill, sell } from "./people.ts";
import { isApart, startTestPlatform, type TestPlatform } from "./platform.ts";
import { setClockAhead } from "./set-clock.ts";
import { WebhookReceiver } from "./webhook-receiver.ts";

const HOUR_MS = 3_600_000;
const skip = isApart && "of other processes the clock cannot be set";

describeOnMongo("the clock that payments go by is the primary's", () => {
	let set: ReplicaSet;
	let platform: TestPlatform;
	before(async () => {
		if (skip) return;
		set = await ReplicaSet.start();
		platform = await startTestPlatform({ MONGODB_URI: set.uri("hannip"), WEBHOOK_TARGETS: "any" });
	});
	after(async () => {
		await platform?.stop();
		await set?.stop();
	});

	it("as its heartbeats tell it, and not this process's own; by how much that is wrong is measured", {
		skip,
	}, async (t) => {
		const trueMs = Date.now();
		setClockAhead(t, HOUR_MS, platform.anyone);
		assert.ok(clockOf({ mongodbUri: set.uri("hannip") })() < trueMs + HOUR_MS / 2);
		assert.equal(clockOf({ mongodbUri: null })(), Date.now());
		const { samples } = await readPage(platform.probesUrl);
		assert.ok(sumOf(samples, "hannip_clock_offset_seconds", { from: "mongodb" }) > 1_800);
	});

	for (const [how, offMs] of [
		["behind", -HOUR_MS],
		["ahead", HOUR_MS],
	] as const)
		it(`a code is good for its time, and a sale goes through, where it is ${how} of all others`, {
			skip,
		}, async (t) => {
			t.mock.method(PrimaryClock.prototype, "nowMs", () => Date.now() + offMs);
			const customer = await newPerson(platform.anyone, { credit: 10_000 });
			const shop = await newShop(await newPerson(platform.anyone, { name: "Grace" }), { prices: [4_500] });
			const { code, expiresInMs, later } = await customer.api.ok("user.issueCode", { ahead: 1 });
			for (const leftMs of [expiresInMs, later[0]?.expiresInMs ?? 0]) assert.ok(leftMs > 0 && leftMs < 180_000);
			const asked = { storeId: shop.id, idempotencyKey: `by-one-clock-${how}`, code, items: basketOf(shop) };
			await shop.owner.api.ok("store.sell", asked);

			const code1 = await newCode(customer, 1_000);
			const held = await shop.owner.api.ok("store.sell", { storeId: shop.id, code: code1, items: basketOf(shop) });
			// Who is asked next must not take away what was asked before.
			const code2 = await newCode(customer, 1_000);
			await shop.owner.api.refused(
				"store.sell",
				{ storeId: shop.id, code: code2, items: basketOf(shop, 2) },
				"insufficient_credit",
			);
			const { items } = await customer.api.ok("store.listApprovals", {});
			assert.deepEqual(
				items.map(({ id }) => id),
				[held.transferId],
			);
			const leftMs = items[0]?.expiresInMs ?? 0;
			assert.ok(leftMs > 0 && leftMs <= 60_000, `${leftMs} ms are left`);
			await customer.api.ok("store.decide", {
				id: held.transferId,
				storeId: shop.id,
				total: 4_500,
				decision: "decline",
			});

			const till = await newTill(platform.anyone, shop);
			const sold = await sell(shop, customer, `undone-by-one-clock-${how}`);
			const undone = await till.api.ok("store.cancelSale", { storeId: shop.id, saleId: sold.id });
			assert.equal(undone.effect, "refunded");
		});

	it("a webhook is told when it is time by it, also where all other clocks are ahead", { skip }, async (t) => {
		t.mock.method(PrimaryClock.prototype, "nowMs", () => Date.now() - HOUR_MS);
		const receiver = await WebhookReceiver.open();
		t.after(() => receiver.close());
		const owner = await newPerson(platform.anyone, { name: "Grace" });
		const shop = await newShop(owner);
		const asked = { storeId: shop.id, url: receiver.url, events: ["sale.posted" as const] };
		const { id: webhookId } = await owner.api.ok("store.createWebhook", asked);
		await sell(shop, await newPerson(platform.anyone, { credit: 10_000 }), "told-by-one-clock");
		await receiver.until(({ length }) => length === 1);
		const named = { storeId: shop.id, webhookId };
		const [delivery] = (await owner.api.ok("store.listDeliveries", named)).items;
		assert.ok(Number(delivery?.createdAtMs) < Date.now() - HOUR_MS / 2);
		await owner.api.ok("store.replayDelivery", { ...named, deliveryId: String(delivery?.id) });
		await receiver.until(({ length }) => length === 2);
		await owner.api.ok("store.replayDeliveries", { ...named, fromMs: 0 });
		await receiver.until(({ length }) => length === 3);
	});

	it("the day within which an operator adjusts alone is over by it", { skip }, async (t) => {
		const { operator, anyone } = platform;
		const { wallet: accountId } = await newPerson(anyone);
		const given = { accountId, direction: "give", amount: 60_000, reason: "a test" } as const;
		t.mock.method(PrimaryClock.prototype, "nowMs", () => Date.now() + 2 * HOUR_MS);
		await operator.ok("operator.adjust", given);
		await operator.refused("operator.adjust", given, "second_operator_needed");
		t.mock.method(PrimaryClock.prototype, "nowMs", () => Date.now() + 27 * HOUR_MS);
		await operator.ok("operator.adjust", given);
	});
});
