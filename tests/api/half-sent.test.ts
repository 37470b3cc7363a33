import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { newKey } from "./client.ts";
import { headerLinesOf, newCode, newPerson, newShop, type Person, type Shop, sell } from "./people.ts";
import { startTestPlatform, type TestPlatform } from "./platform.ts";
import { Wire } from "./wire.ts";

// Who begins requests and does not end them, or does not read the answers. A limit of what may be under way begins with 128.

const MANY = 200;

let platform: TestPlatform;
let ada: Person;
let shop: Shop;
const wires: Wire[] = [];
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone, { name: "Ada", credit: 100_000 });
	shop = await newShop(await newPerson(platform.anyone, { name: "Bob" }), { prices: [1_000] });
});
after(async () => {
	for (const { socket } of wires) socket.destroy();
	await platform.stop();
});

const begin = async (head: readonly string[], body: string): Promise<void> => {
	const wire = await Wire.open(platform.anyone);
	wires.push(wire);
	wire.socket.write([...head, "Host: hannip.test", "", body].join("\r\n"));
};

it("nobody is kept out by requests of which the end does not come", async () => {
	const json = ["Content-Type: application/json", "Content-Length: 100"];
	const heads = [
		[`POST /v1/stores/${shop.id}/sales HTTP/1.1`, ...json],
		["POST /v1/sessions HTTP/1.1", ...json],
		["GET /v1/me/charges/x HTTP/1.1", "Content-Length: 1"],
	];
	for (const head of heads)
		await Promise.all(Array.from({ length: MANY }, () => begin(head, head.length > 2 ? "{" : "")));
	await sleep(100);
	for (let n = 0; n < 5; n++) {
		assert.equal((await sell(shop, ada, newKey())).state, "posted");
		await newCode(ada);
		assert.ok((await shop.owner.api.ok("store.listSales", { storeId: shop.id })).items.length > n);
	}
	await newPerson(platform.anyone, { name: "Carol" });
});

it("nobody is kept out by those who go while what they sent is unpacked", async () => {
	const body = gzipSync(" ".repeat(15_000));
	const head = [
		"POST /v1/sessions HTTP/1.1",
		"Host: hannip.test",
		"Content-Type: application/json",
		"Content-Encoding: gzip",
		`Content-Length: ${body.length}`,
		"Connection: close",
	];
	for (let n = 0; n < MANY; n++) {
		const { socket } = await Wire.open(platform.anyone);
		const sent = once(socket, "close");
		socket.write(Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body]), () => socket.resetAndDestroy());
		await sent;
	}
	await newPerson(platform.anyone, { name: "Dave" });
});

it("one person's uploads that stand still keep out nobody else's", async () => {
	const path = `/v1/stores/${shop.id}/products/import`;
	const lines = await headerLinesOf(shop.owner, { method: "POST", path });
	const head = () => [`POST ${path} HTTP/1.1`, ...lines(), "Content-Type: text/csv", "Content-Length: 1000"];
	await Promise.all(Array.from({ length: 20 }, () => begin(head(), "sku,")));
	await sleep(100);
	const carol = await newPerson(platform.anyone, { name: "Carol" });
	const hers = await newShop(carol);
	const csv = "sku,name,category,price\nlatte,Latte,Coffee,4500\n";
	assert.equal((await carol.api.ok("store.importProducts", { storeId: hers.id, csv })).created, 1);
});

it("nobody is kept out by those who do not read their answers", async () => {
	const unread = async (sales: number) => {
		const wire = await Wire.open(platform.anyone);
		wires.push(wire);
		wire.socket.pause();
		const requests = [
			// More than the kernel takes for a client that reads nothing; the others wait behind it.
			...Array.from({ length: 4 }, () => "GET /docs/swagger-ui-bundle.js"),
			...Array.from({ length: sales }, () => `POST /v1/stores/${shop.id}/sales`),
		];
		wire.socket.write(requests.map((line) => `${line} HTTP/1.1\r\nHost: hannip.test\r\n\r\n`).join(""));
	};
	await unread(400);
	// As many as one connection may have, and together more than what is let in at once.
	for (let n = 0; n < MANY / 4; n++) await unread(4);
	await sleep(100);
	for (let n = 0; n < 5; n++) assert.equal((await sell(shop, ada, newKey())).state, "posted");
});
