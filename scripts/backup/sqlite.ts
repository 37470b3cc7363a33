import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { openDataDir } from "../../mixins/data-dir.ts";
import { ledgerFiles } from "../../services/credit/storage.ts";

/** All at once: a copy that is made in steps begins anew with every commit of somebody else, and under load would never end. */
const ALL_PAGES = 1_000_000_000;

/** SQLite's own backup: one moment of the file, whoever writes meanwhile. @returns what to say of it */
export async function backUpSqlite(dataDir: string, file: string): Promise<string> {
	const { journal } = ledgerFiles({ dataDir });
	if (!existsSync(journal)) throw new Error(`there is no ledger in DATA_DIR ${dataDir}`);
	const draft = `${file}.part`;
	const source = new DatabaseSync(journal, { readOnly: true });
	try {
		await backup(source, draft, { rate: ALL_PAGES });
		// There are people in it, and hashes of passwords.
		chmodSync(draft, 0o600);
		const told = describe(draft);
		renameSync(draft, file);
		return `${file} has ${told}`;
	} finally {
		source.close();
		for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(draft + suffix, { force: true });
	}
}

/** @throws when it is no whole backup, or something is there already; then nothing was changed */
export async function restoreSqlite(dataDir: string, file: string): Promise<string> {
	if (!existsSync(file)) throw new Error(`there is no ${file}`);
	const { journal } = ledgerFiles({ dataDir });
	// A write-ahead log that was left behind would be played on the restored file, and make it another one.
	const left = ["", "-wal", "-shm", "-journal"].map((suffix) => journal + suffix).filter((path) => existsSync(path));
	if (left.length > 0) throw new Error(`${left.join(", ")} is there already; restore into an empty DATA_DIR`);
	mkdirSync(dataDir, { recursive: true, mode: 0o700 });
	const lock = openDataDir(dataDir);
	const draft = join(dataDir, "restoring.sqlite");
	try {
		copyFileSync(file, draft);
		chmodSync(draft, 0o600);
		const told = describe(draft);
		renameSync(draft, journal);
		return `DATA_DIR ${dataDir} has ${told}`;
	} finally {
		for (const suffix of ["", "-wal", "-shm"]) rmSync(draft + suffix, { force: true });
		lock.release();
	}
}

/** @throws when it is damaged, or something else */
function describe(file: string): string {
	const database = new DatabaseSync(file, { readOnly: true });
	try {
		const { integrity_check: found } = database.prepare("PRAGMA integrity_check(1)").get() as {
			integrity_check: string;
		};
		if (found !== "ok") throw new Error(found);
		const head = database.prepare("SELECT sequence, hash FROM ledger_groups ORDER BY sequence DESC LIMIT 1").get() as
			| { sequence: number; hash: string }
			| undefined;
		return head ? `the ledger's log up to group ${head.sequence}, ${head.hash}` : "a ledger without a group";
	} catch (error) {
		throw new Error(`${file} is no whole backup: ${(error as Error).message}`);
	} finally {
		database.close();
	}
}
