import { after, before, describe, it } from "node:test";
import { documents } from "../../mixins/database.ts";
import type { Webhook } from "../../services/store/webhook.ts";
import { newKey } from "../api/client.ts";
import { newPerson, newShop, type Person, sell } from "../api/people.ts";
import { startTestPlatform, type TestPlatform } from "../api/platform.ts";
import { WebhookReceiver } from "../api/webhook-receiver.ts";

/** More than any list of them may have. */
const CROWD = 12_000;

let platform: TestPlatform;
let ada: Person;
before(async () => {
	platform = await startTestPlatform({ WEBHOOK_TARGETS: "any", WEBHOOK_RETRIES_S: "1" });
	ada = await newPerson(platform.anyone, { name: "Ada", credit: 1_000_000 });
});
after(() => platform.stop());

describe("a webhook among very many", () => {
	it("is told of every sale", async () => {
		const receiver = await WebhookReceiver.open();
		const shop = await newShop(await newPerson(platform.anyone, { name: "Bob" }));
		await shop.owner.api.ok("store.createWebhook", { storeId: shop.id, url: receiver.url, events: ["sale.posted"] });
		const webhooks = documents<Webhook>(platform.broker.getLocalService("store"), "webhooks");
		const [{ _id: _, ...one } = {} as Webhook] = await webhooks.find({ query: { storeId: shop.id } });
		// Their ids come first in every order.
		const crowd = Array.from({ length: CROWD }, (_, n) => {
			const id = String(n).padStart(16, "-");
			return { ...one, _id: `w_${id}`, storeId: `s_${id}` };
		});
		await webhooks.insertMany(crowd);
		for (let n = 0; n < 3; n++) await sell(shop, ada, newKey());
		await receiver.until(({ length }) => length === 3);
		await receiver.close();
	});
});
