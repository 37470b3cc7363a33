import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ServiceBroker } from "moleculer";
import { brokerOptions, readSettings } from "../../moleculer.config.ts";
import { NatsServer } from "../../scripts/cluster/nats-server.ts";
import { ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import { call, type Params } from "../../services/actions.ts";
import { problemOf } from "../../services/errors.ts";
import { type Launched, launch } from "../api/process.ts";

const START_TIMEOUT_MS = 20_000;
const wallets = Array.from({ length: 16 }, (_, n) => `wallet:u_${String(n).padStart(16, "0")}`);
export const STORE = "store:s_0000000000000000";
const CREDIT = 1_000_000;

/** Processes of the ledger that share a MongoDB and find each other over NATS, and one broker that has no service and asks them. */
export class LedgerCluster {
	readonly nats: NatsServer;
	readonly set: ReplicaSet;
	readonly client: ServiceBroker;
	readonly processes = new Map<string, Launched>();
	readonly #env: NodeJS.ProcessEnv;

	private constructor(nats: NatsServer, set: ReplicaSet) {
		this.nats = nats;
		this.set = set;
		this.#env = {
			...{ TRANSPORTER: nats.uri, MONGODB_URI: set.uri("cluster") },
			...{ SERVICES: "credit", PROBE_PORT: "0", LOG_LEVEL: "info" },
		};
		this.client = new ServiceBroker(brokerOptions({ ...readSettings(this.#env), logLevel: "fatal" }));
	}

	static async start({ processes = 2 } = {}): Promise<LedgerCluster> {
		const cluster = new LedgerCluster(await NatsServer.start(), await ReplicaSet.start());
		try {
			await cluster.client.start();
			for (let n = 0; n < processes; n++) await cluster.add();
			await cluster.#open();
			return cluster;
		} catch (error) {
			await cluster.stop();
			throw error;
		}
	}

	/** One more, known to the client. @returns its node id */
	async add(): Promise<string> {
		const launched = launch(this.#env);
		for (const endsAt = Date.now() + START_TIMEOUT_MS; !launched.stdout().includes("Hannip is up"); await sleep(10)) {
			assert.ok(Date.now() < endsAt && launched.child.exitCode === null, launched.stdout() + launched.stderr());
		}
		const [, nodeID = ""] = /"nodeID":"([^"]+)"/.exec(launched.stdout()) ?? [];
		this.processes.set(nodeID, launched);
		await this.#sees(nodeID);
		return nodeID;
	}

	async #sees(nodeID: string): Promise<void> {
		const asked = () => this.client.call("credit.status", {}, { nodeID, timeout: 1_000 });
		for (const endsAt = Date.now() + START_TIMEOUT_MS; ; await sleep(10)) {
			if (await asked().then(Boolean, () => false)) return;
			assert.ok(Date.now() < endsAt, `the client does not find ${nodeID}`);
		}
	}

	async #open(): Promise<void> {
		for (const accountId of [...wallets, STORE])
			await call(this.client, "credit.open", { accountId, owner: "cluster" });
		for (const creditAccountId of wallets)
			await this.pay({ kind: "charge", debitAccountId: "system:funding", creditAccountId, amount: CREDIT });
	}

	/** Asks, and asks again with the same id, until the outcome is known, as clients do. @throws how it was refused */
	async pay(order: Partial<Params<"credit.transfer">> = {}) {
		const id = `cluster.${randomUUID()}`;
		const debitAccountId = wallets[Math.floor(Math.random() * wallets.length)] as string;
		const command = {
			id,
			fingerprint: id,
			kind: "sale",
			debitAccountId,
			creditAccountId: STORE,
			amount: 1,
			details: {},
			...order,
		} as const;
		const refusals: string[] = [];
		for (;;) {
			try {
				const { transfer } = await call(this.client, "credit.transfer", command);
				return { id: transfer.id, refusals };
			} catch (error) {
				const code = problemOf(error);
				if (!["ledger_unavailable", "outcome_unknown", "service_unavailable", "ledger_busy"].includes(code))
					throw error;
				refusals.push(code);
				await sleep(20);
			}
		}
	}

	/** The process that commands go to now. */
	async writer(): Promise<string> {
		const counts = await this.appends();
		await this.pay();
		const after = await this.appends();
		const [writer] = [...after].find(([id, count]) => count > (counts.get(id) ?? 0)) ?? assert.fail("nobody wrote");
		return writer;
	}

	/** How many groups each process has appended. */
	async appends(): Promise<Map<string, number>> {
		const statuses = [...this.processes.keys()].map(async (nodeID) => {
			const { appended } = (await this.client.call("credit.status", {}, { nodeID })) as { appended: number };
			return [nodeID, appended] as const;
		});
		return new Map(await Promise.all(statuses));
	}

	async storeBalance(): Promise<number> {
		return (await call(this.client, "credit.account", { accountId: STORE })).balance;
	}

	async signal(nodeID: string, signal: NodeJS.Signals): Promise<void> {
		const launched = this.processes.get(nodeID) ?? assert.fail(`there is no ${nodeID}`);
		launched.child.kill(signal);
		if (signal === "SIGSTOP" || signal === "SIGCONT") return;
		this.processes.delete(nodeID);
		await launched.exited;
	}

	async stop(): Promise<void> {
		await this.client.stop();
		for (const id of [...this.processes.keys()]) await this.signal(id, "SIGKILL");
		await this.set.stop();
		await this.nats.stop();
	}
}
