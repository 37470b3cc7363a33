import { join } from "node:path";
import { clockOf } from "../../mixins/mongo.ts";
import type { Settings } from "../../moleculer.config.ts";
import type { Journal } from "./journal.ts";
import { MongoJournal } from "./journal-mongo.ts";
import { SqliteJournal } from "./journal-sqlite.ts";
import type { Locate, ReadModel } from "./read-model.ts";
import { MongoReadModel } from "./read-model-mongo.ts";
import { SqliteReadModel } from "./read-model-sqlite.ts";

type Place = Pick<Settings, "dataDir" | "mongodbUri">;

type Storage = { readonly journal: Journal; readonly readModel: ReadModel; readonly clock: () => number };

/** Where the settings say that the ledger lies, and the clock of that place. @throws when it cannot be opened; then nothing is left open */
export async function openStorage(settings: Place): Promise<Storage> {
	const { mongodbUri } = settings;
	const files = ledgerFiles(settings);
	const journal = mongodbUri ? new MongoJournal(mongodbUri) : new SqliteJournal(files.journal);
	const locate: Locate = (ids) => journal.find(ids);
	const opening = mongodbUri ? MongoReadModel.open(mongodbUri, locate) : SqliteReadModel.open(files.readModel, locate);
	try {
		return { journal, readModel: await opening, clock: clockOf(settings) };
	} catch (error) {
		await journal.close().catch(() => {});
		throw error;
	}
}

export const ledgerFiles = ({ dataDir }: Pick<Place, "dataDir">) => ({
	journal: join(dataDir, "hannip.sqlite"),
	readModel: join(dataDir, "read-model.sqlite"),
});
