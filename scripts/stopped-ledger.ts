import { existsSync, rmSync } from "node:fs";
import { openDataDir } from "../mixins/data-dir.ts";
import { readSettings, type Settings } from "../moleculer.config.ts";
import { RunningLedger } from "../services/credit/running-ledger.ts";
import { ledgerFiles, openStorage } from "../services/credit/storage.ts";

type Options = { /** Makes the read model anew from the log. */ readonly rebuild?: true };

/**
 * Opens the ledger where the settings say that it lies, for as long as `work` takes; `where` says where that is. On MongoDB nothing keeps a platform from running meanwhile.
 *
 * @throws when DATA_DIR is in use or has no ledger, or MongoDB does not answer
 */
export async function withLedger<T>(
	work: (ledger: RunningLedger, where: string) => Promise<T>,
	options: Options = {},
): Promise<T> {
	const settings = readSettings(process.env);
	const files = settings.mongodbUri ? null : takeFiles(settings, options);
	try {
		const { journal, readModel } = await openStorage(settings);
		if (options.rebuild && !files) await readModel.clear();
		const ledger = await RunningLedger.open({ journal, readModel });
		return await work(ledger, placeOf(settings)).finally(() => ledger.close());
	} finally {
		files?.release();
	}
}

/** For people: without the password that the address may have. */
function placeOf({ mongodbUri, dataDir }: Settings): string {
	return mongodbUri ? `the database at ${mongodbUri.replace(/^(\w+:\/\/)[^@/]*@/, "$1")}` : `the ledger in ${dataDir}`;
}

function takeFiles({ dataDir }: Settings, { rebuild }: Options): { release(): void } {
	const { journal, readModel } = ledgerFiles({ dataDir });
	if (!existsSync(journal)) throw new Error(`there is no ledger in DATA_DIR ${dataDir}`);
	const directory = openDataDir(dataDir);
	// Deleted and not emptied: it may be damaged.
	if (rebuild) for (const suffix of ["", "-wal", "-shm"]) rmSync(readModel + suffix, { force: true });
	return directory;
}
