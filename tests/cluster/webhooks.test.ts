import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster } from "../../scripts/cluster/cluster.ts";
import { Client, newKey } from "../api/client.ts";
import { newPerson, newShop, type Person, type Shop, sell } from "../api/people.ts";
import { unlimited } from "../api/platform.ts";
import { WebhookReceiver } from "../api/webhook-receiver.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";

describeOnMongo("a webhook, while processes are killed", () => {
	let cluster: Cluster;
	let anyone: Client;
	let ada: Person;
	let shop: Shop;
	let receiver: WebhookReceiver;
	before(async () => {
		const env = { ...unlimited, WEBHOOK_TARGETS: "any", WEBHOOK_RETRIES_S: "1,1,1,1,1,1,1,1" };
		cluster = await Cluster.start({ counts: { store: 2, credit: 2 }, members: 1, env });
		anyone = new Client(cluster.publicUrl, null, { origin: cluster.publicUrl });
		ada = await newPerson(anyone, { name: "Ada", credit: 1_000_000 });
		shop = await newShop(await newPerson(anyone, { name: "Bob" }), { prices: [10] });
		receiver = await WebhookReceiver.open();
	});
	after(async () => {
		await receiver?.close();
		anyone?.close();
		await cluster?.stop();
	});

	it("is told at least once of every sale that was acknowledged", async () => {
		const events = ["sale.posted"] as const;
		const { secret } = await shop.owner.api.ok("store.createWebhook", {
			storeId: shop.id,
			url: receiver.url,
			events: [...events],
		});
		const sold: string[] = [];
		let isOpen = true;
		const selling = (async () => {
			while (isOpen) {
				const key = newKey();
				// What was not answered may have been booked; only what was answered counts here.
				const sale = await sell(shop, ada, key).catch(() => sleep(50));
				if (sale) sold.push(sale.transferId);
			}
		})();
		for (const victims of [
			["store-1"],
			["store-2"],
			["credit-1"],
			["store-1", "store-2"],
			["store-1", "store-2", "credit-1", "credit-2"],
		]) {
			const before = sold.length;
			while (sold.length < before + 20) await sleep(10);
			receiver.answers.push(500, "silence");
			const processes = cluster.processes.filter(({ name }) => victims.includes(name));
			for (const process of processes) process.signal("SIGKILL");
			await sleep(100);
			await cluster.whole();
		}
		isOpen = false;
		await selling;
		const told = () =>
			new Set(receiver.received.map(({ event }) => (event.data.sale as { transferId: string }).transferId));
		// One that was being sent when its sender died comes again when its lease is over.
		const untilMs = Date.now() + 100_000;
		while (sold.some((id) => !told().has(id)) && Date.now() < untilMs) await sleep(200);
		assert.deepEqual(
			sold.filter((id) => !told().has(id)),
			[],
		);
		receiver.believes(secret);
		assert.ok(sold.length >= 100);
	});
});
