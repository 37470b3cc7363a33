import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context, ServiceBroker } from "moleculer";
import { Link } from "../../scripts/cluster/link.ts";
import { NatsServer } from "../../scripts/cluster/nats-server.ts";
import { freePorts, freeze, until } from "../../scripts/cluster/processes.ts";
import { shippedBroker } from "./shipped-broker.ts";

const TIMEOUT_MS = 3_000;

/** The configuration as it ships, over a real nats-server that is restarted. `user.me` is repeatable, `user.once` is not. */
describe("a call while NATS is restarted", () => {
	let nats: NatsServer;
	let caller: ServiceBroker;
	let user: ServiceBroker;
	let link: Link;
	/** What was asked, and how it is answered. */
	const asked: string[] = [];
	const hanging: (() => void)[] = [];
	let isHanging = false;

	const start = async (nodeID: string, uri: string): Promise<ServiceBroker> => {
		const broker = shippedBroker(nodeID, uri);
		const answer = (ctx: Context) => {
			asked.push(String(ctx.action?.name));
			return isHanging ? new Promise<void>((resolve) => hanging.push(resolve)) : undefined;
		};
		if (nodeID !== "caller") broker.createService({ name: "user", actions: { me: answer, once: answer } });
		await broker.start();
		return broker;
	};
	const isConnected = (broker: ServiceBroker): boolean =>
		(broker as unknown as { transit: { tx: { client: { protocol: { connected: boolean } } } } }).transit.tx.client
			.protocol.connected;
	const noticed = (): Promise<unknown> =>
		until(() => !isConnected(caller) && !isConnected(user), "both have noticed that NATS is away");
	const ask = (action: "me" | "once"): Promise<string> =>
		caller.call(`user.${action}`, {}, { timeout: TIMEOUT_MS }).then(
			() => "answered",
			(error: Error & { type: string }) => error.type,
		);
	const release = (): void => {
		isHanging = false;
		for (const answer of hanging.splice(0)) answer();
	};

	before(async () => {
		nats = await NatsServer.start();
		const [port = 0] = await freePorts(1);
		link = await Link.open(port, nats.port);
		[caller, user] = await Promise.all([start("caller", nats.uri), start("user", nats.uriBy(port))]);
		await caller.waitForServices("user");
	});
	afterEach(async () => {
		release();
		await until(async () => (await ask("once")) === "answered", "all is as before");
		asked.length = 0;
	});
	after(async () => {
		await caller?.stop();
		await user?.stop();
		await link?.close();
		await nats?.stop();
	});

	it("waits until it is back, and is done once", async () => {
		await nats.kill("SIGTERM");
		await noticed();
		const asking = Array.from({ length: 8 }, () => ask("once"));
		// More than one try to connect.
		await sleep(900);
		await nats.restart();
		assert.deepEqual(await Promise.all(asking), new Array(8).fill("answered"));
		assert.equal(asked.length, 8);
	});

	it("is answered when it is back, by whoever was through with it in between", async () => {
		isHanging = true;
		const asking = Array.from({ length: 8 }, () => ask("once"));
		await until(() => hanging.length === 8, "all are begun");
		await nats.kill("SIGTERM");
		await noticed();
		release();
		await sleep(900);
		await nats.restart();
		assert.deepEqual(await Promise.all(asking), new Array(8).fill("answered"));
		assert.equal(asked.length, 8);
	});

	it("is heard by those who come back later than who asks", async () => {
		await nats.kill();
		await noticed();
		await link.close();
		await nats.restart();
		await until(() => isConnected(caller), "the caller is back");
		const asking = Array.from({ length: 8 }, () => ask("once"));
		await sleep(400);
		link = await Link.open(link.port, nats.port);
		assert.deepEqual(await Promise.all(asking), new Array(8).fill("answered"));
		assert.equal(asked.length, 8);
	});

	it("is answered also to those who come back later than who answers", async () => {
		isHanging = true;
		const asking = Array.from({ length: 8 }, () => ask("once"));
		await until(() => hanging.length === 8, "all are begun");
		await nats.kill();
		await noticed();
		release();
		await nats.restart();
		assert.deepEqual(await Promise.all(asking), new Array(8).fill("answered"));
		assert.equal(asked.length, 8);
	});

	it("is not done when it was given up before NATS was back", async () => {
		await nats.kill();
		await noticed();
		const given = caller.call("user.once", {}, { timeout: 200 });
		await assert.rejects(given, { type: "REQUEST_TIMEOUT" });
		await nats.restart();
		await until(async () => (await ask("me")) === "answered", "NATS is back");
		assert.deepEqual(
			asked.filter((name) => name === "user.once"),
			[],
		);
	});

	it("is refused when it is too large to be said, and holds up nothing that waits with it", async () => {
		const tooLarge = { text: '"'.repeat(1_100_000) };
		await assert.rejects(caller.call("user.once", tooLarge), { type: "payload_too_large" });
		await nats.kill();
		await noticed();
		const refused = assert.rejects(caller.call("user.once", tooLarge), { type: "payload_too_large" });
		const asking = ask("once");
		await nats.restart();
		await refused;
		assert.equal(await asking, "answered");
		assert.deepEqual(asked, ["user.once"]);
	});

	it("is made again when it was lost, and done once", async () => {
		freeze(nats.pid);
		const asking = Array.from({ length: 8 }, () => ask("once"));
		await sleep(50);
		await nats.kill();
		await nats.restart();
		assert.deepEqual(await Promise.all(asking), new Array(8).fill("answered"));
		assert.equal(asked.length, 8);
	});

	it("is answered again when the answer was lost, and not done again", async () => {
		isHanging = true;
		const asking = ask("once");
		await until(() => hanging.length === 1, "it is begun");
		link.cut();
		release();
		// Until the answer is in the connection that nobody reads.
		await sleep(50);
		link.drop();
		link.heal();
		assert.equal(await asking, "answered");
		assert.deepEqual(asked, ["user.once"]);
	});

	it("is not made again when somebody else has answered meanwhile", async (t) => {
		const other = await start("other", nats.uri);
		t.after(() => other.stop());
		await until(() => caller.registry.getActionEndpoints("user.me")?.count() === 2, "both are known");
		link.cut();
		assert.deepEqual(await Promise.all([ask("me"), ask("me")]), ["answered", "answered"]);
		link.drop();
		link.heal();
		const atUser = () => caller.call("user.once", {}, { nodeID: "user", timeout: TIMEOUT_MS }).then(() => true);
		await until(() => atUser().catch(() => false), "it is back");
		assert.deepEqual(
			asked.filter((name) => name === "user.me"),
			["user.me", "user.me"],
		);
	});

	it("is not done again when whoever does it has another connection meanwhile", async () => {
		isHanging = true;
		const asking = ask("once");
		await until(() => hanging.length === 1, "it is begun");
		link.drop();
		await sleep(200);
		release();
		assert.equal(await asking, "answered");
		assert.deepEqual(asked, ["user.once"]);
	});
});
