import type { Collection, Db, IndexDescription } from "mongodb";
import { answered, DUPLICATE_KEY, DURABLE, define, Patience, SCATTERED } from "../../mixins/mongo.ts";
import { emptyHead, type Head } from "./journal.ts";
import type { Account, AccountId, Details, Transfer, TransferId, TransferKind } from "./model.ts";
import { HOUR_MS, placeAt, type StatementLine, type Total } from "./read-model.ts";

// How the read model lies in MongoDB, and what of it means what.

/** Of the documents. A change of them is a new one: it is made beside the old one, which processes of an older version go on using. */
export const VERSION = "v2";
const PROGRESS = "read_progress";

/** How far the read model is: one document, moved on when everything up to there is durable. */
export type Progress = Head & {
	readonly _id: string;
	/** Which set of collections is the read model. Another one is made by `clear`. */
	readonly generation: number;
	readonly transfers: number;
	readonly postings: number;
};

/** The last group that is in a document. */
type UpTo = { readonly at: number };

export type StoredAccount = Omit<Account, "id"> & UpTo & { readonly _id: string };

/**
 * A transfer moves at most once, so its two lines of statements lie in it: a third of the documents and index entries that lines of
 * their own would need, and a statement is read from one collection.
 */
export type StoredTransfer = Omit<Transfer, "reference" | "details"> & {
	readonly _id: TransferKey;
	/** Missing where there is none, so that the index has refunds only. */
	readonly reference?: string;
	/** JSON, as it came: names and numbers in it are nothing that a database should understand. */
	readonly details: string;
	readonly sides: readonly [string, string];
} & UpTo &
	Partial<Moved>;

/** Where and when it moved, and what the sides had then. Missing: it has not, yet. */
export type Moved = {
	readonly place: number;
	readonly postedAtMs: number;
	readonly debitBalance: number;
	readonly creditBalance: number;
};

/**
 * A transfer and the group that made it, which comes first, so that new ones go to the end of the index: by their ids alone, which are random, each
 * would touch a page of its own.
 */
export type TransferKey = { readonly sequence: number; readonly id: string };

/** What an account took and gave within an hour: `debit.sale.count` and so on. Kept for stores, which close their day. */
export type StoredHour = {
	readonly _id: string;
	readonly accountId: string;
	readonly hour: number;
	readonly debit?: Sums;
	readonly credit?: Sums;
} & UpTo;
type Sums = { readonly [kind: string]: { readonly count: number; readonly amount: number } };

export type Collections = {
	readonly generation: number;
	readonly progress: Collection<Progress>;
	readonly accounts: Collection<StoredAccount>;
	readonly transfers: Collection<StoredTransfer>;
	readonly hours: Collection<StoredHour>;
};

export function collectionsOf(db: Db, generation: number): Collections {
	const named = (name: string) => `read_${VERSION}_${generation}_${name}`;
	return {
		generation,
		progress: db.collection<Progress>(PROGRESS),
		accounts: db.collection<StoredAccount>(named("accounts")),
		transfers: db.collection<StoredTransfer>(named("transfers")),
		hours: db.collection<StoredHour>(named("hours")),
	};
}

const transferIndexes: readonly IndexDescription[] = [
	{ name: "statement", key: { sides: 1, place: -1 }, ...SCATTERED },
	{ name: "pending", key: { state: 1 }, partialFilterExpression: { state: "pending" } },
	// Not sparse: of two fields one is enough for that, and every transfer has a place.
	{ name: "refunds", key: { reference: 1, place: -1 }, partialFilterExpression: { reference: { $exists: true } } },
];
const INDEXING_MS = 600_000;
const hourIndexes: readonly IndexDescription[] = [{ name: "hours", key: { accountId: 1, hour: 1 } }];

/** Where it is there already, nothing changes. */
async function prepare(db: Db, generation: number): Promise<void> {
	const { accounts, transfers, hours } = collectionsOf(db, generation);
	await define(db, accounts.collectionName, []);
	await define(db, transfers.collectionName, transferIndexes);
	await define(db, hours.collectionName, hourIndexes);
}

/** The read model as it is, or a new one. */
export async function findOrMake(db: Db): Promise<Progress> {
	const found = await readProgress(db);
	if (!found) return makeNext(db, 0);
	// A new version may have other indexes, and of many transfers one takes its time. Broken off, it would begin anew each time.
	await answered(prepare(db, found.generation), new Patience(INDEXING_MS));
	const { accounts } = collectionsOf(db, found.generation);
	// Somebody dropped what this is the progress of. Nothing that it says would be there.
	const isGone = found.sequence > 0 && (await answered(accounts.findOne({}))) === null;
	return isGone ? makeNext(db, found.generation) : found;
}

/** An empty read model in place of this generation; or the one that another process has put there at the same time. */
export async function makeNext(db: Db, generation: number): Promise<Progress> {
	const next = generation + 1;
	await answered(prepare(db, next));
	const empty = { ...emptyHead, generation: next, transfers: 0, postings: 0 };
	const { progress } = collectionsOf(db, next);
	const options = { writeConcern: DURABLE, upsert: generation === 0 };
	const replaced = progress.updateOne({ _id: VERSION, generation }, { $set: empty }, options);
	await answered(replaced).catch((error: { code?: unknown }) => {
		if (error.code !== DUPLICATE_KEY) throw error;
	});
	const now = await readProgress(db);
	if (!now) throw new Error("the progress of the read model is missing");
	return now;
}

/** @param level "majority": it is durable. "linearizable": and not older than what anybody was told before. */
export async function readProgress(
	db: Db,
	level: "majority" | "linearizable" = "linearizable",
): Promise<Progress | null> {
	const patience = new Patience();
	const options = { readConcern: { level }, maxTimeMS: patience.leftMs, signal: patience.signal } as const;
	return answered(db.collection<Progress>(PROGRESS).findOne({ _id: VERSION }, options), patience);
}

export async function drop({ accounts, transfers, hours }: Collections): Promise<void> {
	for (const collection of [accounts, transfers, hours]) await answered(collection.drop({ writeConcern: DURABLE }));
}

export const toAccount = ({ _id, at, ...account }: StoredAccount): Account => ({ id: _id as AccountId, ...account });

export function toTransfer(stored: StoredTransfer): Transfer {
	const { id, kind, debitAccountId, creditAccountId, amount, state, refunded, createdAtMs, expiresAtMs } = stored;
	const reference = (stored.reference ?? null) as TransferId | null;
	const details = JSON.parse(stored.details) as Details;
	const sides = { debitAccountId, creditAccountId };
	return {
		id,
		kind,
		...sides,
		amount,
		state,
		refunded,
		reference,
		details,
		createdAtMs,
		expiresAtMs,
	};
}

/** A transfer that moved, as a line of the statement of one of its sides. */
export function lineOf(stored: StoredTransfer, accountId: AccountId): StatementLine {
	const { id, kind, debitAccountId, creditAccountId, amount, state, refunded, reference, details } = toTransfer(stored);
	const { place = 0, postedAtMs = 0, debitBalance = 0, creditBalance = 0 } = stored;
	const isDebit = debitAccountId === accountId;
	return {
		accountId,
		...placeAt(place),
		transferId: id,
		amount: isDebit ? -amount : amount,
		balanceAfter: isDebit ? debitBalance : creditBalance,
		postedAtMs,
		kind,
		state,
		refunded,
		reference,
		counterpartyId: isDebit ? creditAccountId : debitAccountId,
		details,
	};
}

export const totalsOf = ({ hour, ...sides }: StoredHour): Total[] =>
	(["credit", "debit"] as const).flatMap((side) =>
		Object.entries(sides[side] ?? {}).map(([kind, { count, amount }]) => {
			return { hourMs: hour * HOUR_MS, kind: kind as TransferKind, side, count, amount };
		}),
	);
