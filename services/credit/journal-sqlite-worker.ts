import { workerData } from "node:worker_threads";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { openSqlite, transaction } from "../../mixins/sqlite.ts";
import { ClaimIndex } from "./claim-index.ts";
import {
	type Appended,
	type ClaimKey,
	claimsOf,
	emptyHead,
	entriesOf,
	type Group,
	type Head,
	headOf,
	keyOf,
	PAGE_CHARACTERS_MAX,
} from "./journal.ts";
import { serve } from "./worker-link.ts";

// The thread behind `SqliteJournal`.

/** Of the tables: a change of them is another number, see "How the log is stored" in this folder's README. An empty file has 0. */
const VERSION = 2;
/** A body is its text, or that compressed by Zstandard (RFC 8878). The hash is always the text's. */
const TABLES = `CREATE TABLE ledger_groups (
	sequence        INTEGER PRIMARY KEY,
	lane            INTEGER NOT NULL,
	hash            TEXT NOT NULL,
	previous_hash   TEXT NOT NULL,
	committed_at_ms INTEGER NOT NULL,
	body            ANY NOT NULL CHECK (typeof(body) IN ('text', 'blob'))
) STRICT`;
/** Characters of a body from which on it is compressed: shorter ones gain little, and whoever waits alone would wait for it. */
const COMPRESSED_FROM = 4_096;
const FASTEST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

const { path, claimsPath } = workerData as { path: string; claimsPath: string };
const db = openSqlite(path);
prepare();

const sql = {
	last: db.prepare("SELECT sequence, hash, committed_at_ms FROM ledger_groups ORDER BY sequence DESC LIMIT 1"),
	insertGroup: db.prepare("INSERT INTO ledger_groups VALUES (?, ?, ?, ?, ?, ?)"),
	groups: db.prepare("SELECT * FROM ledger_groups WHERE sequence >= ? ORDER BY sequence LIMIT ?"),
	hashAt: db.prepare("SELECT hash FROM ledger_groups WHERE sequence = ?"),
};

function versionOf(): number {
	return (db.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;
}

function prepare(): void {
	if (versionOf() === VERSION) return;
	transaction(db, () => {
		// Again: another process may have been first.
		const version = versionOf();
		if (version === VERSION) return;
		if (version !== 0) throw new Error(`the ledger's file has version ${version}, this Hannip knows ${VERSION}`);
		db.exec(`${TABLES}; PRAGMA user_version = ${VERSION}`);
	});
}

type Row = {
	sequence: number;
	lane: number;
	hash: string;
	previous_hash: string;
	committed_at_ms: number;
	body: string | Uint8Array;
};

function head(): Head {
	const row = sql.last.get() as Row | undefined;
	return row ? { sequence: row.sequence, hash: row.hash, committedAtMs: row.committed_at_ms } : emptyHead;
}

const index = new ClaimIndex(claimsPath, ({ sequence, hash }) => hashAt(sequence) === hash);
/** The claims of the last group, while whoever waits for that group is told first. */
let unindexed: { keys: readonly ClaimKey[]; head: Head } | null = null;
indexTail();

/** Brings the index up to the log's end: after a crash, and after an append whose claims could not be written. */
function indexTail(): void {
	if (unindexed) {
		const { keys, head } = unindexed;
		unindexed = null;
		index.add(keys, head);
	}
	const last = head().sequence;
	while (index.head.sequence < last) {
		for (const group of read({ fromSequence: index.head.sequence + 1, groupsMax: 256 })) {
			index.add(entriesOf(group).flatMap(claimsOf).map(keyOf), headOf(group));
		}
	}
}

type Append = { group: Group; claims: readonly string[] };

function append({ group, claims }: Append): Appended {
	const keys = claims.map(keyOf);
	try {
		const last = head();
		if (last.sequence !== group.sequence - 1 || last.hash !== group.previousHash) return { result: "conflict" };
		indexTail();
		const taken = claims.filter((_, at) => index.find(keys[at] as ClaimKey) !== undefined);
		if (taken.length > 0) return { result: "duplicate", claims: taken };
	} catch (error) {
		throw absent(error);
	}
	write(group);
	unindexed = { keys, head: headOf(group) };
	setImmediate(indexLater);
	return { result: "appended" };
}

function indexLater(): void {
	try {
		if (unindexed) indexTail();
	} catch {
		// The group is in the log, that is what counts; the next append brings the index up first, or says why it cannot.
	}
}

/** One statement is one transaction. */
function write({ sequence, lane, hash, previousHash, committedAtMs, body }: Group): void {
	try {
		sql.insertGroup.run(sequence, lane, hash, previousHash, committedAtMs, pack(body));
	} catch (error) {
		// It is committed, and what failed is what SQLite did afterwards, a checkpoint.
		if (hashAt(sequence) === hash) return;
		throw SURELY_ABSENT.has((error as { errcode?: number }).errcode ?? 0) ? absent(error) : error;
	}
}

function pack(body: string): string | Buffer {
	return body.length < COMPRESSED_FROM ? body : zstdCompressSync(body, FASTEST);
}

function unpack(body: string | Uint8Array): string {
	return typeof body === "string" ? body : zstdDecompressSync(body).toString();
}

/**
 * SQLite's codes for what it said before it wrote the commit: BUSY, NOMEM, READONLY, FULL, TOOBIG. Not among them is IOERR: when an
 * fsync fails the commit may lie in the file, and be found there after a crash, until the next group is written over it.
 */
const SURELY_ABSENT: ReadonlySet<number> = new Set([5, 7, 8, 13, 18]);

function hashAt(sequence: number): string | undefined {
	return (sql.hashAt.get(sequence) as { hash: string } | undefined)?.hash;
}

const absent = (error: unknown): Error =>
	Object.assign(new Error(`SQLite did not take the group: ${(error as Error).message}`), {
		type: "ledger_unavailable",
	});

function read({ fromSequence, groupsMax }: { fromSequence: number; groupsMax: number }): Group[] {
	const groups: Group[] = [];
	let characters = 0;
	for (const row of sql.groups.iterate(fromSequence, groupsMax) as Iterable<Row>) {
		const body = unpack(row.body);
		characters += body.length;
		if (groups.length > 0 && characters > PAGE_CHARACTERS_MAX) break;
		const { lane, sequence, hash, previous_hash: previousHash, committed_at_ms: committedAtMs } = row;
		groups.push({ lane, sequence, hash, previousHash, committedAtMs, body });
	}
	return groups;
}

function find(claims: readonly string[]): Map<string, number> {
	indexTail();
	const found = new Map<string, number>();
	for (const claim of claims) {
		const sequence = index.find(keyOf(claim));
		if (sequence !== undefined) found.set(claim, sequence);
	}
	return found;
}

function close(): void {
	indexLater();
	index.close();
	db.close();
}

const handlers = { head: (_: undefined) => head(), append, read, find, close: (_: undefined) => close() };
export type JournalHandlers = typeof handlers;

serve(handlers);
