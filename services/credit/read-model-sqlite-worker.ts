import { rmSync } from "node:fs";
import { setPriority } from "node:os";
import { workerData } from "node:worker_threads";
import { openSqlite } from "../../mixins/sqlite.ts";
import { emptyHead, entriesOf, type Group, type Head } from "./journal.ts";
import type { Account, AccountId, Counters, Entry, Transfer } from "./model.ts";
import { HOUR_MS, movedBy, POSITIONS, placeNumber, postingsOf } from "./read-model.ts";
import { serve } from "./worker-link.ts";

// The thread behind `SqliteReadModel`: the only writer of its file. Nothing here needs to survive a power cut, since the log
// does and this is made from it: hence `synchronous=NORMAL`, which keeps the file whole but may lose the last transactions.

// Payments come first, statements after them: under load this thread gets what the others leave (Linux; elsewhere a priority
// would be the whole process's). How far it may fall behind is bounded by `SqliteReadModel`.
if (process.platform === "linux") setPriority(19);

const VERSION = 2;
const { path } = workerData as { path: string };
const db = open();

function open() {
	const existing = openSqlite(path, { synchronous: "NORMAL" });
	const { user_version: version } = existing.prepare("PRAGMA user_version").get() as { user_version: number };
	if (version === VERSION) return existing;
	existing.close();
	// A migration is a rebuild.
	for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
	const fresh = openSqlite(path, { synchronous: "NORMAL" });
	fresh.exec(`
		CREATE TABLE accounts (
			id TEXT PRIMARY KEY, kind TEXT NOT NULL, owner TEXT NOT NULL, floor INTEGER, state TEXT NOT NULL,
			debits_posted INTEGER NOT NULL, credits_posted INTEGER NOT NULL,
			debits_pending INTEGER NOT NULL, credits_pending INTEGER NOT NULL
		) STRICT, WITHOUT ROWID;
		CREATE TABLE transfers (
			place INTEGER PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, debit_account_id TEXT NOT NULL, credit_account_id TEXT NOT NULL,
			amount INTEGER NOT NULL, state TEXT NOT NULL, refunded INTEGER NOT NULL, reference TEXT, details TEXT NOT NULL,
			created_at_ms INTEGER NOT NULL, expires_at_ms INTEGER,
			moved_place INTEGER, posted_at_ms INTEGER, debit_balance INTEGER, credit_balance INTEGER
		) STRICT;
		CREATE INDEX transfers_pending ON transfers (state) WHERE state = 'pending';
		CREATE INDEX transfers_reference ON transfers (reference) WHERE reference IS NOT NULL;
		CREATE UNIQUE INDEX transfers_id ON transfers (place / ${POSITIONS}, id);
		CREATE INDEX transfers_debit ON transfers (debit_account_id, moved_place, posted_at_ms) WHERE moved_place IS NOT NULL;
		CREATE INDEX transfers_credit ON transfers (credit_account_id, moved_place, posted_at_ms) WHERE moved_place IS NOT NULL;
		CREATE TABLE hours (
			account_id TEXT NOT NULL, hour INTEGER NOT NULL, kind TEXT NOT NULL, side TEXT NOT NULL,
			count INTEGER NOT NULL, amount INTEGER NOT NULL,
			PRIMARY KEY (account_id, hour, kind, side)
		) STRICT, WITHOUT ROWID;
		CREATE TABLE progress (
			only INTEGER PRIMARY KEY CHECK (only = 1), sequence INTEGER NOT NULL, hash TEXT NOT NULL, committed_at_ms INTEGER NOT NULL
		) STRICT;
		PRAGMA user_version = ${VERSION};
	`);
	return fresh;
}

// What touches the same page soon after should be written with it.
db.exec("PRAGMA wal_autocheckpoint = 16000; PRAGMA cache_size = -16000");

const sql = {
	begin: db.prepare("BEGIN IMMEDIATE"),
	commit: db.prepare("COMMIT"),
	rollback: db.prepare("ROLLBACK"),
	progress: db.prepare("SELECT sequence, hash, committed_at_ms AS committedAtMs FROM progress"),
	setProgress: db.prepare("INSERT OR REPLACE INTO progress VALUES (1, ?, ?, ?)"),
	open: db.prepare("INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
	state: db.prepare("UPDATE accounts SET state = ? WHERE id = ?"),
	counters: db.prepare(
		"UPDATE accounts SET debits_posted = ?, credits_posted = ?, debits_pending = ?, credits_pending = ? WHERE id = ?",
	),
	transfer: db.prepare("INSERT INTO transfers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
	place: db.prepare(`SELECT place FROM transfers WHERE place / ${POSITIONS} = ? AND id = ?`),
	change: db.prepare("UPDATE transfers SET state = ?, amount = ?, refunded = ? WHERE place = ?"),
	move: db.prepare(
		"UPDATE transfers SET moved_place = ?, posted_at_ms = ?, debit_balance = ?, credit_balance = ? WHERE place = ?",
	),
	hour: db.prepare(
		`INSERT INTO hours VALUES (?, ?, ?, ?, ?, ?)
		 ON CONFLICT DO UPDATE SET count = count + excluded.count, amount = amount + excluded.amount`,
	),
};

const progress = (): Head => (sql.progress.get() as Head | undefined) ?? emptyHead;

/** What many entries of a batch change only counts once: the last counters of an account, the sum of an hour. */
type Batch = {
	/** In which groups the transfers were made that these ones change. */
	readonly sources: ReadonlyMap<string, number>;
	readonly counters: Map<AccountId, Counters>;
	readonly hours: Map<string, { count: number; amount: number }>;
};

type Projection = { readonly groups: readonly Group[]; readonly sources: ReadonlyMap<string, number> };

/** Writes groups down, all or none of them, and says how far the read model is now. */
function project({ groups, sources }: Projection): Head {
	let head = progress();
	const batch: Batch = { sources, counters: new Map(), hours: new Map() };
	sql.begin.run();
	try {
		for (const group of groups) {
			if (group.sequence <= head.sequence) continue;
			if (group.sequence !== head.sequence + 1 || group.previousHash !== head.hash) {
				throw new Error(`group ${group.sequence} does not follow ${head.sequence}: rebuild the read model`);
			}
			for (const [position, entry] of entriesOf(group).entries()) write(entry, { group, position, batch });
			head = { sequence: group.sequence, hash: group.hash, committedAtMs: group.committedAtMs };
		}
		finish(batch);
		sql.setProgress.run(head.sequence, head.hash, head.committedAtMs);
		sql.commit.run();
		return head;
	} finally {
		if (db.isTransaction) sql.rollback.run();
	}
}

type At = { group: Group; position: number; batch: Batch };

function write(entry: Entry, at: At): void {
	const { opened, stateSet, created, changed, counters } = entry;
	if (opened) openAccount(opened);
	if (stateSet) sql.state.run(stateSet.state, stateSet.accountId);
	if (created) addTransfer(created, entry, at);
	if (changed) changeTransfer(changed, entry, at);
	for (const each of counters ?? []) at.batch.counters.set(each[0], each);
	addToHours(entry, at.group.committedAtMs, at.batch);
}

/** Transfers lie in the order of the log, so that new ones go to the end; by their ids, which are random, each would touch a page of its own. */
function addTransfer(transfer: Transfer, entry: Entry, at: At): void {
	const { id, kind, debitAccountId, creditAccountId, amount, state, refunded, reference, details } = transfer;
	const { createdAtMs, expiresAtMs } = transfer;
	const receipt = JSON.stringify(details);
	sql.transfer.run(
		placeOf(at),
		id,
		kind,
		debitAccountId,
		creditAccountId,
		amount,
		state,
		refunded,
		reference,
		receipt,
		createdAtMs,
		expiresAtMs,
		...(movedAt(entry, at) ?? NOT_MOVED),
	);
}

const placeOf = ({ group, position }: At): number => placeNumber({ sequence: group.sequence, position });

type Moved = [place: number, postedAtMs: number, debitBalance: number, creditBalance: number];

/** @returns when and where an entry moved its transfer, and what both sides had then */
function movedAt(entry: Entry, at: At): Moved | null {
	const [debit, credit] = postingsOf(entry);
	if (!debit || !credit) return null;
	return [placeOf(at), at.group.committedAtMs, debit.balanceAfter, credit.balanceAfter];
}

const NOT_MOVED = [null, null, null, null] as const;

/** A refund changes its sale, but what moves then is the refund. */
function changeTransfer({ id, state, amount, refunded }: NonNullable<Entry["changed"]>, entry: Entry, at: At): void {
	const group = at.batch.sources.get(id);
	const there = group === undefined ? undefined : (sql.place.get(group, id) as { place: number } | undefined);
	if (!there) throw new Error(`transfer ${id} is not in the read model: rebuild it`);
	sql.change.run(state, amount, refunded, there.place);
	const moved = entry.created ? null : movedAt(entry, at);
	if (moved) sql.move.run(...moved, there.place);
}

function openAccount(account: Account): void {
	const { id, kind, owner, floor, state, debitsPosted, creditsPosted, debitsPending, creditsPending } = account;
	sql.open.run(id, kind, owner, floor, state, debitsPosted, creditsPosted, debitsPending, creditsPending);
}

/** Totals are kept for stores only: they close their day; a wallet's month is summed from its statement. */
function addToHours(entry: Entry, atMs: number, { hours }: Batch): void {
	const moved = movedBy(entry);
	if (!moved) return;
	for (const [side, [accountId]] of (entry.counters ?? []).entries()) {
		if (!accountId.startsWith("store:")) continue;
		const key = JSON.stringify([accountId, Math.floor(atMs / HOUR_MS), moved.kind, side === 0 ? "debit" : "credit"]);
		const { count, amount } = hours.get(key) ?? { count: 0, amount: 0 };
		hours.set(key, { count: count + 1, amount: amount + moved.amount });
	}
}

function finish({ counters, hours }: Batch): void {
	for (const [id, debitsPosted, creditsPosted, debitsPending, creditsPending] of counters.values()) {
		sql.counters.run(debitsPosted, creditsPosted, debitsPending, creditsPending, id);
	}
	for (const [key, { count, amount }] of hours) {
		const [accountId, hour, kind, side] = JSON.parse(key) as [string, number, string, string];
		sql.hour.run(accountId, hour, kind, side, count, amount);
	}
}

function clear(): Head {
	db.exec("BEGIN; DELETE FROM accounts; DELETE FROM transfers; DELETE FROM hours; DELETE FROM progress; COMMIT");
	return progress();
}

/** The transfers that are changed by groups which may not have made them. */
const changed = (groups: readonly Group[]): string[] =>
	groups.flatMap(entriesOf).flatMap(({ changed }) => changed?.id ?? []);

const handlers = {
	changed,
	clear: (_: undefined) => clear(),
	progress: (_: undefined) => progress(),
	project,
	close: (_: undefined) => db.close(),
};
export type ReadModelHandlers = typeof handlers;

serve(handlers);
