import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ServiceBroker } from "moleculer";
import { brokerOptions, readSettings } from "../moleculer.config.ts";
import { problemOf } from "../services/errors.ts";
import { CLOCKS_DIFFER_MS } from "./deadline.ts";

/** The real broker of the platform, with one service: one at a time, as many as like may wait. */
let broker: ServiceBroker;
let begun: number[] = [];
before(async () => {
	broker = new ServiceBroker({ ...brokerOptions(readSettings({ LOG_LEVEL: "fatal" })), logger: false });
	broker.createService({
		name: "slow",
		actions: {
			work: {
				bulkhead: { enabled: true, concurrency: 1, maxQueueSize: 1_000 },
				async handler({ params }: { params: { n: number; forMs: number } }) {
					begun.push(params.n);
					await sleep(params.forMs);
					return params.n;
				},
			},
			free: async ({ params }: { params: { forMs: number } }) => sleep(params.forMs, "done"),
		},
	});
	await broker.start();
});
after(() => broker.stop());

it("what has waited for most of its time behind a bulkhead is refused and not begun; the others are done in order", async () => {
	begun = [];
	const all = Array.from({ length: 10 }, (_, n) => broker.call("slow.work", { n, forMs: 200 }, { timeout: 1_000 }));
	const results = await Promise.allSettled(all);
	const done = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
	const refused = results.flatMap((result) => (result.status === "rejected" ? [problemOf(result.reason)] : []));
	assert.deepEqual(done, [0, 1, 2, 3].slice(0, done.length));
	assert.ok(done.length >= 2, "half a second are enough for some");
	assert.deepEqual(begun, done, "nothing was begun in vain");
	assert.deepEqual(new Set(refused), new Set(["overloaded"]));
	assert.equal(await broker.call("slow.work", { n: 99, forMs: 1 }, { timeout: 1_000 }), 99, "and it goes on");
});

it("what is taken up after who asked has given up is not begun, unless it may only be that clocks differ", async () => {
	begun = [];
	const asked = (agoMs: number) =>
		broker.call("slow.work", { n: agoMs, forMs: 1 }, { meta: { untilMs: Date.now() - agoMs } });
	await assert.rejects(asked(CLOCKS_DIFFER_MS + 100), (error) => problemOf(error) === "service_unavailable");
	assert.deepEqual(begun, []);
	assert.equal(await asked(CLOCKS_DIFFER_MS - 1_000), 1_000);
});

it("that is said by the clock of the gateway that was asked, however wrong this one is, as a quick ping has told", async () => {
	const [nodeID, aheadMs] = ["gateway", 3_600_000];
	const pong = (pong: object) => broker.localBus.emit("$node.pong", { nodeID, ...pong });
	const asked = (agoMs: number) =>
		broker.call("slow.free", { forMs: 1 }, { meta: { untilMs: Date.now() - aheadMs - agoMs, untilBy: nodeID } });
	const isLate = (error: unknown) => problemOf(error) === "service_unavailable";
	await assert.rejects(asked(-1_000), isLate);
	pong({ elapsedTime: 20, timeDiff: aheadMs });
	// It says how long this process stood still, and nothing of clocks.
	pong({ elapsedTime: 20_000, timeDiff: aheadMs + 10_000 });
	assert.equal(await asked(-1_000), "done");
	await assert.rejects(asked(CLOCKS_DIFFER_MS + 100), isLate);
	broker.localBus.emit("$node.disconnected", { node: { id: nodeID } });
	await assert.rejects(asked(-1_000), isLate);
});

it("who waits for nobody has all of its time", async () => {
	assert.equal(await broker.call("slow.free", { forMs: 500 }, { timeout: 1_000 }), "done");
});
