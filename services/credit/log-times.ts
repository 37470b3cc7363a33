import { LRUCache } from "lru-cache";
import { placeNumber } from "./read-model.ts";
import { numbersAround } from "./time-search.ts";

/** So many are looks of a thousand searches: round numbers are in all of them. */
const KNOWN_MAX = 4_096;

/** A group of the log, and when it was committed. */
type Known = { readonly number: number; readonly atMs: number };
type Range = { readonly fromMs?: number | undefined; readonly toMs?: number | undefined };

/**
 * Where in the log a time lies. The log's time never runs backwards, so what is asked for by time can be had by place, which the read model has an
 * index of: else a shop's sales of one day would be looked for among all that it ever sold.
 */
export class LogTimes {
	readonly #known = new LRUCache<number, Known>({ max: KNOWN_MAX });
	readonly #find: (sequence: number) => Promise<Known | null>;

	/** @param find the first group from this one on that made a transfer, null if there is none */
	constructor(find: (sequence: number) => Promise<Known | null>) {
		this.#find = find;
	}

	/** What is of this time is behind `start` and before `end`, as place numbers; not all that is between them must be. */
	async placesOf({ fromMs, toMs }: Range, lastSequence: number): Promise<{ start: number; end: number }> {
		const around = (atMs: number) =>
			numbersAround(atMs, { first: 1, last: lastSequence, look: (sequence) => this.#look(sequence) });
		const [from, to] = [fromMs ? await around(fromMs) : null, toMs === undefined ? null : await around(toMs)];
		return {
			start: from ? placeNumber({ sequence: from.after, position: 0 }) - 1 : 0,
			// Behind the last one there may be more by now.
			end: to && to.until <= lastSequence ? placeNumber({ sequence: to.until, position: 0 }) : Number.MAX_SAFE_INTEGER,
		};
	}

	/** Another log: nothing of the old one is known of it. */
	clear(): void {
		this.#known.clear();
	}

	async #look(sequence: number): Promise<Known | null> {
		const known = this.#known.get(sequence);
		if (known) return known;
		const found = await this.#find(sequence);
		// It stays true: what is appended comes behind it.
		if (found) this.#known.set(sequence, found);
		return found;
	}
}
