import { workerData } from "node:worker_threads";
import { openSqlite } from "../../mixins/sqlite.ts";
import { ClaimIndex } from "./claim-index.ts";
import { type Appended, claimsOf, emptyHead, entriesOf, type Group, type Head, headOf } from "./journal.ts";
import { serve } from "./worker-link.ts";

// The thread behind `SqliteJournal`.

/** Of the tables below. A change of them needs a migration here, from every version that was ever released. */
const VERSION = 1;

const { path, claimsPath } = workerData as { path: string; claimsPath: string };
const db = openSqlite(path);
checkVersion();

db.exec(`
	CREATE TABLE IF NOT EXISTS ledger_groups (
		sequence        INTEGER PRIMARY KEY,
		lane            INTEGER NOT NULL,
		hash            TEXT NOT NULL,
		previous_hash   TEXT NOT NULL,
		committed_at_ms INTEGER NOT NULL,
		body            TEXT NOT NULL
	) STRICT;
`);

const sql = {
	last: db.prepare("SELECT sequence, hash, committed_at_ms FROM ledger_groups ORDER BY sequence DESC LIMIT 1"),
	insertGroup: db.prepare("INSERT INTO ledger_groups VALUES (?, ?, ?, ?, ?, ?)"),
	groups: db.prepare("SELECT * FROM ledger_groups WHERE sequence >= ? ORDER BY sequence LIMIT ?"),
	hashAt: db.prepare("SELECT hash FROM ledger_groups WHERE sequence = ?"),
};

function checkVersion(): void {
	const { user_version: version } = db.prepare("PRAGMA user_version").get() as { user_version: number };
	if (version === 0) db.exec(`PRAGMA user_version = ${VERSION}`);
	else if (version !== VERSION)
		throw new Error(`the ledger's file has version ${version}, this Hannip knows ${VERSION}`);
}

type Row = {
	sequence: number;
	lane: number;
	hash: string;
	previous_hash: string;
	committed_at_ms: number;
	body: string;
};

function head(): Head {
	const row = sql.last.get() as Row | undefined;
	return row ? { sequence: row.sequence, hash: row.hash, committedAtMs: row.committed_at_ms } : emptyHead;
}

const index = new ClaimIndex(claimsPath, ({ sequence, hash }) => hashAt(sequence) === hash);
indexTail();

/** Brings the index up to the log's end: after a crash, and after an append whose claims could not be written. */
function indexTail(): void {
	const last = head().sequence;
	while (index.head.sequence < last) {
		for (const group of read({ fromSequence: index.head.sequence + 1, groupsMax: 256 })) {
			index.add(entriesOf(group).flatMap(claimsOf), headOf(group));
		}
	}
}

type Append = { group: Group; claims: readonly string[] };

function append({ group, claims }: Append): Appended {
	try {
		const last = head();
		if (last.sequence !== group.sequence - 1 || last.hash !== group.previousHash) return { result: "conflict" };
		indexTail();
		const taken = claims.filter((claim) => index.find(claim) !== undefined);
		if (taken.length > 0) return { result: "duplicate", claims: taken };
	} catch (error) {
		throw absent(error);
	}
	write(group);
	try {
		index.add(claims, headOf(group));
	} catch {
		// The group is in the log, that is what counts; the next append brings the index up first, or says why it cannot.
	}
	return { result: "appended" };
}

/** One statement is one transaction. */
function write({ sequence, lane, hash, previousHash, committedAtMs, body }: Group): void {
	try {
		sql.insertGroup.run(sequence, lane, hash, previousHash, committedAtMs, body);
	} catch (error) {
		// A commit that failed may or may not have reached the disk; what the file says now is what it will say.
		if (hashAt(sequence) !== hash) throw absent(error);
	}
}

function hashAt(sequence: number): string | undefined {
	return (sql.hashAt.get(sequence) as { hash: string } | undefined)?.hash;
}

const absent = (error: unknown): Error =>
	Object.assign(new Error(`SQLite did not take the group: ${(error as Error).message}`), {
		type: "ledger_unavailable",
	});

function read({ fromSequence, groupsMax }: { fromSequence: number; groupsMax: number }): Group[] {
	return (sql.groups.all(fromSequence, groupsMax) as Row[]).map((row) => ({
		lane: row.lane,
		sequence: row.sequence,
		hash: row.hash,
		previousHash: row.previous_hash,
		committedAtMs: row.committed_at_ms,
		body: row.body,
	}));
}

function find(claims: readonly string[]): Map<string, number> {
	indexTail();
	const found = new Map<string, number>();
	for (const claim of claims) {
		const sequence = index.find(claim);
		if (sequence !== undefined) found.set(claim, sequence);
	}
	return found;
}

function close(): void {
	index.close();
	db.close();
}

const handlers = { head: (_: undefined) => head(), append, read, find, close: (_: undefined) => close() };
export type JournalHandlers = typeof handlers;

serve(handlers);
