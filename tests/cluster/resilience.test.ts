import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context, ServiceBroker } from "moleculer";
import { NatsServer } from "../../scripts/cluster/nats-server.ts";
import { freeze, until } from "../../scripts/cluster/processes.ts";
import { shippedBroker } from "./shipped-broker.ts";

const TIMEOUT_MS = 300;

type Kept = {
	readonly _trackedContexts: readonly Context[];
	readonly transit: { readonly pendingRequests: ReadonlyMap<string, unknown> };
};
/** The configuration as it ships, over a real nats-server: one broker asks `front`, which asks `back`, each on a broker of its own. */
describe("calls between processes", () => {
	let nats: NatsServer;
	const brokers: ServiceBroker[] = [];
	let caller: ServiceBroker;
	/** What `back` does now. */
	let back: (ctx: Context) => unknown = () => "answer";
	let asked = 0;
	/** What the breakers of `caller` and of `front` said. */
	const said: string[] = [];
	const timesLeftMs: number[] = [];

	const newBroker = (nodeID: string): ServiceBroker => {
		const broker = shippedBroker(nodeID, nats.uri);
		brokers.push(broker);
		return broker;
	};
	before(async () => {
		nats = await NatsServer.start();
		caller = newBroker("caller");
		newBroker("front").createService({
			name: "front",
			actions: {
				ask(ctx) {
					timesLeftMs.push(Number(ctx.options.timeout));
					return ctx.call("back.answer");
				},
			},
		});
		newBroker("back").createService({
			name: "back",
			actions: {
				answer(ctx) {
					asked++;
					timesLeftMs.push(Number(ctx.options.timeout));
					return back(ctx);
				},
			},
		});
		for (const broker of brokers) {
			broker.createService({
				name: `listener-${broker.nodeID}`,
				events: {
					"$circuit-breaker.**": (ctx: Context<{ action: string }>) => {
						// It is told to everybody.
						if (ctx.nodeID !== broker.nodeID) return;
						said.push(`${broker.nodeID}: ${ctx.params.action} ${ctx.eventName?.replace("$circuit-breaker.", "")}`);
					},
				},
			});
		}
		await Promise.all(brokers.map((broker) => broker.start()));
		await caller.waitForServices(["front", "back"]);
		await brokers[1]?.waitForServices("back");
	});
	after(async () => {
		await Promise.all(brokers.map((broker) => broker.stop()));
		await nats?.stop();
	});
	beforeEach(() => {
		asked = 0;
		said.length = 0;
		timesLeftMs.length = 0;
	});

	const ask = (action: string) =>
		caller.call(action, {}, { timeout: TIMEOUT_MS }).then(
			() => "answered",
			(error: Error & { type: string }) => error.type,
		);

	it("have less time left at every step", async () => {
		back = () => sleep(20).then(() => "answer");
		assert.equal(await ask("front.ask"), "answered");
		const [atFront = 0, atBack = 0] = timesLeftMs;
		assert.ok(atFront <= TIMEOUT_MS - 50 && atBack <= atFront - 50 && atBack > 0, `${timesLeftMs}`);
	});

	it("that hang cut off the process that hangs, and not the one that waits for it; when it answers again it is asked again", async () => {
		back = () => sleep(1_500);
		for (let n = 0; n < 4; n++) assert.equal(await ask("front.ask"), "REQUEST_TIMEOUT");
		assert.equal(asked, 4, "with the call that was answered before, that is enough for an opinion");
		await until(() => said.includes("front: back.answer opened"), "the breaker of front opens");
		// At once, and without asking: `front` is asked still.
		assert.equal(await ask("front.ask"), "SERVICE_NOT_AVAILABLE");
		assert.equal(asked, 4);

		back = () => "answer";
		await until(() => said.includes("front: back.answer half-opened"), "the breaker half-opens");
		assert.equal(await ask("front.ask"), "answered");
		assert.equal(asked, 5);
		await until(() => said.includes("front: back.answer closed"), "the breaker closes");
		assert.deepEqual(
			said.filter((line) => !line.startsWith("front: back.answer")),
			[],
		);
	});

	it("that are lost are given up altogether", async () => {
		back = () => "answer";
		freeze(nats.pid);
		const asking = ask("back.answer");
		await sleep(50);
		await nats.kill();
		assert.equal(await asking, "REQUEST_TIMEOUT");
		await nats.restart();
		const { _trackedContexts, transit } = caller as unknown as Kept;
		assert.deepEqual([_trackedContexts.length, transit.pendingRequests.size], [0, 0]);
		await until(async () => (await ask("back.answer")) === "answered", "all are connected again");
	});

	it("that are refused, even as overloaded or unavailable, cut off nobody", async () => {
		back = () => Promise.reject(Object.assign(new Error("no"), { code: 503, type: "ledger_unavailable" }));
		for (let n = 0; n < 12; n++) assert.equal(await ask("back.answer"), "ledger_unavailable");
		assert.equal(asked, 12);
		assert.deepEqual(said, []);
	});
});
