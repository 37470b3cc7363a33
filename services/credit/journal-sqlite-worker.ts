import { hash } from "node:crypto";
import { workerData } from "node:worker_threads";
import { openSqlite } from "../../mixins/sqlite.ts";
import { type Appended, emptyHead, type Group, type Head } from "./journal.ts";
import { serve } from "./worker-link.ts";

// The thread behind `SqliteJournal`.

/** Of the tables below. A change of them needs a migration here, from every version that was ever released. */
const VERSION = 1;

const db = openSqlite((workerData as { path: string }).path);
checkVersion();

// Claims are random, so every group touches other pages of their index. The longer a checkpoint waits, the more groups share
// one write of a page; 64 MB of WAL are read back in well under a second after a crash.
db.exec("PRAGMA wal_autocheckpoint = 16000; PRAGMA cache_size = -64000");

db.exec(`
	CREATE TABLE IF NOT EXISTS ledger_groups (
		sequence        INTEGER PRIMARY KEY,
		lane            INTEGER NOT NULL,
		hash            TEXT NOT NULL,
		previous_hash   TEXT NOT NULL,
		committed_at_ms INTEGER NOT NULL,
		body            TEXT NOT NULL
	) STRICT;
	CREATE TABLE IF NOT EXISTS ledger_claims (
		claim    BLOB PRIMARY KEY,
		sequence INTEGER NOT NULL
	) STRICT, WITHOUT ROWID;
`);

const sql = {
	begin: db.prepare("BEGIN IMMEDIATE"),
	commit: db.prepare("COMMIT"),
	rollback: db.prepare("ROLLBACK"),
	last: db.prepare("SELECT sequence, hash, committed_at_ms FROM ledger_groups ORDER BY sequence DESC LIMIT 1"),
	insertGroup: db.prepare("INSERT INTO ledger_groups VALUES (?, ?, ?, ?, ?, ?)"),
	insertClaim: db.prepare("INSERT OR IGNORE INTO ledger_claims VALUES (?, ?)"),
	claim: db.prepare("SELECT sequence FROM ledger_claims WHERE claim = ?"),
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

type Append = { group: Group; claims: readonly string[] };

function append({ group, claims }: Append): Appended {
	begin();
	let appended: Appended;
	try {
		appended = insert(group, claims);
		if (appended.result !== "appended") return appended;
		sql.commit.run();
		return appended;
	} catch (error) {
		// A failed COMMIT may or may not have reached the disk; what the file says now is what it will say.
		if (isStored(group)) return { result: "appended" };
		throw absent(error);
	} finally {
		if (db.isTransaction) sql.rollback.run();
	}
}

function begin(): void {
	try {
		sql.begin.run();
	} catch (error) {
		throw absent(error);
	}
}

function insert(group: Group, claims: readonly string[]): Appended {
	const { sequence, lane, hash, previousHash, committedAtMs, body } = group;
	const last = head();
	if (last.sequence !== sequence - 1 || last.hash !== previousHash) return { result: "conflict" };
	sql.insertGroup.run(sequence, lane, hash, previousHash, committedAtMs, body);
	const taken = claims.filter((claim) => sql.insertClaim.run(keyOf(claim), sequence).changes === 0);
	return taken.length === 0 ? { result: "appended" } : { result: "duplicate", claims: taken };
}

/** 128 bits of SHA-256: a third of the space, so a third of the pages; two claims that meet in them will not be seen. */
const keyOf = (claim: string): Buffer => hash("sha256", claim, "buffer").subarray(0, 16);

/** Asked after the transaction is over, and only then: inside it, its own rows would be seen. */
function isStored({ sequence, hash }: Group): boolean {
	if (db.isTransaction) sql.rollback.run();
	const row = sql.hashAt.get(sequence) as { hash: string } | undefined;
	return row?.hash === hash;
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
	const found = new Map<string, number>();
	for (const claim of claims) {
		const row = sql.claim.get(keyOf(claim)) as { sequence: number } | undefined;
		if (row) found.set(claim, row.sequence);
	}
	return found;
}

const handlers = { head: (_: undefined) => head(), append, read, find, close: (_: undefined) => db.close() };
export type JournalHandlers = typeof handlers;

serve(handlers);
