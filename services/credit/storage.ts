import { join } from "node:path";
import type { Settings } from "../../moleculer.config.ts";
import type { Journal } from "./journal.ts";
import { MongoJournal } from "./journal-mongo.ts";
import { SqliteJournal } from "./journal-sqlite.ts";
import type { ReadModel } from "./read-model.ts";
import { MongoReadModel } from "./read-model-mongo.ts";
import { SqliteReadModel } from "./read-model-sqlite.ts";

type Place = Pick<Settings, "dataDir" | "mongodbUri">;

/** Where the settings say that the ledger lies. @throws when it cannot be opened; then nothing is left open */
export async function openStorage(settings: Place): Promise<{ journal: Journal; readModel: ReadModel }> {
	const { mongodbUri } = settings;
	if (mongodbUri) return { readModel: await MongoReadModel.open(mongodbUri), journal: new MongoJournal(mongodbUri) };
	const { journal, readModel } = ledgerFiles(settings);
	return { readModel: await SqliteReadModel.open(readModel), journal: new SqliteJournal(journal) };
}

export const ledgerFiles = ({ dataDir }: Pick<Place, "dataDir">) => ({
	journal: join(dataDir, "hannip.sqlite"),
	readModel: join(dataDir, "read-model.sqlite"),
});
