import { setTimeout as sleep } from "node:timers/promises";
import type { Db } from "mongodb";
import { answered, DUPLICATE_KEY, DURABLE, Patience } from "../../mixins/mongo.ts";
import type { TransferId } from "./model.ts";
import type { Locate } from "./read-model.ts";
import type { Addition, Change } from "./read-model-mongo-batch.ts";
import type { TransferKey } from "./read-model-mongo-collections.ts";

// How a batch gets into the read model in MongoDB. Each of these may be done by several at once, or half and then again.

/** Between attempts. */
const PAUSE_MS = 50;
/** A connection that broke, or an election, is over by then; what has not answered until then is away, and whoever waits is told. */
const REPEATED_MS = 1_200;

export async function putAccounts(writes: Writes, changes: readonly Change<string>[]): Promise<void> {
	const there = await putMade(writes, changes);
	const changed = changes.filter(({ madeAs }) => madeAs === undefined);
	await writes.update([...there, ...changed].map((change) => updateOf(change, change.id)));
}

export async function putTransfers(
	writes: Writes,
	changes: readonly Change<TransferKey>[],
	locate: Locate,
): Promise<void> {
	const changed = changes.filter(({ madeAs }) => madeAs === undefined);
	const ids = changed.map(({ id }) => id as TransferId);
	const [there, groups] = await Promise.all([putMade(writes, changes), ids.length > 0 ? locate(ids) : null]);
	const placed = changed.map((change) => {
		const sequence = groups?.get(change.id);
		if (sequence === undefined) throw new Error(`the log does not say where transfer ${change.id} was made`);
		return updateOf(change, { sequence, id: change.id });
	});
	await writes.update([...there.map((change) => updateOf(change, change.madeAs)), ...placed]);
}

/** The hour has something of this batch already, or two made it at once: now it is there. */
export async function putHours(writes: Writes, hours: readonly Addition[]): Promise<void> {
	const there = await writes.update(hours.map(({ wholly }) => wholly));
	await writes.update(hours.filter((_, index) => there.has(index)).map(({ missing }) => missing));
}

/** @returns those that somebody else has made meanwhile */
async function putMade<Key>(writes: Writes, changes: readonly Change<Key>[]): Promise<readonly Change<Key>[]> {
	const made = changes.filter(({ madeAs }) => madeAs !== undefined);
	const there = await writes.insert(made.map(({ madeAs, fields, at }) => ({ _id: madeAs, ...fields, at })));
	return made.filter((_, index) => there.has(index));
}

/** A write of something that is there already, or of something older, does nothing. */
const updateOf = ({ fields, at }: Change<unknown>, _id: unknown): Update => ({
	q: { _id, at: { $lt: at } },
	u: { $set: { ...fields, at } },
});

export type Update = { readonly q: object; readonly u: object; readonly upsert?: true };

/**
 * Many writes to one collection, in any order, durable when this resolves: before the progress is moved on, since a new primary that has the
 * progress must have these as well.
 *
 * They go out as plain commands. Those of the driver's `bulkWrite` are numbered, so that it can repeat them once, and the server writes down each number:
 * a fifth of all that the read model cost it. Here nothing is done a second time by being repeated, so all of it is, for a while.
 */
export class Writes {
	readonly #db: Db;
	readonly #collection: string;
	readonly #patience: Patience;
	readonly #repeating = new Patience(REPEATED_MS);

	constructor(db: Db, collection: string, patience: Patience) {
		this.#db = db;
		this.#collection = collection;
		this.#patience = patience;
	}

	/** @returns the places in the list of those whose `_id` was there already */
	insert(documents: readonly object[]): Promise<ReadonlySet<number>> {
		return this.#write({ insert: this.#collection, documents }, documents.length);
	}

	/** @returns the places in the list of those that were to be made, and whose `_id` was there already */
	update(updates: readonly Update[]): Promise<ReadonlySet<number>> {
		return this.#write({ update: this.#collection, updates }, updates.length);
	}

	async #write(command: object, count: number): Promise<ReadonlySet<number>> {
		if (count === 0) return new Set();
		for (;;) {
			try {
				return await answered(this.#attempt(command), this.#patience);
			} catch (error) {
				const mayWorkSoon = (error as { type?: unknown }).type === "service_unavailable";
				if (!mayWorkSoon || this.#repeating.isOver) throw error;
				await sleep(PAUSE_MS);
			}
		}
	}

	async #attempt(command: object): Promise<ReadonlySet<number>> {
		const { leftMs: maxTimeMS, signal } = this.#patience;
		const options = { ordered: false, writeConcern: DURABLE, maxTimeMS };
		// Write concern errors are thrown by the driver.
		const { writeErrors = [] } = await this.#db.command({ ...command, ...options }, { signal });
		for (const { code, errmsg } of writeErrors as readonly WriteError[])
			if (code !== DUPLICATE_KEY) throw Object.assign(new Error(`MongoDB refuses a write: ${errmsg}`), { code });
		return new Set((writeErrors as readonly WriteError[]).map(({ index }) => index));
	}
}

type WriteError = { readonly index: number; readonly code: number; readonly errmsg: string };
