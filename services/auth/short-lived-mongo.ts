import type { AnyBulkWriteOperation, Collection, Db } from "mongodb";
import { answered, DUPLICATE_KEY, DURABLE, define, isBulkWriteError, Mongo } from "../../mixins/mongo.ts";
import { type Claiming, type Count, type Counted, isFirstOf, type ShortLived } from "./short-lived.ts";

type Lasting = { _id: string; untilMs: number; expiresAt: Date };
type Claim = Lasting & { questionId: string };
type Counter = Lasting & { count: number };

/** What is over is removed by MongoDB within the next minutes; until then it counts as if it were not there. */
const ttl = { key: { expiresAt: 1 }, expireAfterSeconds: 0 } as const;

/** A failover may forget the last counts, never a claim. */
const FAST = { w: 1 } as const;

export class MongoShortLived implements ShortLived {
	readonly #mongo: Mongo;

	private constructor(mongo: Mongo) {
		this.#mongo = mongo;
	}

	static async open(uri: string): Promise<MongoShortLived> {
		const opened = new MongoShortLived(Mongo.open(uri));
		try {
			const db = await opened.#mongo.database();
			await Promise.all([define(db, "claims_short", [ttl]), define(db, "counters_short", [ttl])]);
			return opened;
		} catch (error) {
			await opened.close();
			throw error;
		}
	}

	/**
	 * Nearly all are new, so first they are just inserted: for the server and those who copy from it that is the least to do. A key that is
	 * there already is taken, unless what is there is over, or was asked for by this same question: that decides an upsert, which finds
	 * only such ones. Where there is a claim that holds, it tries to insert a second one, and the unique `_id` refuses that. So it is
	 * always the server that decides, whoever else asks.
	 */
	async claim(keys: readonly string[], { nowMs, untilMs, questionId }: Claiming): Promise<boolean[]> {
		if (keys.length === 0) return [];
		const different = [...new Set(keys)];
		const claimed = { untilMs, expiresAt: new Date(untilMs), questionId };
		const taken = await this.#within(async (db) => {
			const claims: Collection<Claim> = db.collection("claims_short");
			const known = await refusedBy(
				claims,
				different.map((_id) => ({ insertOne: { document: { _id, ...claimed } } })),
			);
			const seen = known.map((index) => different[index] as string);
			const still = await refusedBy(
				claims,
				seen.map((_id) => {
					const filter = { _id, $or: [{ untilMs: { $lte: nowMs } }, { questionId }] };
					return { updateOne: { filter, update: { $set: claimed }, upsert: true } };
				}),
			);
			return new Set(still.map((index) => seen[index] as string));
		});
		const isFirst = isFirstOf(keys);
		return keys.map((key, index) => !taken.has(key) && isFirst(key, index));
	}

	/** What comes back may have in it what others have added meanwhile. */
	async add(counts: readonly Count[]): Promise<Counted[]> {
		if (counts.length === 0) return [];
		const sums = [...summed(counts)];
		return this.#within(async (db) => {
			const counters: Collection<Counter> = db.collection("counters_short");
			return inTurn(counts, sums.length === 1 ? await addToOne(counters, sums) : await addToMany(counters, sums));
		});
	}

	async read(keys: readonly string[], nowMs: number): Promise<number[]> {
		const found = await this.#within((db) => documentsOf(db.collection("counters_short"), keys));
		return keys.map((key) => {
			const { count = 0, untilMs = 0 } = found.get(key) ?? {};
			return untilMs > nowMs ? count : 0;
		});
	}

	async clear(keys: readonly string[]): Promise<void> {
		await this.#within((db) =>
			db.collection<Counter>("counters_short").deleteMany({ _id: { $in: [...keys] } }, { writeConcern: FAST }),
		);
	}

	close(): Promise<void> {
		return this.#mongo.close();
	}

	async #within<T>(work: (db: Db) => Promise<T>): Promise<T> {
		return answered(work(await this.#mongo.database()));
	}
}

/** @returns the places of those that were refused because the key is there */
async function refusedBy(
	claims: Collection<Claim>,
	operations: readonly AnyBulkWriteOperation<Claim>[],
): Promise<number[]> {
	if (operations.length === 0) return [];
	try {
		await claims.bulkWrite(operations, { ordered: false, writeConcern: DURABLE });
		return [];
	} catch (error) {
		const errors = isBulkWriteError(error) ? [error.writeErrors].flat() : [];
		if (errors.length === 0 || errors.some(({ code }) => code !== DUPLICATE_KEY)) throw error;
		return errors.map(({ index }) => index);
	}
}

/** One question instead of two: when little is going on each request comes alone, and what it costs is what waiting for answers costs. */
async function addToOne(counters: Collection<Counter>, sums: readonly Count[]): Promise<Map<string, Counted>> {
	const [{ key, ...count }] = sums as readonly [Count];
	const options = { upsert: true, returnDocument: "after", writeConcern: FAST } as const;
	const now = await counters.findOneAndUpdate({ _id: key }, [{ $set: added(count) }], options);
	return new Map(now ? [[key, now]] : []);
}

async function addToMany(counters: Collection<Counter>, sums: readonly Count[]): Promise<Map<string, Counted>> {
	const operations = sums.map(({ key, ...count }): AnyBulkWriteOperation<Counter> => {
		return { updateOne: { filter: { _id: key }, update: [{ $set: added(count) }], upsert: true } };
	});
	await counters.bulkWrite(operations, { ordered: false, writeConcern: FAST });
	return documentsOf(
		counters,
		sums.map(({ key }) => key),
	);
}

/** One for each key: two updates of one document that does not exist yet would meet each other. */
function* summed(counts: readonly Count[]): Generator<Count> {
	for (const [key, same] of Map.groupBy(counts, ({ key }) => key)) {
		const amount = same.reduce((sum, count) => sum + count.amount, 0);
		yield { ...(same[0] as Count), key, amount };
	}
}

/** What each of one call made of its counter, one after the other, up to what the counter was found to hold. */
function inTurn(counts: readonly Count[], found: ReadonlyMap<string, Counted>): Counted[] {
	const after = new Map<string, number>();
	return counts
		.toReversed()
		.map(({ key, amount, untilMs }) => {
			const { count, untilMs: endsAtMs } = found.get(key) ?? { count: amount, untilMs };
			const later = after.get(key) ?? 0;
			after.set(key, later + amount);
			return { count: count - later, untilMs: endsAtMs };
		})
		.toReversed();
}

/** A counter whose time is over, or that is not there, begins anew. */
function added({ amount, nowMs, untilMs }: Omit<Count, "key">) {
	const isOver = { $lte: [{ $ifNull: ["$untilMs", 0] }, nowMs] };
	return {
		count: { $cond: [isOver, amount, { $add: ["$count", amount] }] },
		untilMs: { $cond: [isOver, untilMs, "$untilMs"] },
		expiresAt: { $cond: [isOver, new Date(untilMs), "$expiresAt"] },
	};
}

async function documentsOf(counters: Collection<Counter>, keys: readonly string[]): Promise<Map<string, Counted>> {
	const found = await counters
		.find({ _id: { $in: [...new Set(keys)] } }, { readConcern: { level: "local" } })
		.toArray();
	return new Map(found.map(({ _id, count, untilMs }) => [_id, { count, untilMs }]));
}
