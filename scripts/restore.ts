// `npm run restore -- FILE`: puts back what `npm run backup` wrote, where the settings say and where there is nothing yet. Then `npm run audit`.
import { parseArgs } from "node:util";
import { readSettings } from "../moleculer.config.ts";
import { restoreMongo } from "./backup/mongo.ts";
import { restoreSqlite } from "./backup/sqlite.ts";

async function main(): Promise<void> {
	const { positionals } = parseArgs({ allowPositionals: true });
	const [file, ...more] = positionals;
	if (!file || more.length > 0) throw new Error("say what from: npm run restore -- FILE");
	const settings = readSettings({ ...process.env, SERVICES: "credit" });
	console.log(
		await (settings.mongodbUri ? restoreMongo(settings.mongodbUri, file) : restoreSqlite(settings.dataDir, file)),
	);
	console.log("Now: npm run audit, then start the platform with the secrets that it had.");
}

main().catch((error: unknown) => {
	console.error(`restore: ${(error as Error).message}`);
	process.exitCode = 1;
});
