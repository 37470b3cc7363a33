import type { Db } from "mongodb";
import { DUPLICATE_KEY, DURABLE, type Patience } from "../../mixins/mongo.ts";
import type { TransferId } from "./model.ts";
import type { Locate } from "./read-model.ts";
import type { Change, Hours } from "./read-model-mongo-batch.ts";
import { inGroup } from "./read-model-mongo-collections.ts";

// How a batch gets into the read model in MongoDB. Each of these may be done by several at once, or half and then again.

export async function putAccounts(writes: Writes, changes: readonly Change<string>[]): Promise<void> {
	const there = await putMade(writes, changes);
	const changed = changes.filter(({ _id }) => _id === undefined);
	await writes.update([...there, ...changed].map((change) => updateOf(change, { _id: change.id })));
}

export async function putTransfers(writes: Writes, changes: readonly Change<number>[], locate: Locate): Promise<void> {
	const there = await putMade(writes, changes);
	const changed = changes.filter(({ _id }) => _id === undefined);
	const groups =
		changed.length > 0 ? await locate(changed.map(({ id }) => id as TransferId)) : new Map<string, number>();
	const placed = changed.map((change) => {
		const group = groups.get(change.id);
		if (group === undefined) throw new Error(`the log does not say where transfer ${change.id} was made`);
		return updateOf(change, inGroup(change.id as TransferId, group));
	});
	await writes.update([...there.map((change) => updateOf(change, { _id: change._id })), ...placed]);
}

/** Two made the same hour at once, or it has something of this batch already: now it is there. */
export async function putHours(writes: Writes, hours: readonly Hours[]): Promise<void> {
	const there = await writes.update(hours.map(({ all }) => all));
	await writes.update(hours.filter((_, index) => there.has(index)).map(({ missing }) => missing));
}

/** @returns those that somebody else has made meanwhile */
async function putMade<Id>(writes: Writes, changes: readonly Change<Id>[]): Promise<readonly Change<Id>[]> {
	const made = changes.filter(({ _id }) => _id !== undefined);
	const there = await writes.insert(made.map(({ _id, fields, at }) => ({ _id, ...fields, at })));
	return made.filter((_, index) => there.has(index));
}

/** A write of something that is there already, or of something older, does nothing. */
const updateOf = ({ fields, at }: Change<unknown>, where: object): Update => ({
	q: { ...where, at: { $lt: at } },
	u: { $set: { ...fields, at } },
});

export type Update = { readonly q: object; readonly u: object; readonly upsert?: true };

/**
 * Many writes to one collection, in any order, durable when this resolves: before the progress is moved on, since a new primary that has the
 * progress must have these as well.
 *
 * They go out as plain commands: those of the driver's `bulkWrite` are numbered, so that it can repeat them, for which the server writes down each number.
 * That was a fifth of all that the read model cost it, and here whatever is repeated changes nothing.
 */
export class Writes {
	readonly #db: Db;
	readonly #collection: string;
	readonly #patience: Patience;

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
