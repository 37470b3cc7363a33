import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Context, ServiceBroker } from "moleculer";
import { answerMeta } from "./answer-meta.ts";
import { hedging } from "./hedging.ts";

const kim = { kind: "operator", name: "kim" };
const lee = { kind: "operator", name: "lee" };

describe("what comes back beside an answer", () => {
	const brokers = ["asking", "asked"].map(
		(nodeID) =>
			new ServiceBroker({
				...{ nodeID, namespace: `answer-meta-${process.pid}`, transporter: "Fake", logger: false },
				middlewares: [answerMeta, hedging({ afterMs: 300 })],
			}),
	);
	const [asking, asked] = brokers as [ServiceBroker, ServiceBroker];
	/** Who asked, in the order in which it was asked. */
	const callers: unknown[] = [];

	before(async () => {
		const saying = (ctx: Context<object, Record<string, unknown>>) => {
			callers.push(ctx.meta.caller);
			Object.assign(ctx.meta, { caller: lee, untilMs: 0, replayed: true, $statusCode: 418 });
			Object.assign(ctx.meta, { $responseHeaders: { "X-Injected": "here" } });
		};
		const answer = (ctx: Context<object, Record<string, unknown>>) => {
			saying(ctx);
			return "done";
		};
		const refuse = (ctx: Context<object, Record<string, unknown>>) => {
			saying(ctx);
			throw new Error("refused");
		};
		// The first is asked again where it is not answered, see `services/repeatable.ts`; of another process and of one's own.
		asked.createService({ name: "user", actions: { me: answer, create: answer, refuse } });
		const ask = async (ctx: Context<{ name: string }>) => {
			await ctx.call(ctx.params.name).catch(() => undefined);
			return { ...ctx.meta };
		};
		asking.createService({ name: "near", actions: { answer, refuse } });
		asking.createService({ name: "asker", actions: { ask } });
		await Promise.all(brokers.map((broker) => broker.start()));
		await asking.waitForServices(["user"]);
		while (!asking.registry.getActionEndpoints("user.me")?.hasAvailable()) await sleep(5);
	});
	after(() => Promise.all(brokers.map((broker) => broker.stop())));

	for (const name of ["user.me", "user.create", "user.refuse", "near.answer", "near.refuse"])
		it(`is that it is a stored one, and nothing else: ${name}`, async () => {
			const meta = await asking.call("asker.ask", { name }, { meta: { caller: kim } });
			assert.deepEqual(meta, { caller: kim, replayed: true });
		});

	it("leaves alone what who asks without a request goes on asking by", async () => {
		const options = { meta: { caller: kim } };
		callers.length = 0;
		for (const name of ["user.me", "user.create", "near.answer"]) await asking.call(name, {}, options);
		assert.deepEqual([options, callers], [{ meta: { caller: kim } }, [kim, kim, kim]]);
	});
});
