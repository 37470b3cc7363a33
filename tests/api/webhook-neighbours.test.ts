import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { after, before, describe, it, type TestContext } from "node:test";
import { newKey } from "./client.ts";
import { newPerson, newShop, type Person, type Shop, sell } from "./people.ts";
import { startTestPlatform, type TestPlatform } from "./platform.ts";
import { type Received, WebhookReceiver } from "./webhook-receiver.ts";

let platform: TestPlatform;
let ada: Person;
before(async () => {
	platform = await startTestPlatform({ WEBHOOK_TARGETS: "any", WEBHOOK_RETRIES_S: "1" });
	ada = await newPerson(platform.anyone, { name: "Ada", credit: 1_000_000 });
});
after(() => platform.stop());

const register = async ({ owner, id: storeId }: Shop, url: string) =>
	await owner.api.ok("store.createWebhook", { storeId, url, events: ["sale.posted"] });

const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n";

/** Somebody's server that answers with these bytes, and none at all for none. */
async function answering(bytes: string, context: TestContext): Promise<string> {
	const sockets = new Set<Socket>();
	const server = createServer((socket) => {
		sockets.add(socket);
		socket.on("error", () => {});
		if (bytes) socket.once("data", () => socket.end(bytes));
	});
	await once(server.listen(0, "127.0.0.1"), "listening");
	context.after(() => {
		for (const socket of sockets) socket.destroy();
		server.close();
	});
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
}

async function receiverFor(context: TestContext): Promise<WebhookReceiver> {
	const receiver = await WebhookReceiver.open();
	context.after(() => receiver.close());
	return receiver;
}

describe("a person's many stores", () => {
	it("take sixteen places for sending together", async (context) => {
		const [eve, slow, receiver] = [
			await newPerson(platform.anyone),
			await receiverFor(context),
			await receiverFor(context),
		];
		slow.answers.push(...Array.from({ length: 100 }, () => "silence" as const));
		for (let store = 0; store < 4; store++) {
			const shop = await newShop(eve, { prices: [1] });
			for (let n = 0; n < 2; n++) await register(shop, slow.url);
			for (let n = 0; n < 4; n++) await sell(shop, ada, newKey());
		}
		const shop = await newShop(await newPerson(platform.anyone, { name: "Bob" }));
		await register(shop, receiver.url);
		await sell(shop, ada, newKey());
		await receiver.until(({ length }) => length === 1);
		await slow.until(({ length }) => length >= 16);
		assert.equal(slow.received.length, 16);
	});

	it("are a hundred at most", async () => {
		const eve = await newPerson(platform.anyone, { name: "Eve" });
		const open = () => eve.api.call("store.create", { name: "One more" });
		for (let n = 0; n < 98; n++) assert.equal((await open()).status, 201);
		const statuses = (await Promise.all([open(), open(), open()])).map(({ status }) => status);
		assert.deepEqual(
			statuses.filter((status) => status !== 201 && status !== 409),
			[],
		);
		await eve.api.refused("store.create", { name: "Too many" }, "too_many_stores");
		assert.ok((await eve.api.ok("store.list", {})).items.length <= 101);
	});
});

describe("a webhook whose receiver wants to speak something else", () => {
	it("is told so when it is tried", async (context) => {
		const shop = await newShop(await newPerson(platform.anyone, { name: "Bob" }));
		const { id: webhookId } = await register(shop, await answering(SWITCHING, context));
		const pinged = await shop.owner.api.ok("store.pingWebhook", { storeId: shop.id, webhookId });
		assert.deepEqual([pinged.status, pinged.error], [101, "answered 101"]);
	});

	it("takes nobody's place", async (context) => {
		const [shop, receiver] = [await newShop(await newPerson(platform.anyone)), await receiverFor(context)];
		const elsewhere = await answering(SWITCHING, context);
		for (let n = 0; n < 2; n++) await register(shop, elsewhere);
		for (let n = 0; n < 4; n++) await sell(shop, ada, newKey());
		await register(shop, receiver.url);
		const { transferId } = await sell(shop, ada, newKey());
		const isOfIt = ({ event }: Received) => (event.data.sale as { transferId: string }).transferId === transferId;
		await receiver.until((received) => received.some(isOfIt));
	});

	it("does not keep a process from ending, and neither does one that says nothing", async (context) => {
		const other = await startTestPlatform({ WEBHOOK_TARGETS: "any" });
		const customer = await newPerson(other.anyone, { name: "Ada", credit: 1_000_000 });
		const [shop, receiver] = [await newShop(await newPerson(other.anyone)), await receiverFor(context)];
		for (const bytes of [SWITCHING, ""]) await register(shop, await answering(bytes, context));
		await register(shop, receiver.url);
		for (let n = 0; n < 4; n++) await sell(shop, customer, newKey());
		// Then the others are on their way, too: all are of the same sales.
		await receiver.until(({ length }) => length >= 1);
		await other.stop();
	});
});
