// `npm run audit`: reads the whole log and holds it, and the read model, against the rules; and the operator log, its chain and
// whether it says the same as the ledger. Asks a running platform at
// `--internal-url`; if none runs there, opens the ledger where the settings say that it lies; and says which of both before it begins.
// Exits with 1 unless everything is right.
import { parseArgs } from "node:util";
import type { Result } from "../services/actions.ts";
import { type AuditProgress, auditLedger } from "../services/credit/audit-run.ts";
import { bar, LOOK_MS, number, showProgress } from "./audit-view.ts";
import { operatorToken, placeOfLedger, withLedger, withOperatorLog } from "./stopped-ledger.ts";

type Report = Result<"credit.audit">;

/** Before the audit and not with its result: it takes its time, and may fail. */
const sayWhom = (whom: string): void => console.log(`audit of ${whom}`);

/** @returns null when no platform runs there */
async function overHttp(url: string): Promise<Report | null> {
	if (!(await ask<Status>(url, "/ledger"))) return null;
	const passedOver = ["MONGODB_URI", "MONGODB_URI_FILE", "DATA_DIR"].filter((name) => process.env[name]);
	const others = passedOver.length > 0 ? `; ${passedOver.join(" and ")} would be asked if it did not run` : "";
	sayWhom(`the running platform at ${url}${others}`);
	const look = async () => {
		const status = await ask<Status>(url, "/ledger");
		if (status?.auditing) showProgress(bar(status.auditing));
	};
	// Not to see how far it is says nothing about the audit itself.
	const watching = setInterval(() => look().catch(() => {}), LOOK_MS);
	try {
		return await ask<Report>(url, "/ledger/audit", "POST");
	} finally {
		clearInterval(watching);
	}
}

type Status = Result<"credit.status">;

/** @returns null when nobody listens there @throws with the url */
async function ask<T>(url: string, path: string, method = "GET"): Promise<T | null> {
	try {
		const headers = { authorization: `Bearer ${operatorToken()}` };
		const response = await fetch(new URL(path, url), { method, headers });
		if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
		return (await response.json()) as T;
	} catch (error) {
		const { cause, message } = error as Error & { cause?: { code?: string; message: string } };
		if (cause?.code === "ECONNREFUSED") return null;
		throw cause ? new Error(`${url}: ${cause.message}`) : new Error(message);
	}
}

async function ofStorage(url: string): Promise<Report> {
	sayWhom(`the stopped ledger in ${placeOfLedger()}, since no platform runs at ${url}`);
	const onProgress = (progress: AuditProgress) => showProgress(bar(progress));
	return withLedger((ledger) => withOperatorLog((operations) => auditLedger(ledger, { operations, onProgress })));
}

/** Without a path. @throws when it has a password, which could end on the screen, and which nobody there asks for */
function internalUrl(): string {
	const { values } = parseArgs({ options: { "internal-url": { type: "string", default: "http://127.0.0.1:3001" } } });
	const { origin, username, password } = new URL(values["internal-url"]);
	if (username || password) throw new Error("--internal-url takes no user and no password");
	return origin;
}

function print(report: Report): void {
	const { groups, entries, refused, accounts, transfers, inCirculation, headHash, tookMs, discrepancy, operations } =
		report;
	console.log(
		`${number(groups)} groups, ${number(entries)} entries (${number(refused)} refused), ` +
			`${number(accounts)} accounts, ${number(transfers)} transfers`,
	);
	console.log(`${number(inCirculation)} credit in circulation; head ${headHash}; ${number(tookMs)} ms`);
	if (discrepancy) {
		const { sequence, position, what } = discrepancy;
		console.error(`WRONG at group ${sequence}${position === null ? "" : `, entry ${position}`}: ${what}`);
	}
	if (operations.discrepancy) console.error(`WRONG in the operator log: ${operations.discrepancy}`);
	else console.log(`operator log: ${number(operations.lines)} lines; head ${operations.headHash}`);
	if (report.clean) console.log("clean");
}

try {
	const url = internalUrl();
	const report = (await overHttp(url)) ?? (await ofStorage(url));
	showProgress(null);
	print(report);
	process.exitCode = report.clean ? 0 : 1;
} catch (error) {
	showProgress(null);
	console.error(`audit: ${(error as Error).message}`);
	process.exitCode = 1;
}
