// `npm run backup -- FILE`: all that cannot be made anew, as it is at one moment, while the platform runs: the ledger's log and the documents
// of all services. Where they lie is said by the settings, as for the platform.
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { readSettings } from "../moleculer.config.ts";
import { backUpMongo } from "./backup/mongo.ts";
import { backUpSqlite } from "./backup/sqlite.ts";

async function main(): Promise<void> {
	const { positionals } = parseArgs({ allowPositionals: true });
	const [file, ...more] = positionals;
	if (!file || more.length > 0) throw new Error("say where to: npm run backup -- FILE");
	// The backup before this one may be the only good one.
	if (existsSync(file)) throw new Error(`${file} is there already; nothing was written`);
	const settings = readSettings({ ...process.env, SERVICES: "credit" });
	console.log(
		await (settings.mongodbUri ? backUpMongo(settings.mongodbUri, file) : backUpSqlite(settings.dataDir, file)),
	);
	console.log("The secrets are not in it: keep KEY_SECRET and WEBHOOK_SECRET elsewhere.");
}

main().catch((error: unknown) => {
	console.error(`backup: ${(error as Error).message}`);
	process.exitCode = 1;
});
