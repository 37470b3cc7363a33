import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context, ServiceBroker } from "moleculer";
import { Link } from "../../scripts/cluster/link.ts";
import { NatsServer } from "../../scripts/cluster/nats-server.ts";
import { freePorts, until } from "../../scripts/cluster/processes.ts";
import { shippedBroker } from "./shipped-broker.ts";

/** Shorter than the time in which heartbeats are missed. */
const TIMEOUT_MS = 3_000;

type Internals = {
	readonly transit: { readonly tx: { readonly client: { close(): Promise<void> } } };
	readonly registry: { readonly discoverer: { stopHeartbeatTimers(): void } };
};

/** As if it was killed: it says nothing about it, and nats-server sees it a moment later. */
async function vanish(broker: ServiceBroker): Promise<void> {
	await (broker as unknown as Internals).transit.tx.client.close();
	await sleep(300);
}

/** The configuration as it ships, over a real nats-server, and nothing that is repeatable. */
describe("a call to a process that is gone", () => {
	let nats: NatsServer;
	const brokers = new Map<string, ServiceBroker>();
	const asked: string[] = [];

	const hanging: (() => void)[] = [];

	const start = async (nodeID: string, uri = nats.uri): Promise<ServiceBroker> => {
		const broker = shippedBroker(nodeID, uri);
		brokers.set(nodeID, broker);
		const answer = (_: Context) => {
			asked.push(nodeID);
			return nodeID;
		};
		const hang = () => {
			asked.push(nodeID);
			return new Promise<void>((resolve) => {
				hanging.push(resolve);
			});
		};
		if (nodeID !== "caller") broker.createService({ name: "asked", actions: { answer, hang } });
		const begin = (ctx: Context) => {
			asked.push(nodeID);
			return ctx.call("nobody.answer");
		};
		broker.createService({ name: "half", actions: { begin } });
		await broker.start();
		return broker;
	};
	const ask = (action: string): Promise<string> =>
		(brokers.get("caller") as ServiceBroker)
			.call(`asked.${action}`, {}, { timeout: TIMEOUT_MS })
			.then(String, (error: Error & { type: string }) => error.type);
	const known = (): number =>
		(brokers.get("caller") as ServiceBroker).registry.getActionEndpoints("asked.answer")?.count() ?? 0;

	before(async () => {
		nats = await NatsServer.start();
		await start("caller");
	});
	afterEach(async () => {
		for (const end of hanging.splice(0)) end();
		for (const [nodeID, broker] of brokers) {
			if (nodeID === "caller") continue;
			brokers.delete(nodeID);
			await broker.stop();
		}
		await until(() => known() === 0, "they are gone");
		asked.length = 0;
	});
	after(async () => {
		await brokers.get("caller")?.stop();
		await nats?.stop();
	});

	it("goes to another one, as nobody has heard it", async () => {
		const [left] = await Promise.all([start("left"), start("right")]);
		await until(() => known() === 2, "both are known");
		await vanish(left);
		const answers = await Promise.all(Array.from({ length: 8 }, () => ask("answer")));
		assert.deepEqual([answers, asked], [new Array(8).fill("right"), new Array(8).fill("right")]);
		await until(() => known() === 1, "it is out of the list");
	});

	it("is refused when there is no other one, as soon as it cannot be on its way to another server", async () => {
		const only = await start("only");
		await until(() => known() === 1, "it is known");
		await vanish(only);
		assert.equal(await ask("answer"), "SERVICE_NOT_AVAILABLE");
		await until(() => known() === 0, "it is out of the list");
	});

	it("is given up, and not asked of another one, when it may have been heard before", async () => {
		const [left] = await Promise.all([start("left"), start("right")]);
		await until(() => known() === 2, "both are known");
		const asking = [ask("hang"), ask("hang")];
		await until(() => asked.length === 2, "each is asked");
		await vanish(left);
		assert.equal(await Promise.race(asking), "REQUEST_REJECTED");
		assert.deepEqual(asked.toSorted(), ["left", "right"]);
		assert.deepEqual((await Promise.all(asking)).toSorted(), ["REQUEST_REJECTED", "REQUEST_TIMEOUT"]);
	});

	it("is not given up when it was heard and the process only moves to another server", async (t) => {
		const [port = 0] = await freePorts(1);
		const link = await Link.open(port, nats.port);
		t.after(() => link.close());
		const moving = await start("moving", nats.uriBy(port));
		await until(() => known() === 1, "it is known");
		const asking = ask("hang");
		await until(() => asked.length === 1, "it has heard it");
		// A client waits between two connections; most are older than that.
		await sleep(500);
		link.cut();
		link.drop();
		// Until nats-server has noticed, and not until it is given up.
		await sleep(50);
		const unheard = ask("answer");
		await sleep(50);
		link.heal();
		assert.equal(await unheard, "moving");
		// Longer than anybody is given to be there again.
		await sleep(500);
		for (const end of hanging.splice(0)) end();
		assert.equal(await asking, "undefined");
		await moving.stop();
	});

	it("is answered when all who could answer it are on their way to another server", async (t) => {
		const [port = 0] = await freePorts(1);
		const link = await Link.open(port, nats.port);
		t.after(() => link.close());
		const moving = await Promise.all(["left", "right"].map((nodeID) => start(nodeID, nats.uriBy(port))));
		await until(() => known() === 2, "both are known");
		await sleep(500);
		link.cut();
		link.drop();
		await sleep(50);
		const asking = Array.from({ length: 8 }, () => ask("answer"));
		await sleep(50);
		link.heal();
		assert.deepEqual((await Promise.all(asking)).toSorted(), asked.toSorted());
		assert.equal(asked.length, 8);
		await Promise.all(moving.map((broker) => broker.stop()));
	});

	it("is not asked of another one when it was heard before NATS was restarted, and the process does not come back", async (t) => {
		const [port = 0] = await freePorts(1);
		const link = await Link.open(port, nats.port);
		t.after(() => link.close());
		const [left] = await Promise.all([start("left", nats.uriBy(port)), start("right")]);
		await until(() => known() === 2, "both are known");
		const asking = [ask("hang"), ask("hang")];
		await until(() => asked.length === 2, "each is asked");
		link.cut();
		link.drop();
		await nats.kill();
		await nats.restart();
		assert.equal(await Promise.race(asking), "REQUEST_REJECTED");
		for (const end of hanging.splice(0)) end();
		assert.deepEqual((await Promise.all(asking)).toSorted(), ["REQUEST_REJECTED", "undefined"]);
		assert.deepEqual(asked.toSorted(), ["left", "right"]);
		link.heal();
		await until(() => known() === 2, "it is back");
		await left.stop();
	});

	it("is begun once, wherever, when it is what stands behind it that is gone", async () => {
		await start("right");
		const caller = brokers.get("caller") as ServiceBroker;
		await until(() => caller.registry.getActionEndpoints("half.begin")?.count() === 2, "both are known");
		for (let n = 0; n < 4; n++) await assert.rejects(caller.call("half.begin"), { type: "SERVICE_NOT_FOUND" });
		assert.deepEqual(asked.toSorted(), ["caller", "caller", "right", "right"]);
	});

	it("reaches it again as soon as it has a connection, whenever its next heartbeat is", async () => {
		const [port = 0] = await freePorts(1);
		const link = await Link.open(port, nats.port);
		const back = await start("back", nats.uriBy(port));
		await until(() => known() === 1, "it is known");
		(back as unknown as Internals).registry.discoverer.stopHeartbeatTimers();
		await link.close();
		await until(async () => (await ask("answer")) === "SERVICE_NOT_AVAILABLE", "somebody has noticed");
		const again = await Link.open(port, nats.port);
		await until(async () => (await ask("answer")) === "back", "it is there again");
		await back.stop();
		await again.close();
	});
});
