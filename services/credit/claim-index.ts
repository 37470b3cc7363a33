import { rmSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { openSqlite } from "../../mixins/sqlite.ts";
import { type ClaimKey, emptyHead, type Head } from "./journal.ts";

/** Claims that may be lost in a crash, and are then read from the log again. */
const UNCOMMITTED_MAX = 16_384;
const VERSION = 1;

/**
 * Which claims of the log are taken, and by which group.
 *
 * Claims are random, so each touches another page: written with every group they cost more than the group itself. So they lie in a
 * file of their own, in one transaction over many groups, and are not durable when the group is. They need not be: the index knows
 * up to which group it is complete, and what lies behind that is read from the log at the next start. The file can be deleted.
 */
export class ClaimIndex {
	readonly #db: DatabaseSync;
	readonly #sql: ReturnType<typeof prepare>;
	#uncommitted = 0;
	#head: Head;

	/** @param isInLog whether the log has this group: if not, it is another log, and the index is made anew */
	constructor(path: string, isInLog: (head: Head) => boolean) {
		this.#db = open(path, isInLog);
		this.#sql = prepare(this.#db);
		this.#head = readHead(this.#db);
		this.#db.exec("BEGIN IMMEDIATE");
	}

	/** The last group whose claims are all here. */
	get head(): Head {
		return this.#head;
	}

	find(key: ClaimKey): number | undefined {
		return (this.#sql.find.get(key) as { sequence: number } | undefined)?.sequence;
	}

	/**
	 * @param head of the group that made the claims
	 * @throws when the disk does not take it; then the index is as old as its last commit, see `head`
	 */
	add(keys: readonly ClaimKey[], head: Head): void {
		try {
			for (const key of keys) this.#sql.add.run(key, head.sequence);
			this.#head = head;
			this.#uncommitted += keys.length;
			if (this.#uncommitted >= UNCOMMITTED_MAX) this.#commit();
			if (!this.#db.isTransaction) this.#db.exec("BEGIN IMMEDIATE");
		} catch (error) {
			this.#fallBack();
			throw error;
		}
	}

	#commit(): void {
		const { sequence, hash, committedAtMs } = this.#head;
		this.#sql.setHead.run(sequence, hash, committedAtMs);
		this.#db.exec("COMMIT");
		this.#uncommitted = 0;
	}

	/** After a failure SQLite may or may not have rolled back by itself; either way only what was committed is known to be here. */
	#fallBack(): void {
		if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
		this.#head = readHead(this.#db);
		this.#uncommitted = 0;
		this.#db.exec("BEGIN IMMEDIATE");
	}

	close(): void {
		this.#commit();
		this.#db.close();
	}
}

function open(path: string, isInLog: (head: Head) => boolean): DatabaseSync {
	const existing = prepared(path);
	const head = readHead(existing);
	if (head.sequence === 0 || isInLog(head)) return existing;
	existing.close();
	for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
	return prepared(path);
}

function prepared(path: string): DatabaseSync {
	const db = openSqlite(path, { synchronous: "NORMAL" });
	db.exec(`
		PRAGMA cache_size = -16000;
		CREATE TABLE IF NOT EXISTS claims (claim BLOB PRIMARY KEY, sequence INTEGER NOT NULL) STRICT, WITHOUT ROWID;
		CREATE TABLE IF NOT EXISTS head (
			version INTEGER PRIMARY KEY CHECK (version = ${VERSION}),
			sequence INTEGER NOT NULL, hash TEXT NOT NULL, committed_at_ms INTEGER NOT NULL
		) STRICT;
	`);
	return db;
}

function readHead(db: DatabaseSync): Head {
	const row = db.prepare("SELECT sequence, hash, committed_at_ms AS committedAtMs FROM head").get();
	return (row as Head | undefined) ?? emptyHead;
}

const prepare = (db: DatabaseSync) => ({
	find: db.prepare("SELECT sequence FROM claims WHERE claim = ?"),
	add: db.prepare("INSERT OR IGNORE INTO claims VALUES (?, ?)"),
	setHead: db.prepare(`INSERT OR REPLACE INTO head VALUES (${VERSION}, ?, ?, ?)`),
});
