import type { Db } from "mongodb";
import { answered, DURABLE, Mongo, Patience } from "../../mixins/mongo.ts";
import { type Group, type Head, headOf } from "./journal.ts";
import { LogTimes } from "./log-times.ts";
import type { Account, AccountId, Transfer, TransferId } from "./model.ts";
import { ProjectionQueue, QueuedReadModel } from "./projection-queue.ts";
import {
	HOUR_MS,
	type Locate,
	type LookingBack,
	type Place,
	placeAt,
	placeNumber,
	type ReadModel,
	type StatementLine,
	type StatementQuery,
	type Total,
} from "./read-model.ts";
import { Batch } from "./read-model-mongo-batch.ts";
import {
	type Collections,
	collectionsOf,
	drop,
	findOrMake,
	lineOf,
	makeNext,
	type Progress,
	readProgress,
	toAccount,
	toTransfer,
	totalsOf,
	VERSION,
} from "./read-model-mongo-collections.ts";
import { putAccounts, putHours, putTransfers, Writes } from "./read-model-mongo-writes.ts";

const limits = {
	batchGroups: 2_000,
	batchBytes: 4_000_000,
	gatherMs: 300,
	backlogBytesMax: 16_000_000,
	reachTimeoutMs: 2_000,
} as const;
/** A batch is nobody's request: it may take its time while the database is busy. */
const BATCH_TIMEOUT_MS = 10_000;
/** So long a process leaves the writing to another one that was faster. */
const TAKE_OVER_MS = 300;

/**
 * The read model in MongoDB, shared by all processes of the ledger. Each projects every group that it hears of; whoever writes a batch
 * first moves the progress on, if that is still where the batch begins, and the others find it done. The one who was first usually
 * goes on, and the others look on, until nothing moves for a while.
 *
 * **A batch is no transaction.** Its documents are written each for itself, and each knows up to which group it is written, hour totals
 * too (see `read-model-mongo-batch.ts`), so that a batch can be written twice, by two at once, or half and then again. When all of it
 * is durable, the progress follows. As one transaction it was as fast (20,000–27,000 transfers/s on three members, without one
 * 15,000–25,000); but a process that was killed in the middle of one left it open, with its locks, until the server ended it after a
 * minute, and in that minute nobody could project anything.
 *
 * **It is what the log says at its head, or at some later group.** What is behind the head may be there in part: a transfer, and its
 * account's balance not yet. That harms no decision: who reads it has not read the log to its end, and its append will be a conflict.
 *
 * **Reads are "local", on the primary.** Progress, and all that it stands for, is durable in a majority before anybody hears of it, so
 * whoever is the primary later has at least what this process counts on. A "majority" read could be older right after an election, and
 * the ledger would decide about a balance that is no more. What a local read shows too early is made from groups that are durable.
 */
export class MongoReadModel extends QueuedReadModel implements ReadModel {
	readonly #mongo: Mongo;
	readonly #db: Db;
	readonly #locate: Locate;
	protected readonly queue: ProjectionQueue;
	#collections: Collections;
	readonly #times = new LogTimes((sequence) => this.#groupFrom(sequence));
	/** Another process was first, last time; since when it is waited for with the group that is next. */
	#lookingOn: { sequence: number; sinceMs: number } | null = null;

	private constructor(mongo: Mongo, { db, locate, progress }: Parts) {
		super();
		this.#mongo = mongo;
		this.#db = db;
		this.#locate = locate;
		this.#collections = collectionsOf(db, progress.generation);
		this.queue = new ProjectionQueue({ head: headIn(progress), write: (groups) => this.#write(groups), limits });
	}

	/** @throws service_unavailable */
	static async open(uri: string, locate: Locate): Promise<MongoReadModel> {
		const mongo = Mongo.open(uri);
		try {
			const db = await mongo.database();
			return new MongoReadModel(mongo, { db, locate, progress: await findOrMake(db) });
		} catch (error) {
			await mongo.close();
			throw error;
		}
	}

	async #write(groups: readonly Group[]): Promise<Head> {
		const [first, last] = [groups[0] as Group, groups.at(-1) as Group];
		checkChain(this.head, groups);
		if (this.#lookingOn) {
			const progress = headIn(await this.#progress("majority"));
			if (progress.sequence > this.head.sequence || this.#isAnothersTurn(first)) return progress;
		}
		const batch = new Batch(groups);
		const patience = new Patience(BATCH_TIMEOUT_MS);
		await answered(this.#put(batch, patience), patience);
		const isFirst = await answered(this.#moveOn(batch, { from: first, to: last }));
		this.#lookingOn = isFirst ? null : { sequence: 0, sinceMs: 0 };
		return isFirst ? headOf(last) : headIn(await this.#progress("linearizable"));
	}

	#isAnothersTurn({ sequence }: Group): boolean {
		const nowMs = performance.now();
		if (this.#lookingOn?.sequence !== sequence) this.#lookingOn = { sequence, sinceMs: nowMs };
		return nowMs - this.#lookingOn.sinceMs < TAKE_OVER_MS;
	}

	async #put({ accounts, transfers, hours }: Batch, patience: Patience): Promise<void> {
		const into = (collection: { readonly collectionName: string }) =>
			new Writes(this.#db, collection.collectionName, patience);
		await Promise.all([
			putAccounts(into(this.#collections.accounts), accounts),
			putTransfers(into(this.#collections.transfers), transfers, this.#locate),
			putHours(into(this.#collections.hours), hours),
		]);
	}

	/** @returns false when another process was first */
	async #moveOn(batch: Batch, { from, to }: { from: Group; to: Group }): Promise<boolean> {
		const { progress, generation } = this.#collections;
		const before = { _id: VERSION, generation, sequence: from.sequence - 1, hash: from.previousHash };
		const counts = { transfers: batch.transferCount, postings: batch.postingCount };
		const after = { $set: headOf(to), $inc: counts };
		return (await progress.updateOne(before, after, { writeConcern: DURABLE })).matchedCount === 1;
	}

	async #progress(level: "majority" | "linearizable"): Promise<Progress> {
		const progress = await readProgress(this.#db, level);
		// What this process has in memory fits to the old one only.
		if (progress?.generation !== this.#collections.generation)
			throw new Error("the read model was made anew by another process: start this one again");
		return progress;
	}

	/** Takes a new set of collections into use and drops the old one, so that nobody reads from a model that is half made. */
	async clear(): Promise<void> {
		const progress = await makeNext(this.#db, this.#collections.generation);
		await drop(this.#collections);
		this.#times.clear();
		this.#collections = collectionsOf(this.#db, progress.generation);
		this.queue.restart(headIn(progress));
	}

	async accounts(ids: readonly AccountId[]): Promise<Account[]> {
		const { accounts } = this.#collections;
		const found = await this.#read((options) => accounts.find({ _id: { $in: [...ids] } }, options).toArray());
		if (found.length < ids.length) await this.#checkGeneration();
		return found.map(toAccount);
	}

	async transfers(ids: readonly TransferId[]): Promise<Transfer[]> {
		const { transfers } = this.#collections;
		const keys = [...(await this.#locate(ids))].map(([id, sequence]) => ({ sequence, id }));
		const patience = new Patience();
		const query = { _id: { $in: keys } };
		const found =
			keys.length === 0 ? [] : await this.#read((options) => transfers.find(query, options).toArray(), patience);
		if (found.length < ids.length) await this.#checkGeneration(patience);
		return found.map(toTransfer);
	}

	/** The ledger decides by what is not there, too; then it must be the read model that it was not found in. */
	async #checkGeneration(patience?: Patience): Promise<void> {
		const { progress, generation } = this.#collections;
		const now = await this.#read((options) => progress.findOne({ _id: VERSION }, options), patience);
		if (now?.generation !== generation)
			throw new Error("the read model was made anew by another process: start this one again");
	}

	async holds(): Promise<Transfer[]> {
		const { transfers } = this.#collections;
		return (await this.#read((options) => transfers.find({ state: "pending" }, options).toArray())).map(toTransfer);
	}

	async refundsOf(id: TransferId, limit: number): Promise<Transfer[]> {
		const { transfers } = this.#collections;
		// Where it moved, which a refund does at once, is where it is in the log.
		const last = { sort: { place: -1 }, limit } as const;
		const found = await this.#read((options) => transfers.find({ reference: id }, { ...options, ...last }).toArray());
		return found.map(toTransfer).reverse();
	}

	async statement(asked: StatementQuery): Promise<StatementLine[]> {
		const { accountId, limit, before, downTo, after, kinds, fromMs, toMs } = asked;
		const end = after ? { sequence: after.lastSequence + 1, position: 0 } : before;
		const within = await this.#times.placesOf({ fromMs, toMs }, this.head.sequence);
		const query = {
			sides: accountId,
			place: {
				$gt: Math.max(within.start, after ? placeNumber(after.place) : 0, downTo ? placeNumber(downTo) - 1 : 0),
				$lt: Math.min(within.end, end ? placeNumber(end) : Number.MAX_SAFE_INTEGER),
			},
			...((fromMs !== undefined || toMs !== undefined) && {
				postedAtMs: { $gte: fromMs ?? 0, $lt: toMs ?? Number.MAX_SAFE_INTEGER },
			}),
			...(kinds && { kind: { $in: [...kinds] } }),
		};
		const { transfers } = this.#collections;
		const sort = { place: after ? 1 : -1 } as const;
		const found = await this.#read((options) => transfers.find(query, { ...options, sort, limit }).toArray());
		return found.map((stored) => lineOf(stored, accountId));
	}

	async lookBack({ accountId, before, lines, fromMs, toMs }: LookingBack): Promise<Place | null> {
		const within = await this.#times.placesOf({ fromMs, toMs }, this.head.sequence);
		const query = { sides: accountId, place: { $gt: within.start, $lt: Math.min(within.end, placeNumber(before)) } };
		const there = { sort: { place: -1 }, skip: lines - 1, limit: 1, projection: { _id: 0, place: 1 } } as const;
		const { transfers } = this.#collections;
		const [found] = await this.#read((options) => transfers.find(query, { ...options, ...there }).toArray());
		return found?.place === undefined ? null : placeAt(found.place);
	}

	async #groupFrom(sequence: number): Promise<{ number: number; atMs: number } | null> {
		const { transfers } = this.#collections;
		const query = { _id: { $gte: { sequence, id: "" } } };
		const first = { sort: { _id: 1 }, projection: { createdAtMs: 1 } } as const;
		const found = await this.#read((options) => transfers.findOne(query, { ...options, ...first }));
		return found && { number: found._id.sequence, atMs: found.createdAtMs };
	}

	async totals({ accountId, fromMs, toMs }: { accountId: AccountId; fromMs: number; toMs: number }): Promise<Total[]> {
		const { hours } = this.#collections;
		const hour = { $gte: fromMs / HOUR_MS, $lt: toMs / HOUR_MS };
		const inOrder = { sort: { hour: 1 } } as const;
		const found = await this.#read((options) => hours.find({ accountId, hour }, { ...options, ...inOrder }).toArray());
		return found.flatMap(totalsOf);
	}

	async everyAccount({ afterId, limit }: { afterId: string; limit: number }): Promise<Account[]> {
		const { accounts } = this.#collections;
		const page = { sort: { _id: 1 }, limit } as const;
		const query = { _id: { $gt: afterId } };
		return (await this.#read((options) => accounts.find(query, { ...options, ...page }).toArray())).map(toAccount);
	}

	async count(): Promise<{ transfers: number; postings: number }> {
		const { progress } = this.#collections;
		const found = await this.#read((options) => progress.findOne({ _id: VERSION }, options));
		return { transfers: found?.transfers ?? 0, postings: found?.postings ?? 0 };
	}

	#read<T>(work: (options: ReturnType<typeof local>) => Promise<T>, patience = new Patience()): Promise<T> {
		return answered(work(local(patience)), patience);
	}

	async close(): Promise<void> {
		await this.queue.close();
		await this.#mongo.close();
	}
}

type Parts = { readonly db: Db; readonly locate: Locate; readonly progress: Progress };

function checkChain(head: Head, groups: readonly Group[]): void {
	let { sequence, hash } = head;
	for (const group of groups) {
		if (group.sequence !== sequence + 1 || group.previousHash !== hash)
			throw new Error(`group ${group.sequence} does not follow ${sequence}: rebuild the read model`);
		({ sequence, hash } = group);
	}
}

const headIn = ({ sequence, hash, committedAtMs }: Progress): Head => ({ sequence, hash, committedAtMs });

const local = ({ leftMs, signal }: Patience) =>
	({ readConcern: { level: "local" }, maxTimeMS: leftMs, signal }) as const;
