import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startPlatform } from "../main.ts";
import { readSettings } from "../moleculer.config.ts";
import type { Params, Result } from "../services/actions.ts";
import { problemOf } from "../services/errors.ts";
import { checkInterrupted, own } from "./ending.ts";
import { median } from "./figures.ts";

// What the benches of the ledger share: who pays whom, how many wait, and what is counted.

const PAIRS = 1_000;
const WARM_UP_MS = 200;

const id = (index: number): string => `bench${String(index).padStart(11, "0")}`;
export const wallets: readonly string[] = Array.from({ length: PAIRS }, (_, index) => `wallet:u_${id(index)}`);
export const stores: readonly string[] = Array.from({ length: PAIRS }, (_, index) => `store:s_${id(index)}`);
const at = (list: readonly string[], index: number): string => list[index % list.length] as string;

export type Order = Params<"credit.transfer">;
type Paying = Pick<Order, "kind" | "debitAccountId" | "creditAccountId" | "amount">;

/** A sale with a new id: the turn says between whom. */
export const spread = (turn: number): Order =>
	order({ kind: "sale", debitAccountId: at(wallets, turn * 7), creditAccountId: at(stores, turn), amount: 1 });

export const intoOne = (turn: number): Order => ({ ...spread(turn), creditAccountId: at(stores, 0) });

/** With a new id. */
const command = () => ({ id: `s_benchbenchbench1.${randomUUID()}`, fingerprint: "benchbenchbenchbenchbe" });

export const order = (paying: Paying): Order => ({
	...command(),
	...paying,
	details: { storeName: "Bench", items: [{ name: "Americano", unitPrice: 3_000, quantity: 1, amount: 3_000 }] },
});

/** A ledger that can be asked: a broker, or one process behind it. */
export type Ask = (name: string, params: object) => Promise<unknown>;

export const status = (ask: Ask) => ask("credit.status", {}) as Promise<Result<"credit.status">>;

/** All accounts, and enough credit to pay for ever. */
export async function prepare(ask: Ask): Promise<void> {
	await Promise.all([...wallets, ...stores].map((accountId) => ask("credit.open", { accountId, owner: "bench" })));
	const charge = { kind: "charge", debitAccountId: "system:funding", amount: 1_000_000_000 } as const;
	const charges = wallets.map((creditAccountId) => order({ ...charge, creditAccountId }));
	await Promise.all(charges.map((each) => ask("credit.transfer", each)));
}

export async function caughtUp(ask: Ask): Promise<void> {
	for (;;) {
		const { sequence, readModelSequence } = await status(ask);
		if (readModelSequence >= sequence) return;
		checkInterrupted();
		await sleep(5);
	}
}

/** The ledger alone in this process, with its accounts. It ends with the bench. */
export async function startLedger(env: NodeJS.ProcessEnv): Promise<Ask> {
	const dataDir = mkdtempSync(join(tmpdir(), "hannip-bench-"));
	await own(Promise.resolve(), () => rmSync(dataDir, { recursive: true, force: true }));
	const settings = readSettings({
		DATA_DIR: dataDir,
		SERVICES: "credit",
		PROBE_PORT: "0",
		LOG_LEVEL: "error",
		...env,
	});
	const { broker } = await own(startPlatform(settings), ({ stop }) => stop());
	const ask: Ask = (name, params) => broker.call(name, params);
	await prepare(ask);
	return ask;
}

const RETRY_MS = 20;
/** What clients ask again after, under the same id. */
const RETRYABLE: ReadonlySet<string> = new Set([
	"ledger_unavailable",
	"outcome_unknown",
	"service_unavailable",
	"ledger_busy",
]);

/** So many sales are remembered, to be given back later, the oldest first: by then the ledger has forgotten them, and has to look them up. */
const SOLD_MAX = 200_000;
const HOLD_TTL_MS = 3_600_000;

/** Somebody who pays, and what it took. */
export class Payer {
	readonly #ask: Ask;
	readonly #refusals = new Map<string, number>();
	readonly #sold: string[] = [];
	#refunded = 0;
	/** Transfers. */
	booked = 0;
	#slowestMs = 0;

	constructor(ask: Ask) {
		this.#ask = ask;
	}

	async pay(order: Order): Promise<void> {
		await this.#until("credit.transfer", order);
		this.booked++;
		if (this.#sold.length - this.#refunded < SOLD_MAX) this.#sold.push(order.id);
	}

	/** Two commands. */
	async holdAndPost(order: Order): Promise<void> {
		await this.#until("credit.transfer", { ...order, hold: { ttlMs: HOLD_TTL_MS } });
		await this.#until("credit.post", { ...command(), transferId: order.id });
		this.booked++;
	}

	/** What was sold longest ago, which must have been paid before. */
	async refundOldest(): Promise<void> {
		const transferId = this.#sold[this.#refunded++];
		if (transferId === undefined) throw new Error("all sales were given back");
		if (this.#refunded === SOLD_MAX) {
			this.#sold.splice(0, SOLD_MAX);
			this.#refunded = 0;
		}
		await this.#until("credit.refund", { ...command(), transferId, details: { reason: "Bench" } });
		this.booked++;
	}

	/** The same id until it is booked. @throws what no repetition would change */
	async #until(name: string, params: object): Promise<void> {
		for (const startedAt = performance.now(); ; await sleep(RETRY_MS)) {
			checkInterrupted();
			try {
				await this.#ask(name, params);
				this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startedAt);
				return;
			} catch (error) {
				const code = problemOf(error);
				if (!RETRYABLE.has(code)) throw error;
				this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1);
			}
		}
	}

	toString(): string {
		const refusals = [...this.#refusals].map(([code, count]) => `${count} ${code}`).join(", ") || "none";
		return `${this.booked.toLocaleString("en")} booked, the slowest after ${Math.round(this.#slowestMs)} ms; failed attempts: ${refusals}`;
	}
}

type Work = {
	/** So many wait at any time. */
	readonly width: number;
	/** Resolves when it is booked. */
	readonly pay: (turn: number, client: number) => Promise<unknown>;
};

/**
 * Payments per second that were answered between the warm-up and the end, with so many clients that each ask again as soon as they are
 * answered. What was under way at the end is waited for, and not counted.
 */
async function load({ width, pay }: Work, seconds: number): Promise<{ count: number; perS: number }> {
	const startedAt = performance.now() + WARM_UP_MS;
	const endsAt = startedAt + seconds * 1_000;
	let turn = 0;
	let counted = 0;
	const client = async (_: unknown, index: number) => {
		for (let now = performance.now(); now < endsAt; ) {
			checkInterrupted();
			await pay(turn++, index);
			now = performance.now();
			if (now >= startedAt && now < endsAt) counted++;
		}
	};
	await Promise.all(Array.from({ length: width }, client));
	return { count: turn, perS: counted / seconds };
}

export type Row = Work & {
	readonly name: string;
	/** Resolves when nothing of what was paid is left to do. */
	readonly settled?: () => Promise<void>;
};

export type Measured = {
	/** Answered. */
	readonly perS: number;
	/** And in the read model, where there is one. */
	readonly settledPerS: number;
};

/** Starts when nothing is left to do from before. */
export async function measure(row: Row, seconds: number): Promise<Measured & { readonly count: number }> {
	await row.settled?.();
	const startedAt = performance.now();
	const { count, perS } = await load(row, seconds);
	await row.settled?.();
	const settledPerS = row.settled ? (count / (performance.now() - startedAt)) * 1_000 : Number.NaN;
	return { count, perS, settledPerS };
}

export type Plan = { readonly rounds: number; readonly seconds: number };

/** Measures the rows in turn, several rounds, so that a slow moment of the machine hits all of them. */
export async function inTurn(rows: readonly Row[], plan: Plan, afterRound?: () => void): Promise<Results> {
	for (const row of rows) await measure(row, 0.5);
	const results = new Results(rows);
	for (let round = 1; round <= plan.rounds; round++) {
		for (const row of rows) results.add(row, await measure(row, plan.seconds));
		afterRound?.();
		progress(`round ${round} of ${plan.rounds} done`);
	}
	return results;
}

/** Seconds since the start before each line: whoever waits sees that it goes on. */
export const progress = (text: string): void => console.log(`${(performance.now() / 1_000) | 0} s  ${text}`);

export class Results {
	readonly #runs: ReadonlyMap<string, Measured[]>;

	constructor(rows: readonly Row[]) {
		this.#runs = new Map(rows.map(({ name }) => [name, []]));
	}

	add({ name }: Row, measured: Measured): void {
		this.#runs.get(name)?.push(measured);
	}

	perS(name: string): number {
		return median(this.#of(name, "perS"));
	}

	settledPerS(name: string): number {
		return median(this.#of(name, "settledPerS"));
	}

	#of(name: string, what: keyof Measured): number[] {
		return (this.#runs.get(name) ?? []).map((measured) => measured[what]);
	}

	print(title: string): void {
		const line = (...[name, ...cells]: readonly string[]) =>
			console.log((name ?? "").padEnd(44), ...cells.map((cell) => cell.padStart(11)));
		console.log(`\n${title}`);
		line("transfers/s", "median", "min", "max", "read model");
		for (const name of this.#runs.keys()) {
			const list = this.#of(name, "perS");
			const figures = [this.perS(name), Math.min(...list), Math.max(...list), this.settledPerS(name)];
			line(name, ...figures.map((figure) => (Number.isNaN(figure) ? "–" : Math.round(figure).toLocaleString("en"))));
		}
	}
}

/** Each is a hold and its capture. */
export const HELD = "128 waiting, held and captured";
/** Each is a refund of a sale that is no longer in the ledger's memory. */
export const REFUNDED = "128 waiting, refunds of old sales";

type Named = {
	readonly name: string;
	readonly width: number;
	readonly pay: (payer: Payer, turn: number) => Promise<void>;
};
const usual: readonly Named[] = [
	{ name: "1 waiting", width: 1, pay: (payer, turn) => payer.pay(spread(turn)) },
	{ name: "32 waiting", width: 32, pay: (payer, turn) => payer.pay(spread(turn)) },
	{ name: "128 waiting", width: 128, pay: (payer, turn) => payer.pay(spread(turn)) },
	{ name: "128 waiting, into one account", width: 128, pay: (payer, turn) => payer.pay(intoOne(turn)) },
	{ name: "1,024 waiting", width: 1_024, pay: (payer, turn) => payer.pay(spread(turn)) },
	{ name: HELD, width: 128, pay: (payer, turn) => payer.holdAndPost(spread(turn)) },
	{ name: REFUNDED, width: 128, pay: (payer) => payer.refundOldest() },
];

/** What is measured of any journal, through `credit.transfer`. */
export const ledgerRows = (ask: Ask, payer = new Payer(ask)): readonly Row[] =>
	usual.map(({ name, width, pay }) => ({
		name,
		width,
		pay: (turn) => pay(payer, turn),
		settled: () => caughtUp(ask),
	}));
