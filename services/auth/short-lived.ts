import { join } from "node:path";
import type { Settings } from "../../moleculer.config.ts";
import { MongoShortLived } from "./short-lived-mongo.ts";
import { SqliteShortLived } from "./short-lived-sqlite.ts";

/**
 * What several processes must agree on for some seconds or minutes: which proofs were used, how often somebody failed. It may be gone
 * after a power cut, unlike everything else that is kept; never after the end of a process.
 */
export interface ShortLived {
	/**
	 * Takes each key for the first who asks, atomically, whoever asks at the same time and in whichever process.
	 *
	 * @param untilMs until when nobody else gets it, at least
	 * @returns for each key whether it was free; of two equal ones in one call only the first is
	 */
	claim(keys: readonly string[], time: { readonly nowMs: number; readonly untilMs: number }): Promise<boolean[]>;
	/**
	 * Adds to counters, atomically.
	 *
	 * @returns for each what it holds now, at least what this call has added. One whose time is over begins again at zero; the time of one that runs stays as it is
	 */
	add(counts: readonly Count[]): Promise<Counted[]>;
	/** What counters hold, without changing them; zero for those that do not run. */
	read(keys: readonly string[], nowMs: number): Promise<number[]>;
	/** Sets counters back to zero. */
	clear(keys: readonly string[]): Promise<void>;
	close(): Promise<void>;
}

export type Count = { readonly key: string; readonly amount: number; readonly nowMs: number; readonly untilMs: number };
export type Counted = { readonly count: number; readonly untilMs: number };

/** @throws when it cannot be opened */
export async function openShortLived({ dataDir, mongodbUri }: Settings): Promise<ShortLived> {
	return mongodbUri ? MongoShortLived.open(mongodbUri) : new SqliteShortLived(join(dataDir, "short-lived.sqlite"));
}
