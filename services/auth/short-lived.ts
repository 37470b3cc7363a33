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
	 * @returns for each key whether it was free, or taken by the same question; of two equal ones in one call only the first is
	 */
	claim(keys: readonly string[], by: Claiming): Promise<boolean[]>;
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

export type Claiming = {
	readonly nowMs: number;
	/** Until when nobody else gets it, at least. */
	readonly untilMs: number;
	/** Of the question: one that is asked again, because its answer did not come, gets the same answer. */
	readonly questionId: string;
};
export type Count = { readonly key: string; readonly amount: number; readonly nowMs: number; readonly untilMs: number };
export type Counted = { readonly count: number; readonly untilMs: number };

/** Of equal ones only the first. */
export function isFirstOf(keys: readonly string[]): (key: string, index: number) => boolean {
	const places = new Map(keys.map((key, index) => [key, index] as const).toReversed());
	return (key, index) => places.get(key) === index;
}

/** @throws when it cannot be opened */
export async function openShortLived({ dataDir, mongodbUri }: Settings): Promise<ShortLived> {
	return mongodbUri ? MongoShortLived.open(mongodbUri) : new SqliteShortLived(join(dataDir, "short-lived.sqlite"));
}
