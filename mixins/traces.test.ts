import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Context, ServiceBroker } from "moleculer";
import { seenCalls } from "./seen-calls.ts";
import { newTraceId } from "./trace-id.ts";
import { tracesOf, tracing } from "./traces.ts";
import type { ZipkinSpan } from "./zipkin-sender.ts";

type Collector = { readonly url: string; readonly spans: ZipkinSpan[]; readonly server: Server };

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (let end = ends.pop(); end; end = ends.pop()) await end();
});

/** @param answers after how long it answers; null: never */
async function startCollector(answers: number | null = 0): Promise<Collector> {
	const spans: ZipkinSpan[] = [];
	const server = createServer(async (request, response) => {
		const chunks = await request.toArray();
		spans.push(...(JSON.parse(Buffer.concat(chunks).toString()) as ZipkinSpan[]));
		if (answers === null) return;
		await sleep(answers);
		response.writeHead(202).end();
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	ends.push(async () => {
		server.closeAllConnections();
		server.close();
	});
	return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, server };
}

async function startBroker(url: string, rate: number) {
	const middlewares = [tracing({ url, rate }), seenCalls];
	const broker = new ServiceBroker({ logger: false, nodeID: "node-1", middlewares });
	broker.createService({
		name: "shop",
		actions: {
			sell: (ctx) => ctx.call("shop.pay", ctx.params),
			pay: ({ params }) => {
				if ((params as { fails?: boolean }).fails)
					throw Object.assign(new Error("hunter2 was wrong"), { type: "ledger_busy", data: { password: "hunter2" } });
				return { secret: "hunter2" };
			},
		},
	});
	await broker.start();
	ends.push(() => broker.stop());
	return { broker, traces: tracesOf(broker) ?? assert.fail() };
}

it("one request is one trace of valid ids, without parameters, answers and messages; sent at the latest when the process stops", async () => {
	const { url, spans } = await startCollector();
	const { broker } = await startBroker(url, 1);
	const requestID = newTraceId();
	await broker.call("shop.sell", { password: "hunter2" }, { requestID });
	await broker.call("shop.sell", { fails: true, password: "hunter2" }, { requestID }).catch(() => {});
	await broker.stop();
	assert.equal(spans.length, 4);
	for (const { traceId, id, duration, timestamp, localEndpoint } of spans) {
		assert.equal(traceId, requestID);
		assert.match(id, /^[0-9a-f]{16}$/);
		assert.equal(localEndpoint.serviceName, "shop");
		assert.ok(Number.isInteger(duration) && duration > 0 && Math.abs(timestamp / 1_000 - Date.now()) < 60_000);
	}
	const sell = spans.filter(({ name }) => name === "shop.sell");
	const pay = spans.filter(({ name }) => name === "shop.pay");
	assert.deepEqual(pay.map(({ parentId }) => parentId).sort(), sell.map(({ id }) => id).sort());
	assert.deepEqual(pay.map(({ tags }) => tags.error).filter(Boolean), ["ledger_busy"]);
	assert.doesNotMatch(JSON.stringify(spans), /hunter2/);
});

it("of those outside the share, what failed or was slow is kept, with what was finished before that was known and after it", async () => {
	const { url, spans } = await startCollector();
	const { broker, traces } = await startBroker(url, 0);
	const [fine, failed, slow] = [newTraceId(), newTraceId(), newTraceId()];
	for (const requestID of [fine, failed, slow]) await broker.call("shop.sell", {}, { requestID });
	assert.equal(traces.settle(fine, { isFailed: false, tookMs: 3 }), null);
	assert.equal(traces.settle(failed, { isFailed: true, tookMs: 3 }), "kept");
	assert.equal(traces.settle(slow, { isFailed: false, tookMs: 3_000 }), "kept");
	await broker.call("shop.pay", {}, { requestID: slow });
	await broker.stop();
	const counts = [fine, failed, slow].map((id) => spans.filter(({ traceId }) => traceId === id).length);
	assert.deepEqual(counts, [0, 2, 3]);
});

it("the share follows from the id, so that all processes decide alike", async () => {
	const { url } = await startCollector();
	const { traces } = await startBroker(url, 0.25);
	const sampled = Array.from({ length: 4_000 }, newTraceId).filter((id) => traces.isSampled(id)).length;
	assert.ok(sampled > 800 && sampled < 1_200, `${sampled} of 4,000`);
	assert.equal(traces.isSampled("3fffffff".padEnd(32, "0")), true);
	assert.equal(traces.isSampled("40000000".padEnd(32, "0")), false);
});

it("what no request has begun is not kept, unless it fails", async () => {
	const { url, spans } = await startCollector();
	const { broker } = await startBroker(url, 1);
	await broker.call("shop.pay", {});
	await broker.call("shop.pay", { fails: true }).catch(() => {});
	await broker.stop();
	assert.equal(spans.length, 1);
	assert.match(String(spans[0]?.traceId), /^[0-9a-f]{32}$/);
});

it("ids that another process made up are not kept, and harm nobody", async () => {
	const { url, spans } = await startCollector();
	const { broker } = await startBroker(url, 1);
	for (const wrong of [{ requestID: 5 }, { requestID: undefined }, { requestID: {} }, { parentID: 5 }]) {
		const ctx = Object.assign(new Context(broker), { requestID: newTraceId(), ...wrong });
		const [seen] = broker.registry.actions.get("shop.pay")?.localEndpoints ?? [];
		assert.ok(seen);
		ctx.setEndpoint(seen);
		ctx.params = {};
		await (seen.action as unknown as { handler(ctx: Context): Promise<unknown> }).handler(ctx);
	}
	await broker.stop();
	assert.deepEqual(
		spans.map(({ parentId }) => parentId),
		[undefined],
	);
});

for (const [what, url] of [
	["away", async () => "http://127.0.0.1:9"],
	["silent", async () => (await startCollector(null)).url],
] as const) {
	it(`a collector that is ${what} holds nobody up, and what waits for it is bounded`, async () => {
		const { broker } = await startBroker(await url(), 1);
		for (let count = 0; count < 11_000; count++) await broker.call("shop.pay", {}, { requestID: newTraceId() });
		const stopped = broker.stop().then(() => "stopped");
		assert.equal(await Promise.race([stopped, sleep(8_000, "hangs", { ref: false })]), "stopped");
	});
}
