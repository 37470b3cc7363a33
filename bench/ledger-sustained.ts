import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { median } from "./figures.ts";
import { type Ask, measure, type Row, status } from "./ledger-load.ts";

const SAMPLE_MS = 100;
/** Of Linux, wherever Node runs. */
const TICKS_PER_S = 100;

type Sustained = {
	readonly perS: number;
	/** How old the oldest group was that the read model did not have yet. */
	readonly lagMaxS: number;
	readonly lagMedianS: number;
	/** CPU for 1,000 transfers: of this process, which also makes the load, and of mongod. */
	readonly nodeS: number;
	readonly mongodS: number;
};

export type Place = { readonly ask: Ask; readonly mongodPid: number; readonly seconds: number };

export async function sustain(row: Row, { ask, mongodPid, seconds }: Place): Promise<Sustained> {
	await row.settled?.();
	const before = { node: process.cpuUsage(), mongod: cpuSeconds(mongodPid) };
	const lag = new Lag(ask);
	const { count, perS } = await measure(row, seconds).finally(() => lag.stop());
	// Until the read model has all, so that its part counts.
	const { user, system } = process.cpuUsage(before.node);
	return {
		perS,
		lagMaxS: Math.max(...lag.samplesS),
		lagMedianS: median(lag.samplesS),
		nodeS: ((user + system) / 1e6 / count) * 1_000,
		mongodS: ((cpuSeconds(mongodPid) - before.mongod) / count) * 1_000,
	};
}

/** Looks ten times a second how far the log and the read model are. */
class Lag {
	readonly samplesS: number[] = [];
	readonly #unread: { readonly sequence: number; readonly sinceMs: number }[] = [];
	#stopped = false;

	constructor(ask: Ask) {
		this.#watch(ask).catch(console.error);
	}

	async #watch(ask: Ask): Promise<void> {
		const { sequence } = await status(ask);
		for (let last = { sequence, atMs: performance.now() }; !this.#stopped; ) {
			await sleep(SAMPLE_MS);
			const { sequence, readModelSequence } = await status(ask);
			// What is new may have come right after the last look: it is taken for as old as it can be.
			if (sequence > last.sequence) this.#unread.push({ sequence, sinceMs: last.atMs });
			last = { sequence, atMs: performance.now() };
			while ((this.#unread[0]?.sequence ?? Number.POSITIVE_INFINITY) <= readModelSequence) this.#unread.shift();
			this.samplesS.push((last.atMs - (this.#unread[0]?.sinceMs ?? last.atMs)) / 1_000);
		}
	}

	stop(): void {
		this.#stopped = true;
	}
}

/** @returns NaN where there is no /proc */
function cpuSeconds(pid: number): number {
	try {
		// The name before these may have blanks in it.
		const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
		return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
	} catch {
		return Number.NaN;
	}
}
