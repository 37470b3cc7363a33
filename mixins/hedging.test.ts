import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type BrokerOptions, type Context, ServiceBroker } from "moleculer";
import { until } from "../scripts/cluster/processes.ts";
import { fail, problemOf } from "../services/errors.ts";
import { hedging } from "./hedging.ts";
import { tellDatabase } from "./tell-database.ts";

// Long enough for a machine that has other things to do, too.
const AFTER_MS = 300;
const GIVEN_UP_MS = 2_500;

type Name = "credit.transfer" | "credit.account" | "user.me" | "store.create";
type Answer = (ctx: Context<{ n: number }>) => unknown;

/** Brokers that each answer for the ledger in their own way, and one that asks. They talk through Moleculer's transporter in memory. */
class Brokers {
	readonly asked = new Map<string, number[]>();
	readonly #all: ServiceBroker[] = [];
	readonly #ending: (() => void)[] = [];
	readonly #answering = new Map<string, ServiceBroker>();
	readonly #namespace = `hedging-${Math.random()}`;
	readonly caller = this.#broker("caller");

	#broker(nodeID: string): ServiceBroker {
		const broker = new ServiceBroker({
			...{ nodeID, namespace: this.#namespace, transporter: "Fake", logger: false, requestTimeout: GIVEN_UP_MS },
			dependencyInterval: 10,
			// The others hear of a service at once, not after a second. (Moleculer's types do not know it.)
			transit: { serviceChangedDebounceTime: 0 } as NonNullable<BrokerOptions["transit"]>,
			...{ registry: { preferLocal: false }, middlewares: [hedging({ afterMs: AFTER_MS })] },
		});
		this.#all.push(broker);
		return broker;
	}

	async start(answers: Record<string, Answer>): Promise<void> {
		for (const [nodeID, answer] of Object.entries(answers)) {
			const asked: number[] = [];
			this.asked.set(nodeID, asked);
			const handler = (ctx: Context<{ n: number }>) => {
				asked.push(ctx.params.n);
				return answer(ctx);
			};
			const strategy = { strategy: "Shard", strategyOptions: { shardKey: "#lane" } };
			const broker = this.#broker(nodeID);
			this.#answering.set(nodeID, broker);
			broker.createService({
				name: "credit",
				actions: { transfer: { handler, ...strategy }, account: { handler, ...strategy } },
			});
			// One that is repeatable, and one that is not.
			broker.createService({ name: "user", actions: { me: { handler } } });
			broker.createService({ name: "store", actions: { create: { handler } } });
		}
		await Promise.all(this.#all.map((broker) => broker.start()));
		await this.caller.waitForServices(["credit", "user", "store"]);
		while (this.caller.registry.getActionEndpoints("credit.transfer")?.count() !== this.asked.size) await sleep(5);
	}

	/** As if it was dead, but nobody knew: it hears nothing, and says nothing. @returns what wakes it */
	mute(nodeID: string): () => void {
		const { transit } = this.#answering.get(nodeID) as unknown as { transit: { messageHandler: () => unknown } };
		const { messageHandler } = transit;
		transit.messageHandler = () => undefined;
		return () => {
			transit.messageHandler = messageHandler;
		};
	}

	/** As a process does whose database is asked like that. */
	tellDatabase(nodeID: string, isThere: () => boolean): void {
		const broker = this.#answering.get(nodeID) as ServiceBroker;
		const missing = async () => (isThere() ? [] : ["mongodb"]);
		this.#ending.push(tellDatabase(broker, { names: ["nats", "mongodb"], missing }));
	}

	ask(name: Name = "credit.transfer", n = 1): Promise<string> {
		return (this.caller.call(name, { n }) as Promise<string>).catch((error: unknown) => problemOf(error));
	}

	timesAsked(nodeID: string): number {
		return this.asked.get(nodeID)?.length ?? 0;
	}

	async stop(): Promise<void> {
		for (const end of this.#ending) end();
		await Promise.all(this.#all.map((broker) => broker.stop()));
	}
}

const silent: Answer = () => new Promise(() => {});

describe("hedging", () => {
	let brokers: Brokers;
	afterEach(() => brokers.stop());

	/** @param first how the one answers that is asked first, whoever that is */
	async function between(first: Answer, second: Answer): Promise<void> {
		brokers = new Brokers();
		let preferred: string | undefined;
		const answer =
			(nodeID: string): Answer =>
			(ctx) => {
				preferred ??= nodeID;
				return (preferred === nodeID ? first : second)(ctx);
			};
		await brokers.start({ a: answer("a"), b: answer("b") });
	}
	const total = () => brokers.timesAsked("a") + brokers.timesAsked("b");

	it("asks one, always the same, when it answers", async () => {
		await between(
			() => "first",
			() => "second",
		);
		for (let n = 0; n < 20; n++) assert.equal(await brokers.ask(), "first");
		assert.equal(total(), 20);
	});

	it("takes a refusal for an answer, and being busy too", async () => {
		for (const code of ["insufficient_credit", "ledger_busy", "idempotency_key_reused"] as const) {
			await between(
				() => {
					throw fail(code);
				},
				() => "second",
			);
			assert.equal(await brokers.ask(), code);
			assert.equal(total(), 1);
			await brokers.stop();
		}
	});

	it("does not take it for an answer that the second is busy, while the first may have done it", async () => {
		const busy = () => {
			throw fail("ledger_busy");
		};
		await between(() => sleep(AFTER_MS * 4, "first, late"), busy);
		assert.equal(await brokers.ask(), "first, late");
		await brokers.stop();
		await between(silent, busy);
		assert.equal(await brokers.ask(), "outcome_unknown");
	});

	it("asks the other when the first is silent, or says that it cannot", async () => {
		await between(silent, () => "second");
		assert.equal(await brokers.ask(), "second");
		await brokers.stop();
		for (const code of ["ledger_unavailable", "outcome_unknown"] as const) {
			await between(
				() => {
					throw fail(code);
				},
				() => "second",
			);
			assert.equal(await brokers.ask(), "second");
			await brokers.stop();
		}
	});

	it("leaves the other alone when the first is slow, but still answers", async () => {
		await between(
			({ params }) => (params.n === 9 ? sleep(AFTER_MS * 4, "first, late") : "first"),
			() => "second",
		);
		let isOver = false;
		const late = brokers.ask("credit.transfer", 9).finally(() => {
			isOver = true;
		});
		for (; !isOver; await sleep(1)) assert.equal(await brokers.ask(), "first");
		assert.equal(await late, "first, late");
	});

	it("asks the other at once while the first stays silent, and the first again when it is back", async () => {
		let isSilent = true;
		const asked = { first: 0, second: 0 };
		await between(
			() => {
				asked.first++;
				return isSilent ? new Promise(() => {}) : "first";
			},
			() => {
				asked.second++;
				return "second";
			},
		);
		for (let n = 0; n < 10; n++) assert.equal(await brokers.ask(), "second");
		assert.deepEqual(asked, { first: 1, second: 10 });
		isSilent = false;
		let answer = "second";
		for (const until = Date.now() + 5_000; Date.now() < until && answer !== "first"; await sleep(20))
			answer = await brokers.ask();
		assert.equal(answer, "first");
		assert.equal(await brokers.ask(), "first");
	});

	it("asks nobody else any more when the first is given up after the second has answered", async () => {
		brokers = new Brokers();
		let count = 0;
		const answer = (): unknown => (++count === 1 ? new Promise(() => {}) : "another");
		await brokers.start({ a: answer, b: answer, c: answer });
		assert.equal(await brokers.ask(), "another");
		await sleep(GIVEN_UP_MS + AFTER_MS);
		assert.equal(count, 2);
	});

	it("does not know what became of a command that nobody answers; what only reads is just not to be had", async () => {
		await between(silent, silent);
		assert.equal(await brokers.ask("credit.transfer"), "outcome_unknown");
		assert.equal(await brokers.ask("credit.account"), "service_unavailable");
	});

	it("does not know what became of a command either when one says so, whatever another one says of itself", async () => {
		const saying = (code: "outcome_unknown" | "ledger_unavailable" | "ledger_busy") => () => {
			throw fail(code);
		};
		for (const other of ["ledger_unavailable", "ledger_busy"] as const) {
			await between(saying("outcome_unknown"), saying(other));
			assert.equal(await brokers.ask(), "outcome_unknown");
			await brokers.stop();
		}
		await between(saying("ledger_unavailable"), saying("outcome_unknown"));
		assert.equal(await brokers.ask(), "outcome_unknown");
	});

	it("knows that nothing happened when all say so", async () => {
		const cannot = () => {
			throw fail("ledger_unavailable");
		};
		await between(cannot, cannot);
		assert.equal(await brokers.ask(), "ledger_unavailable");
		assert.equal(total(), 2);
	});

	describe("of other services", () => {
		const answers = { a: () => "a", b: () => "b" };

		it("asks each in turn when all answer", async () => {
			brokers = new Brokers();
			await brokers.start(answers);
			for (let n = 0; n < 20; n++) await brokers.ask("user.me");
			assert.deepEqual([brokers.timesAsked("a"), brokers.timesAsked("b")], [10, 10]);
		});

		it("asks the other when one is gone, then only the other, and both again when it is back", async () => {
			brokers = new Brokers();
			await brokers.start(answers);
			const wake = brokers.mute("a");
			const heard = await Promise.all(Array.from({ length: 10 }, () => brokers.ask("user.me")));
			assert.deepEqual(heard, Array(10).fill("b"));
			const before = performance.now();
			for (let n = 0; n < 20; n++) assert.equal(await brokers.ask("store.create"), "b");
			assert.ok(performance.now() - before < GIVEN_UP_MS, "they waited for the one that is gone");
			assert.equal(brokers.timesAsked("a"), 0);
			wake();
			for (const until = Date.now() + 5_000; Date.now() < until && brokers.timesAsked("a") === 0; await sleep(20))
				await brokers.ask("user.me");
			for (let n = 0; n < 4; n++) await brokers.ask("store.create");
			assert.ok(brokers.timesAsked("a") >= 3);
		});

		it("waits for one that is slow, whatever it waits for itself", async () => {
			brokers = new Brokers();
			const slow = () => sleep(AFTER_MS * 4, "slow");
			await brokers.start({ a: slow, b: slow });
			assert.equal(await brokers.ask("user.me"), "slow");
			assert.equal(brokers.timesAsked("a") + brokers.timesAsked("b"), 1);
		});

		const lost = fail("service_unavailable", "The database does not answer", { lacksDatabase: true });

		it("asks the other when one does not reach its database, soon only the other, and both again when it does", async () => {
			brokers = new Brokers();
			let isLost = true;
			const a = () => (isLost ? Promise.reject(lost) : "a");
			await brokers.start({ a, b: () => "b" });
			for (let n = 0; n < 4; n++) assert.equal(await brokers.ask("user.me"), "b");
			assert.ok(brokers.timesAsked("a") > 0);
			brokers.tellDatabase("a", () => !isLost);
			const both = () => Promise.all([brokers.ask("store.create"), brokers.ask("store.create")]);
			await until(async () => (await both()).every((answer) => answer === "b"), "it is told");
			// Whom the ledger's strategy chooses is known when it was asked once.
			assert.equal(await brokers.ask("credit.transfer"), "b");
			const asked = brokers.timesAsked("a");
			for (const name of ["store.create", "user.me", "credit.transfer"] as const)
				for (let n = 0; n < 10; n++) assert.equal(await brokers.ask(name), "b");
			assert.equal(brokers.timesAsked("a"), asked);
			isLost = false;
			await until(async () => (await both()).toSorted().join("") === "ab", "it is told that it is back");
		});

		it("waits for the other that was asked already, whatever one says that does not reach its database", async () => {
			brokers = new Brokers();
			const late = 4 * AFTER_MS;
			const slowly = () => sleep(late, "b");
			await brokers.start({ a: () => sleep(late).then(() => Promise.reject(lost)), b: slowly });
			brokers.tellDatabase("a", () => false);
			// One of the two goes to `a`, which says meanwhile what it lacks.
			assert.deepEqual(await Promise.all([brokers.ask("user.me"), brokers.ask("user.me")]), ["b", "b"]);
		});

		it("asks the other about what one is still at that says that it does not reach its database", async () => {
			brokers = new Brokers();
			await brokers.start({ a: silent, b: () => "b" });
			brokers.tellDatabase("a", () => false);
			assert.deepEqual(await Promise.all([brokers.ask("user.me"), brokers.ask("user.me")]), ["b", "b"]);
			assert.equal(brokers.timesAsked("a"), 1);
		});

		it("waits for the first, whatever the second one fails with, and asks no third one then", async () => {
			brokers = new Brokers();
			let first: string | undefined;
			const answer = (nodeID: string) => () => {
				first ??= nodeID;
				if (first === nodeID) return sleep(8 * AFTER_MS, "first, late");
				throw fail("overloaded");
			};
			await brokers.start({ a: answer("a"), b: answer("b"), c: answer("c") });
			const asking = brokers.ask("user.me");
			await until(() => first !== undefined, "one is asked");
			brokers.tellDatabase(String(first), () => false);
			assert.equal(await asking, "first, late");
			assert.equal(
				["a", "b", "c"].reduce((sum, nodeID) => sum + brokers.timesAsked(nodeID), 0),
				2,
			);
		});

		it("leaves open what was done when one does not reach its database and the other says nothing", async () => {
			brokers = new Brokers();
			await brokers.start({ a: () => Promise.reject(lost), b: silent });
			for (let n = 0; n < 2; n++)
				await assert.rejects(brokers.caller.call("user.me", { n }), { type: "REQUEST_TIMEOUT" });
		});

		it("asks nobody else when none reaches the database, nor for one that is told so by somebody behind it", async () => {
			brokers = new Brokers();
			await brokers.start({ a: () => Promise.reject(lost), b: () => Promise.reject(lost) });
			for (const nodeID of ["a", "b"]) brokers.tellDatabase(nodeID, () => false);
			const total = () => brokers.timesAsked("a") + brokers.timesAsked("b");
			await until(async () => {
				const before = total();
				assert.equal(await brokers.ask("user.me"), "service_unavailable");
				return total() === before + 1;
			}, "both are told");
			const before = total();
			for (let n = 0; n < 4; n++) assert.equal(await brokers.ask("user.me"), "service_unavailable");
			assert.equal(total(), before + 4);
			await brokers.stop();

			brokers = new Brokers();
			const behind: Answer = (ctx) => ctx.call("store.create", { n: 2 }, { nodeID: "b" });
			const told = (ctx: Context<{ n: number }>) => (ctx.params.n === 2 ? Promise.reject(lost) : "b");
			await brokers.start({ a: behind, b: told });
			const heard = [await brokers.ask("user.me"), await brokers.ask("user.me")];
			assert.deepEqual(heard.toSorted(), ["b", "service_unavailable"]);
			assert.equal(brokers.timesAsked("a"), 1);
		});

		it("takes every answer for one, and asks nobody twice what is not repeatable", async () => {
			brokers = new Brokers();
			const refuse = () => {
				throw fail("service_unavailable");
			};
			await brokers.start({ a: refuse, b: refuse });
			assert.equal(await brokers.ask("user.me"), "service_unavailable");
			assert.equal(brokers.timesAsked("a") + brokers.timesAsked("b"), 1);
			brokers.mute("a");
			brokers.mute("b");
			assert.equal(await brokers.ask("store.create"), "service_unavailable");
		});
	});
});
