import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { after, before, it } from "node:test";
import { newPerson, newShop, type Person, type Shop } from "../api/people.ts";
import { startTestPlatform, type TestPlatform } from "../api/platform.ts";

// Whoever registers a webhook chooses where our servers send to: not into our own network (CWE-918).

let platform: TestPlatform;
let ada: Person;
let shop: Shop;
let inside: Server;
let reached = 0;
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone, { name: "Ada" });
	shop = await newShop(ada);
	inside = createServer((socket) => {
		reached++;
		socket.destroy();
	});
	await once(inside.listen(0, "127.0.0.1"), "listening");
});
after(async () => {
	inside?.close();
	await platform.stop();
});

const port = () => (inside.address() as { port: number }).port;

const hosts = [
	"127.0.0.1",
	"localhost",
	"127.1",
	"2130706433",
	"0x7f000001",
	"0.0.0.0",
	"[::1]",
	"[::]",
	"[::ffff:127.0.0.1]",
	"[::ffff:7f00:1]",
	"[64:ff9b::7f00:1]",
	"[2002:7f00:1::]",
	"10.0.0.1",
	"172.16.0.1",
	"192.168.0.1",
	"100.64.0.1",
	"169.254.169.254",
	"[fd00:ec2::254]",
	"[fe80::1]",
	"255.255.255.255",
	"224.0.0.1",
];
for (const host of hosts) {
	it(`a webhook cannot reach ${host}`, async () => {
		const named = { storeId: shop.id };
		const url = `https://${host}:${port()}/hook`;
		const { id: webhookId } = await ada.api.ok("store.createWebhook", { ...named, url, events: ["sale.posted"] });
		const { status, error } = await ada.api.ok("store.pingWebhook", { ...named, webhookId });
		// Names are asked of DNS, which has none for this machine itself.
		const why = host === "localhost" ? "is not known by this name" : "is not a public address";
		assert.deepEqual([status, error], [null, why]);
		await ada.api.ok("store.removeWebhook", { ...named, webhookId });
		assert.equal(reached, 0);
	});
}

it("a webhook that is not encrypted is refused", async () => {
	const said = { storeId: shop.id, url: "http://shop.example/hook", events: ["sale.posted"] };
	await ada.api.refused("store.createWebhook", said, "validation_failed");
});
