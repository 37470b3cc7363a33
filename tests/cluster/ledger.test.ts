import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { call, type Result } from "../../services/actions.ts";
import { forEach } from "../api/load.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";
import { LedgerCluster, STORE } from "./ledger-cluster.ts";

const CLIENTS = 24;

describeOnMongo("processes of the ledger over NATS", () => {
	let cluster: LedgerCluster;
	before(async () => {
		cluster = await LedgerCluster.start({ processes: 3 });
	});
	after(() => cluster.stop());

	/** Clients pay while something happens; everything they were told is in the ledger once, and nothing else. */
	async function paidWhile(happens: (writer: string) => Promise<unknown>): Promise<{ refusals: readonly string[] }> {
		const writer = await cluster.writer();
		const before = await cluster.storeBalance();
		let isOver = false;
		const paid: string[] = [];
		const refusals: string[] = [];
		const client = async () => {
			while (!isOver) {
				const answer = await cluster.pay();
				paid.push(answer.id);
				refusals.push(...answer.refusals);
			}
		};
		const clients = Array.from({ length: CLIENTS }, client);
		await sleep(300);
		await happens(writer);
		const during = paid.length;
		await sleep(300);
		isOver = true;
		await Promise.all(clients);
		assert.ok(paid.length > during, "nobody paid after it");
		// Another process than the one that booked the last may be asked; it looks once a second, and was told nothing while NATS was away.
		for (let n = 0; n < 50 && (await cluster.storeBalance()) - before < paid.length; n++) await sleep(100);
		assert.equal((await cluster.storeBalance()) - before, paid.length);
		// As many at once as a database answers in time.
		const states = new Set<string>();
		await forEach(paid, 50, async (id) => states.add((await call(cluster.client, "credit.outcome", { id })).state));
		assert.deepEqual([...states], ["applied"]);
		// Of one that surely lives: it may take seconds until a dead one is missed.
		const [nodeID = ""] = [...cluster.processes.keys()].filter((id) => id !== writer);
		const { clean, discrepancy } = (await cluster.client.call("credit.audit", {}, { nodeID, timeout: 60_000 })) as {
			clean: boolean;
			discrepancy: unknown;
		};
		assert.ok(clean, JSON.stringify(discrepancy));
		return { refusals };
	}

	it("one of them writes, the others know what it wrote", async () => {
		const before = await cluster.appends();
		await Promise.all(Array.from({ length: 200 }, () => cluster.pay()));
		const after = await cluster.appends();
		const wrote = [...after].filter(([id, count]) => count > (before.get(id) ?? 0));
		assert.equal(wrote.length, 1);
		const balance = await cluster.storeBalance();
		for (const nodeID of cluster.processes.keys()) {
			const asked = () =>
				cluster.client.call("credit.account", { accountId: STORE }, { nodeID }) as Promise<{
					balance: number;
				}>;
			// The event is on its way for a moment.
			for (let n = 0; n < 100 && (await asked()).balance !== balance; n++) await sleep(10);
			assert.equal((await asked()).balance, balance);
		}
	});

	it("whichever is asked knows what was paid before, also in its totals", async () => {
		const total = async (nodeID: string): Promise<number> => {
			const asked = { accountId: STORE, fromMs: 0, toMs: Date.now() + 3_600_000 };
			const totals = (await cluster.client.call("credit.totals", asked, { nodeID })) as Result<"credit.totals">;
			return totals.filter(({ kind }) => kind === "sale").reduce((sum, { count }) => sum + count, 0);
		};
		const nodeIDs = [...cluster.processes.keys()];
		const before = await total(await cluster.writer());
		for (let n = 1; n <= 30; n++) {
			await cluster.pay();
			assert.deepEqual(
				await Promise.all(nodeIDs.map(total)),
				nodeIDs.map(() => before + n),
			);
		}
	});

	it("the writer is killed with -9: others take over, no payment is lost or doubled", async () => {
		const { refusals } = await paidWhile(async (writer) => {
			await cluster.signal(writer, "SIGKILL");
			await sleep(3_000);
		});
		assert.deepEqual(refusals, [], "a caller was told of it");
		await cluster.add();
	});

	it("the writer stands still for longer than anybody waits, and comes back believing that it writes", async () => {
		const { refusals } = await paidWhile(async (writer) => {
			await cluster.signal(writer, "SIGSTOP");
			await sleep(3_000);
			await cluster.signal(writer, "SIGCONT");
			await sleep(500);
		});
		assert.deepEqual(refusals, [], "a caller was told of it");
	});

	it("the writer is asked to stop: it finishes what it has", async () => {
		const { refusals } = await paidWhile((writer) => cluster.signal(writer, "SIGTERM"));
		assert.deepEqual(refusals, [], "a caller was told of it");
		await cluster.add();
	});

	it("NATS is killed and comes back: callers are told that it is not known, and then it is", async () => {
		await paidWhile(async () => {
			await cluster.nats.kill();
			await sleep(1_000);
			await cluster.nats.restart();
			await sleep(3_000);
		});
	});
});
