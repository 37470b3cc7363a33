// `npm run audit`: reads the whole log and holds it, and the read model, against the rules. Asks a running platform at
// `--internal-url`; if none answers there, opens the files in DATA_DIR. Exits with 1 unless everything is right.
import { parseArgs } from "node:util";
import type { Result } from "../services/actions.ts";
import { auditLedger } from "../services/credit/audit-run.ts";
import { withEmbeddedLedger } from "./embedded-ledger.ts";

const { values } = parseArgs({ options: { "internal-url": { type: "string", default: "http://127.0.0.1:3001" } } });

async function overHttp(url: string): Promise<Result<"credit.audit"> | null> {
	const response = await fetch(new URL("/ledger/audit", url), { method: "POST" }).catch(() => null);
	if (!response) return null;
	if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
	return (await response.json()) as Result<"credit.audit">;
}

try {
	const report = (await overHttp(values["internal-url"])) ?? (await withEmbeddedLedger(auditLedger));
	const { groups, entries, refused, accounts, transfers, inCirculation, headHash, tookMs } = report;
	console.log(
		`${groups} groups, ${entries} entries (${refused} refused), ${accounts} accounts, ${transfers} transfers`,
	);
	console.log(`${inCirculation} credit in circulation; head ${headHash}; ${tookMs} ms`);
	if (report.discrepancy) {
		const { sequence, position, what } = report.discrepancy;
		console.error(`WRONG at group ${sequence}${position === null ? "" : `, entry ${position}`}: ${what}`);
	} else console.log("clean");
	process.exitCode = report.clean ? 0 : 1;
} catch (error) {
	console.error(`audit: ${(error as Error).message}`);
	process.exitCode = 1;
}
