import { existsSync } from "node:fs";
import { join } from "node:path";
import { openDataDir } from "../mixins/data-dir.ts";
import { readSettings } from "../moleculer.config.ts";
import { SqliteJournal } from "../services/credit/journal-sqlite.ts";
import { SqliteReadModel } from "../services/credit/read-model-sqlite.ts";
import { RunningLedger } from "../services/credit/running-ledger.ts";

export type Files = { readonly journal: string; readonly readModel: string };

/** Opens the ledger of a platform that is not running, for as long as `work` takes. @throws when DATA_DIR is in use or has no ledger */
export async function withEmbeddedLedger<T>(
	work: (ledger: RunningLedger) => Promise<T>,
	{ before = () => {} }: { before?: (files: Files) => void } = {},
): Promise<T> {
	const { dataDir } = readSettings(process.env);
	const files = { journal: join(dataDir, "hannip.sqlite"), readModel: join(dataDir, "read-model.sqlite") };
	if (!existsSync(files.journal)) throw new Error(`there is no ledger in DATA_DIR ${dataDir}`);
	const directory = openDataDir(dataDir);
	try {
		before(files);
		const readModel = await SqliteReadModel.open(files.readModel);
		const ledger = await RunningLedger.open({ journal: new SqliteJournal(files.journal), readModel });
		return await work(ledger).finally(() => ledger.close());
	} finally {
		directory.release();
	}
}
