import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { Webhook } from "standardwebhooks";
import { documents } from "../../mixins/database.ts";
import type { Result } from "../../services/actions.ts";
import type { Outbox } from "../../services/store/webhook-outbox.ts";
import { newKey } from "./client.ts";
import { basketOf, newCode, newPerson, newShop, type Person, type Shop, sell } from "./people.ts";
import { isApart, startTestPlatform, type TestPlatform } from "./platform.ts";
import { WebhookReceiver } from "./webhook-receiver.ts";

const ALL = ["sale.posted", "sale.pending", "sale.voided", "sale.expired", "sale.refunded", "payout.posted"] as const;

let platform: TestPlatform;
let ada: Person;
let bob: Person;
let shop: Shop;
let receiver: WebhookReceiver;
before(async () => {
	platform = await startTestPlatform({ WEBHOOK_TARGETS: "any", WEBHOOK_RETRIES_S: "1,1,1" });
	ada = await newPerson(platform.anyone, { name: "Ada", credit: 1_000_000 });
	bob = await newPerson(platform.anyone, { name: "Bob" });
	await ada.api.ok("user.edit", { confirmAbove: 5_000 });
});
after(() => platform.stop());
beforeEach(async (context) => {
	receiver = await WebhookReceiver.open();
	(context as { after?: (done: () => Promise<void>) => void }).after?.(() => receiver.close());
	receiver.holds((type, body) => platform.anyone.contract?.checkTold(type, body));
	shop = await newShop(bob, { prices: [1_000] });
});

const register = (events: readonly (typeof ALL)[number][] = ALL, url = receiver.url) =>
	bob.api.ok("store.createWebhook", { storeId: shop.id, url, events: [...events] });

const sellFor = async (quantity: number) => {
	const said = {
		storeId: shop.id,
		code: await newCode(ada),
		items: basketOf(shop, quantity),
		idempotencyKey: newKey(),
	};
	return shop.owner.api.ok("store.sell", said);
};

const saleIn = (index: number) => receiver.received[index]?.event.data.sale;
/** What an event says of a sale: all but the list of its refunds, and how long it waits from now. */
const told = ({ refunds: _, expiresInMs: __, ...sale }: Result<"store.getSale">) => sale;

describe("a webhook", () => {
	it("is told of a sale as the API shows it, signed as Standard Webhooks says", async () => {
		const { secret } = await register();
		const sale = await sell(shop, ada, newKey());
		await receiver.until(({ length }) => length === 1);
		receiver.believes(secret);
		const [{ event } = assert.fail()] = receiver.received;
		assert.deepEqual([event.type, event.storeId, event.data.sale], ["sale.posted", shop.id, told(sale)]);
		assert.equal(receiver.received[0]?.headers["content-type"], "application/json");
		assert.throws(() =>
			new Webhook(`whsec_${Buffer.alloc(32).toString("base64")}`).verify("{}", receiver.received[0]?.headers as never),
		);
	});

	it("is told also when somebody whose clock was an hour ahead was to tell it, and is gone", {
		skip: isApart && "what that one has left cannot be written there",
	}, async () => {
		await register();
		const store = platform.broker.getLocalService("store") ?? assert.fail();
		const left = { reader: "somebody gone", leaseUntilMs: Date.now() + 3_600_000 };
		await documents<Outbox>(store, "outbox").updateById("webhooks", { $set: left });
		await sell(shop, ada, newKey());
		await receiver.until(({ length }) => length === 1);
	});

	it("is told of what is held, confirmed, declined, given back and paid out, in words of their own", async () => {
		await register();
		const named = ({ transferId, total }: { transferId: string; total: number | null }) => ({
			id: transferId,
			storeId: shop.id,
			total: Number(total),
			idempotencyKey: newKey(),
		});
		const confirmed = await sellFor(6);
		await receiver.until(({ length }) => length === 1);
		await ada.api.ok("store.decide", { ...named(confirmed), decision: "confirm" });
		await receiver.until(({ length }) => length === 2);
		const declined = await sellFor(7);
		await ada.api.ok("store.decide", { ...named(declined), decision: "decline" });
		await receiver.until(({ length }) => length === 4);
		await bob.api.ok("store.refundSale", {
			storeId: shop.id,
			saleId: confirmed.id,
			amount: 2_500,
			idempotencyKey: newKey(),
		});
		await bob.api.ok("store.payOut", { storeId: shop.id, amount: 3_000, idempotencyKey: newKey() });
		await receiver.until(({ length }) => length === 6);
		const told = receiver.received.map(({ event: { type, data } }) => {
			const { sale, refund, payout } = data as Record<string, { state?: string; refunded?: number; amount?: number }>;
			return [type, sale?.state, sale?.refunded, refund?.amount, payout?.amount].filter((each) => each !== undefined);
		});
		assert.deepEqual(
			told.sort((left, right) => String(left).localeCompare(String(right))),
			[
				["payout.posted", 3_000],
				["sale.pending", "pending", 0],
				["sale.pending", "pending", 0],
				["sale.posted", "posted", 0],
				["sale.refunded", "posted", 2_500, 2_500],
				["sale.voided", "voided", 0],
			],
		);
	});

	it("is told only of what it asked for, and only of its own store", async () => {
		const other = await newShop(bob, { prices: [500] });
		await register(["sale.refunded"]);
		await sell(other, ada, newKey());
		const sale = await sell(shop, ada, newKey());
		await bob.api.ok("store.refundSale", { storeId: shop.id, saleId: sale.id, idempotencyKey: newKey() });
		await receiver.until(({ length }) => length === 1);
		assert.deepEqual(receiver.types, ["sale.refunded"]);
	});

	it("is not told of what was refused", async () => {
		await register();
		const poor = await newPerson(platform.anyone, { name: "Poor" });
		const said = { storeId: shop.id, code: await newCode(poor), items: basketOf(shop), idempotencyKey: newKey() };
		await bob.api.refused("store.sell", said, "insufficient_credit");
		const sale = await sell(shop, ada, newKey());
		await receiver.until(({ length }) => length === 1);
		assert.deepEqual(saleIn(0), told(sale));
	});

	it("is told again of what it did not take, with the same id and the same words", async () => {
		const { id: webhookId, secret } = await register();
		receiver.answers.push(500, 302);
		const sale = await sell(shop, ada, newKey());
		await receiver.until(({ length }) => length === 3);
		receiver.believes(secret);
		assert.equal(new Set(receiver.received.map(({ id, body }) => `${id} ${body}`)).size, 1);
		const delivered = await untilState(webhookId, "delivered");
		assert.deepEqual([delivered.attempts, delivered.lastStatus, delivered.lastError], [3, 204, null]);
		assert.deepEqual(JSON.parse(delivered.body).data.sale, told(sale));
	});

	it("is given up after the last time, and told again when its owner wants that", async () => {
		const { id: webhookId } = await register();
		receiver.answers.push(500, 500, 500, 500);
		await sell(shop, ada, newKey());
		const failed = await untilState(webhookId, "failed");
		assert.deepEqual([failed.attempts, failed.lastStatus, failed.lastError], [4, 500, "answered 500"]);
		const named = { storeId: shop.id, webhookId };
		assert.equal((await bob.api.ok("store.replayDelivery", { ...named, deliveryId: failed.id })).state, "waiting");
		await receiver.until(({ length }) => length === 5);
		assert.equal((await untilState(webhookId, "delivered")).attempts, 1);
		const replays = await bob.api.ok("store.replayDeliveries", { ...named, fromMs: 0 });
		assert.deepEqual(replays, { count: 1, isAll: true });
		await receiver.until(({ length }) => length === 6);
		assert.equal((await bob.api.ok("store.replayDeliveries", { ...named, fromMs: 0, state: "failed" })).count, 0);
	});

	it("that says it is gone is switched off, and told again from when its owner switches it on", async () => {
		const { id: webhookId } = await register();
		receiver.answers.push(410);
		await sell(shop, ada, newKey());
		const gone = await untilState(webhookId, "failed");
		const named = { storeId: shop.id };
		const [webhook] = (await bob.api.ok("store.listWebhooks", named)).items;
		assert.deepEqual([webhook?.enabled, webhook?.disabledBecause], [false, "answered 410"]);
		// What it was told must not be made undelivered by that.
		await bob.api.refused("store.replayDeliveries", { ...named, webhookId, fromMs: 0 }, "webhook_off");
		await bob.api.refused("store.replayDelivery", { ...named, webhookId, deliveryId: gone.id }, "webhook_off");
		await sell(shop, ada, newKey());
		const mended = await bob.api.ok("store.editWebhook", { ...named, webhookId, enabled: true });
		assert.equal(mended.disabledBecause, null);
		await sell(shop, ada, newKey());
		await receiver.until(({ length }) => length >= 2);
		assert.equal(receiver.received.length, 2);
	});

	it("stays on when it was given another address before the old one says that it is gone", async (context) => {
		const { id: webhookId } = await register();
		const gone = Promise.withResolvers<number>();
		receiver.answers.push(gone.promise);
		await sell(shop, ada, newKey());
		await receiver.until(({ length }) => length === 1);
		const moved = await WebhookReceiver.open();
		context.after(() => moved.close());
		await bob.api.ok("store.editWebhook", { storeId: shop.id, webhookId, url: moved.url });
		gone.resolve(410);
		await untilState(webhookId, "failed");
		const sale = await sell(shop, ada, newKey());
		const [webhook] = (await bob.api.ok("store.listWebhooks", { storeId: shop.id })).items;
		assert.deepEqual([webhook?.enabled, webhook?.disabledBecause], [true, null]);
		await moved.until(({ length }) => length === 1);
		assert.deepEqual(moved.received[0]?.event.data.sale, told(sale));
	});

	it("can be tried, and says why it cannot be reached", async () => {
		const { id: webhookId, secret } = await register();
		const named = { storeId: shop.id, webhookId };
		const pinged = await bob.api.ok("store.pingWebhook", named);
		assert.deepEqual([pinged.status, pinged.error], [204, null]);
		assert.deepEqual(receiver.types, ["ping"]);
		receiver.believes(secret);
		receiver.answers.push("silence");
		const silent = await bob.api.ok("store.pingWebhook", named);
		assert.deepEqual([silent.status, silent.error], [null, "did not answer in time"]);
		await bob.api.ok("store.editWebhook", { ...named, url: "http://127.0.0.1:1/hook" });
		const refused = await bob.api.ok("store.pingWebhook", named);
		assert.deepEqual([refused.status, refused.error], [null, "refused the connection"]);
	});

	it("goes on with its old secret for a day after it got a new one", async () => {
		const { id: webhookId, secret } = await register();
		const named = { storeId: shop.id, webhookId };
		const rotated = await bob.api.ok("store.rotateWebhookSecret", named);
		assert.notEqual(rotated.secret, secret);
		assert.ok(rotated.previousUntilMs > Date.now() + 86_000_000);
		await bob.api.ok("store.pingWebhook", named);
		receiver.believes(secret);
		receiver.believes(rotated.secret);
		await bob.api.refused("store.rotateWebhookSecret", named, "secret_rotated_recently");
	});

	it("that answers slowly does not hold up another one", async () => {
		const fast = await WebhookReceiver.open();
		await register(["sale.posted"]);
		await register(["sale.posted"], fast.url);
		receiver.answers.push(...Array.from({ length: 12 }, () => "silence" as const));
		for (let n = 0; n < 12; n++) await sell(shop, ada, newKey());
		await fast.until(({ length }) => length === 12);
		assert.ok(receiver.received.length <= 4, `${receiver.received.length} at once`);
		await fast.close();
	});

	it("is told in time whatever another store's ten do not answer", async () => {
		const slow = await WebhookReceiver.open();
		const eve = await newPerson(platform.anyone, { name: "Eve" });
		const hers = await newShop(eve, { prices: [100] });
		for (let n = 0; n < 10; n++)
			await eve.api.ok("store.createWebhook", { storeId: hers.id, url: slow.url, events: ["sale.posted"] });
		slow.answers.push(...Array.from({ length: 100 }, () => "silence" as const));
		for (let n = 0; n < 4; n++) await sell(hers, ada, newKey());
		await slow.until(({ length }) => length === 8);
		await register();
		await sell(shop, ada, newKey());
		await receiver.until(({ length }) => length === 1);
		// Hers were not even given up: she has her places, and no more.
		assert.equal(slow.received.length, 8);
		await slow.close();
	});

	it("that is removed is told nothing more, and what it was told is not shown", async () => {
		const { id: webhookId } = await register();
		const named = { storeId: shop.id, webhookId };
		await sell(shop, ada, newKey());
		await untilState(webhookId, "delivered");
		await bob.api.ok("store.removeWebhook", named);
		await bob.api.refused("store.listDeliveries", named, "not_found");
		assert.deepEqual((await bob.api.ok("store.listWebhooks", { storeId: shop.id })).items, []);
	});

	it("is its store's and its owner's alone", async () => {
		const { id: webhookId } = await register();
		const carol = await newPerson(platform.anyone, { name: "Carol" });
		const hers = await newShop(carol);
		for (const [who, storeId] of [
			[carol, shop.id],
			[carol, hers.id],
		] as const)
			await who.api.refused("store.pingWebhook", { storeId, webhookId }, "not_found");
		await bob.api.ok("store.addStaff", { storeId: shop.id, handle: carol.handle });
		await carol.api.refused("store.listWebhooks", { storeId: shop.id }, "forbidden");
	});

	it("has pages of what it was told, newest first", async () => {
		const { id: webhookId } = await register();
		for (let n = 0; n < 5; n++) await sell(shop, ada, newKey());
		await receiver.until(({ length }) => length === 5);
		const named = { storeId: shop.id, webhookId, limit: 2 };
		const ids: string[] = [];
		for (let cursor: string | null | undefined; cursor !== null; ) {
			const page = await bob.api.ok("store.listDeliveries", { ...named, ...(cursor && { cursor }) });
			ids.push(...page.items.map(({ id }) => id));
			cursor = page.nextCursor;
		}
		assert.equal(ids.length, 5);
		assert.deepEqual(ids, ids.toSorted().reverse());
		for (const text of ["AAAA", "____", Buffer.from("evt_1").toString("base64url")])
			await bob.api.refused("store.listDeliveries", { ...named, cursor: text }, "validation_failed");
	});

	it("is refused with an address that is none, and beyond ten of a store", async () => {
		const named = { storeId: shop.id, events: ["sale.posted"] };
		for (const url of [
			"nonsense",
			"ftp://shop.example/",
			"http://user:word@shop.example/",
			"https://shop.example/#here",
		])
			await bob.api.refused("store.createWebhook", { ...named, url }, "validation_failed");
		await bob.api.refused(
			"store.createWebhook",
			{ ...named, events: ["nothing"], url: receiver.url },
			"validation_failed",
		);
		for (let n = 0; n < 10; n++) await register();
		await bob.api.refused("store.createWebhook", { ...named, url: receiver.url }, "too_many_webhooks");
	});
});

async function untilState(webhookId: string, state: "delivered" | "failed") {
	for (;;) {
		const { items } = await bob.api.ok("store.listDeliveries", { storeId: shop.id, webhookId });
		const found = items.find((delivery) => delivery.state === state);
		if (found) return found;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}
