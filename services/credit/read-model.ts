import type { Loader } from "./group-commit.ts";
import type { Group, Head } from "./journal.ts";
import type { Account, AccountId, Details, Entry, Transfer, TransferId, TransferKind, TransferState } from "./model.ts";

/** One side of a transfer that moved: a line of an account's statement. */
export type Posting = {
	readonly accountId: AccountId;
	/** Together the place in the log: newer is larger. */
	readonly sequence: number;
	readonly position: number;
	readonly transferId: TransferId;
	/** Credits are positive, debits negative. */
	readonly amount: number;
	readonly balanceAfter: number;
	readonly postedAtMs: number;
};

/** A posting with what its transfer says now. */
export type StatementLine = Posting & {
	readonly kind: TransferKind;
	readonly state: TransferState;
	readonly refunded: number;
	readonly reference: TransferId | null;
	readonly counterpartyId: AccountId;
	readonly details: Details;
};

/** More than a group has entries. */
export const POSITIONS = 65_536;

export type Place = { readonly sequence: number; readonly position: number };

/** A place in the log as one number, so that one index has them in order. */
export const placeNumber = ({ sequence, position }: Place): number => sequence * POSITIONS + position;

export const placeAt = (number: number): Place => ({
	sequence: Math.floor(number / POSITIONS),
	position: number % POSITIONS,
});

/**
 * In which groups of the log these transfers were made: see `Journal.find`. The read model has no index of ids of its own: they are random, so each would
 * change another page of it, and that would cost as much as all the rest. It has the transfers in the order of the log, and the journal
 * has an index of ids in any case.
 */
export type Locate = (ids: readonly TransferId[]) => Promise<ReadonlyMap<string, number>>;

export type StatementQuery = {
	readonly accountId: AccountId;
	readonly limit: number;
	/** Only lines older than this place. */
	readonly before?: Place | undefined;
	/** Only this line and newer ones. */
	readonly downTo?: Place | undefined;
	/** Only lines newer than this place, and none of a later group than that; then the oldest come first. */
	readonly after?: { readonly place: Place; readonly lastSequence: number } | undefined;
	readonly kinds?: readonly TransferKind[] | undefined;
	readonly fromMs?: number | undefined;
	/** Exclusive. */
	readonly toMs?: number | undefined;
};

/** The line that is so many lines before a place: `lines: 1` asks for the next older one. */
export type LookingBack = Pick<StatementQuery, "accountId" | "fromMs" | "toMs"> & {
	readonly before: Place;
	readonly lines: number;
};

/** What an account took and gave within an hour, by kind of transfer and side. */
export type Total = {
	/** When the hour began. */
	readonly hourMs: number;
	readonly kind: TransferKind;
	readonly side: "debit" | "credit";
	readonly count: number;
	readonly amount: number;
};

/**
 * What can be asked of the log without reading it: accounts, transfers, statements, totals. It is projected behind the
 * commit path, group by group, may be behind, and can be dropped at any time: `project` makes it anew from sequence 1.
 */
export interface ReadModel extends Loader {
	/** The last group in it. */
	readonly head: Head;
	/** What of the log waits in memory to be written down. */
	readonly backlogBytes: number;
	/** Takes a group, in order; those it has already are ignored. Returns at once. */
	project(group: Group): void;
	/** Resolves when the group with this sequence number is in it. @throws read_model_behind */
	reached(sequence: number): Promise<void>;
	/** Forgets everything. */
	clear(): Promise<void>;
	/** Resolves when everything that was given to `project` is in it. */
	drained(): Promise<void>;
	/** Transfers that are still pending. */
	holds(): Promise<readonly Transfer[]>;
	/** The last ones, in the order of the log: of one sale there may be as many as it had credits. */
	refundsOf(id: TransferId, limit: number): Promise<readonly Transfer[]>;
	/** Newest first, unless asked for what is after a place. */
	statement(query: StatementQuery): Promise<readonly StatementLine[]>;
	/** Where that line is, by the index alone; null when there are fewer. */
	lookBack(asked: LookingBack): Promise<Place | null>;
	/** Times are full hours; those in which nothing was booked are left out. */
	totals(query: { accountId: AccountId; fromMs: number; toMs: number }): Promise<readonly Total[]>;
	/** All accounts, ordered by id, for the audit. */
	everyAccount(page: { afterId: string; limit: number }): Promise<readonly Account[]>;
	count(): Promise<{ readonly transfers: number; readonly postings: number }>;
	close(): Promise<void>;
}

export const HOUR_MS = 3_600_000;

/** The postings of an entry: none if nothing became posted, else the debit and the credit side. */
export function postingsOf(entry: Entry): readonly Omit<Posting, "sequence" | "position" | "postedAtMs">[] {
	const moved = movedBy(entry);
	if (!moved || !entry.counters) return [];
	return entry.counters.map(([accountId, debitsPosted, creditsPosted], side) => ({
		accountId,
		transferId: moved.id,
		amount: side === 0 ? -moved.amount : moved.amount,
		balanceAfter: creditsPosted - debitsPosted,
	}));
}

/** The transfer that an entry posted, with its kind and amount. */
export function movedBy(entry: Entry): Pick<Transfer, "id" | "kind" | "amount"> | undefined {
	if (entry.created) return entry.created.state === "posted" ? entry.created : undefined;
	return entry.type === "post" && entry.changed ? entry.changed : undefined;
}
