import { DatabaseSync } from "node:sqlite";

/** Long enough for any commit of another thread or process, short enough to fail before a caller's patience ends. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * Opens a database file, the same way everywhere:
 *
 * - `journal_mode=WAL`: readers and the writer do not wait for each other, and a commit costs one fsync instead of two or three.
 * - `synchronous=FULL`: a commit returns when it is on the disk, so that what was acknowledged survives a power cut. In WAL mode
 *   `NORMAL` skips that fsync: the file stays whole but the last commits may be gone. Only right for what can be rebuilt.
 * - a busy timeout: another thread or process that is writing makes us wait, not fail. The wait blocks this thread.
 * - `trusted_schema=OFF`: a file that someone tampered with cannot make us call functions with side effects through its views,
 *   triggers or indexes.
 *
 * @throws when the file system cannot do WAL (some network mounts): SQLite itself would go on quietly with less
 */
export function openSqlite(
	path: string,
	{ readOnly, synchronous = "FULL" }: { readOnly?: true; synchronous?: "FULL" | "NORMAL" } = {},
): DatabaseSync {
	const db = new DatabaseSync(path, { readOnly: readOnly ?? false, timeout: BUSY_TIMEOUT_MS });
	try {
		db.exec("PRAGMA trusted_schema = OFF");
		// WAL is a property of the file, so a reader finds it set; synchronous is about commits, which a reader has none of.
		if (!readOnly) {
			requireWal(db);
			db.exec(`PRAGMA synchronous = ${synchronous}`);
		}
		return db;
	} catch (error) {
		db.close();
		throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
	}
}

function requireWal(db: DatabaseSync) {
	const answer = db.prepare("PRAGMA journal_mode = WAL").get();
	if (answer?.journal_mode !== "wal") throw new Error(`SQLite cannot use WAL here, only ${answer?.journal_mode}`);
}

/**
 * Runs `work` as one transaction: all of it is committed, or none when it throws.
 *
 * `BEGIN IMMEDIATE` takes the write lock at once. A transaction that reads first and asks for the lock later can be refused in the
 * middle, without waiting, when another one wrote in between.
 *
 * @param work must be synchronous: what it does after an `await` would belong to no transaction, or to somebody else's
 */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
	db.exec("BEGIN IMMEDIATE");
	try {
		const result = work();
		if (result instanceof Promise) throw new TypeError("the work of a transaction must be synchronous");
		db.exec("COMMIT");
		return result;
	} catch (error) {
		rollback(db);
		throw error;
	}
}

function rollback(db: DatabaseSync) {
	try {
		db.exec("ROLLBACK");
	} catch {
		// After a full disk or an I/O error SQLite has rolled back by itself and refuses to do it again. The first error is the
		// one that tells what happened.
	}
}
