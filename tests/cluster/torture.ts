import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import type { Cluster } from "../../scripts/cluster/cluster.ts";
import { type Fault, inflict, nameOf } from "../../scripts/cluster/faults.ts";
import type { Result } from "../../services/actions.ts";
import { Client, operatorAt } from "../api/client.ts";
import { forEach, randomOf } from "../api/load.ts";
import { Customers, type Failure } from "./customers.ts";
import { type History, type Line, type Observed, unexplained } from "./history.ts";

const CUSTOMERS_AT_ONCE = 8;
/** Before a fault and after it. */
const CALM_MS = 400;
const PAGE = 100;

export type Round = {
	readonly fault: string;
	/** Requests whose outcome was known in the end. */
	readonly settled: number;
	/** Requests that were not answered, or told to try again. */
	readonly failures: readonly Failure[];
	/** From the fault's beginning to the last of them. */
	readonly failuresForS: number;
	readonly unresolved: number;
	/** What cannot be explained; none if all is well. */
	readonly wrong: readonly string[];
	readonly history: History;
	readonly observed: readonly Observed[];
};

/** Customers who go on while something happens to a cluster, and the question afterwards whether every coin is where they were told. */
export class Torture {
	readonly #cluster: Cluster;
	readonly #customers: Customers;
	readonly #operator: Client;
	readonly #random: () => number;
	/** How far each account's lines have been read, and its balance there. */
	readonly #read = new Map<string, { readonly lines: number; readonly balance: number }>();

	private constructor(cluster: Cluster, customers: Customers, operator: Client, seed: number) {
		[this.#cluster, this.#customers, this.#operator, this.#random] = [cluster, customers, operator, randomOf(seed)];
	}

	static async begin(cluster: Cluster, seed: number): Promise<Torture> {
		const anyone = new Client(cluster.publicUrl, null, { origin: cluster.publicUrl });
		const operator = operatorAt(cluster.internalUrl, null, cluster.operatorToken);
		const customers = await Customers.gather(anyone, seed);
		const torture = new Torture(cluster, customers, operator, seed);
		await torture.#observe();
		return torture;
	}

	/** @param faults all at the same time */
	round(...faults: readonly Fault[]): Promise<Round> {
		return this.during(faults.map(nameOf).join(", "), async () => {
			const inflicted = faults.map((fault) => inflict(this.#cluster, fault, this.#random));
			const failed = (await Promise.allSettled(inflicted)).filter((each) => each.status === "rejected");
			if (failed.length > 0) throw new AggregateError(failed.map(({ reason }) => reason as Error));
		});
	}

	/** @param happen rejects where all is not as before in the end */
	async during(fault: string, happen: () => Promise<void>): Promise<Round> {
		const { writes, reads, failures } = this.#customers;
		for (const each of [writes, reads, failures]) each.length = 0;
		const enough = new AbortController();
		const working = this.#customers.work(CUSTOMERS_AT_ONCE, enough.signal);
		working.catch(() => enough.abort());
		await sleep(CALM_MS);
		const beganAtMs = performance.now();
		const problems: string[] = [];
		await happen().catch((error: Error) => problems.push(`not whole again: ${inspect(error)}`));
		await sleep(CALM_MS);
		enough.abort();
		await working;
		const history = { writes: [...writes], reads: [...reads] };
		const observed = await this.#observe();
		const lastFailureAtMs = Math.max(beganAtMs, ...failures.map(({ atMs }) => atMs));
		return {
			fault,
			settled: writes.filter(({ outcome }) => outcome !== "unknown").length,
			failures: [...failures],
			failuresForS: (lastFailureAtMs - beganAtMs) / 1_000,
			unresolved: writes.filter(({ outcome }) => outcome === "unknown").length,
			wrong: [...problems, ...observed.flatMap((each) => unexplained(each, history)), ...(await this.#auditProblems())],
			history,
			observed,
		};
	}

	/** What the ledger says that happened to each account since this was asked last. */
	async #observe(): Promise<Observed[]> {
		const all: Observed[] = [];
		await forEach(this.#customers.accounts, 4, async (accountId) => {
			const { lines: known, balance: balanceBefore } = this.#read.get(accountId) ?? { lines: 0, balance: 0 };
			const lines = await this.#linesAfter(accountId, known);
			const last = lines.at(-1);
			this.#read.set(accountId, { lines: last?.sequence ?? known, balance: last?.balanceAfter ?? balanceBefore });
			all.push({ accountId, balanceBefore, lines });
		});
		return all;
	}

	/** Oldest first. A quiet moment comes before it, so no group is cut in two. */
	async #linesAfter(accountId: string, sequence: number): Promise<(Line & { sequence: number })[]> {
		const newer: Result<"credit.statement">["items"][number][] = [];
		for (let cursor: string | undefined; ; ) {
			const page = await this.#operator.ok("credit.statement", { accountId, limit: PAGE, ...(cursor && { cursor }) });
			const fresh = page.items.filter((line) => line.sequence > sequence);
			newer.push(...fresh);
			if (fresh.length < PAGE || page.nextCursor === null) return newer.reverse();
			cursor = page.nextCursor;
		}
	}

	async #auditProblems(): Promise<string[]> {
		const audit = await this.#operator.ok("credit.audit", {});
		return audit.clean ? [] : [`audit: ${JSON.stringify(audit).slice(0, 300)}`];
	}

	close(): void {
		this.#operator.close();
	}
}
