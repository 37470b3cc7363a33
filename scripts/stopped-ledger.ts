import { existsSync, rmSync } from "node:fs";
import { openDataDir } from "../mixins/data-dir.ts";
import { adapterFor, type Documents } from "../mixins/database.ts";
import { readSettings, type Settings } from "../moleculer.config.ts";
import { operatorTokenOf } from "../services/api/operators.ts";
import { type LineDocument, OPERATOR_LOG, OperatorLog } from "../services/credit/operator-log.ts";
import { RunningLedger } from "../services/credit/running-ledger.ts";
import { ledgerFiles, openStorage } from "../services/credit/storage.ts";

type Options = { /** Makes the read model anew from the log. */ readonly rebuild?: true };

/**
 * Opens the ledger where the settings say that it lies, for as long as `work` takes. On MongoDB nothing keeps a platform from running meanwhile.
 *
 * @throws when DATA_DIR is in use or has no ledger, or MongoDB does not answer
 */
export async function withLedger<T>(work: (ledger: RunningLedger) => Promise<T>, options: Options = {}): Promise<T> {
	const settings = settingsOfLedger();
	const files = settings.mongodbUri ? null : takeFiles(settings, options);
	try {
		const { journal, readModel } = await openStorage(settings);
		if (options.rebuild && !files) await readModel.clear();
		const ledger = await RunningLedger.open({ journal, readModel });
		return await work(ledger).finally(() => ledger.close());
	} finally {
		files?.release();
	}
}

/** The same of what operators wrote down. */
export async function withOperatorLog<T>(work: (log: OperatorLog) => Promise<T>): Promise<T> {
	const adapter = adapterFor(settingsOfLedger(), { collection: OPERATOR_LOG });
	await adapter.connect();
	const log = new OperatorLog(adapter as unknown as Documents<LineDocument>, Date.now);
	return work(log).finally(() => adapter.disconnect());
}

/** Secrets of other services are not needed here. */
const settingsOfLedger = (): Settings => readSettings({ ...process.env, SERVICES: "credit" });

/** What `OPERATOR_TOKEN`, or the file in `DATA_DIR`, says. */
export const operatorToken = (): string | undefined => operatorTokenOf(settingsOfLedger(), { make: false })?.secret;

/** Where that is, for people: without the user, the password and the options that MongoDB's address may have. */
export function placeOfLedger(): string {
	const { mongodbUri, dataDir } = settingsOfLedger();
	if (!mongodbUri) return `DATA_DIR ${dataDir}`;
	// An @ anywhere else leaves open what the password is; then nothing of it is said.
	const [, hosts, name] = /^[\w+]+:\/\/(?:[^?]*@)?([^/?@]+)(?:\/([^?@]*))?(?:\?[^@]*)?$/.exec(mongodbUri) ?? [];
	if (!hosts) return "the database of MONGODB_URI";
	return name ? `the database ${name} at ${hosts}` : `the database at ${hosts}`;
}

function takeFiles({ dataDir }: Settings, { rebuild }: Options): { release(): void } {
	const { journal, readModel } = ledgerFiles({ dataDir });
	if (!existsSync(journal)) throw new Error(`there is no ledger in DATA_DIR ${dataDir}`);
	const directory = openDataDir(dataDir);
	// Deleted and not emptied: it may be damaged.
	if (rebuild) for (const suffix of ["", "-wal", "-shm"]) rmSync(readModel + suffix, { force: true });
	return directory;
}
