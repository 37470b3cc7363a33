import { accessSync, constants, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/**
 * Makes the data directory and takes it for this process. Two processes on one ledger would be right (see the journal's
 * compare-and-append) but would have two key rings and two sets of sessions in memory; so the second one is refused.
 *
 * The lock is SQLite's on a file of its own: the operating system drops it with the process, even after kill -9.
 *
 * @throws when the directory cannot be written or another process has it
 */
export function openDataDir(path: string): { release(): void } {
	// Keys and password hashes lie in it, and it may be a directory that somebody else made: new files are for the owner only.
	process.umask(0o077);
	try {
		mkdirSync(path, { recursive: true, mode: 0o700 });
		accessSync(path, constants.W_OK | constants.X_OK);
	} catch (error) {
		throw new Error(`DATA_DIR ${path} cannot be written: ${(error as Error).message}`);
	}
	const lock = new DatabaseSync(join(path, "lock.sqlite"), { timeout: 0 });
	try {
		lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
	} catch (error) {
		lock.close();
		throw new Error(`DATA_DIR ${path} is in use by another Hannip process (${(error as Error).message})`);
	}
	return { release: () => lock.close() };
}
