// `npm run audit`: reads the whole log and holds it, and the read model, against the rules. Asks a running platform at
// `--internal-url`; if none runs there, opens the ledger where the settings say that it lies. Exits with 1 unless everything is right.
import { parseArgs } from "node:util";
import type { Result } from "../services/actions.ts";
import { type AuditProgress, auditLedger } from "../services/credit/audit-run.ts";
import { withLedger } from "./stopped-ledger.ts";

const BAR_WIDTH = 20;
const AGAIN_MS = process.stderr.isTTY ? 100 : 5_000;

const { values } = parseArgs({ options: { "internal-url": { type: "string", default: "http://127.0.0.1:3001" } } });

const startedAt = performance.now();
let nextMs = startedAt + AGAIN_MS;

/** On a terminal one line that is written anew, elsewhere a line now and then; `null` ends it. */
function showProgress(text: string | null): void {
	const { stderr } = process;
	if (text !== null && performance.now() < nextMs) return;
	nextMs = performance.now() + AGAIN_MS;
	if (stderr.isTTY) stderr.write(`\r\u001b[K${text ?? ""}`);
	else if (text !== null) stderr.write(`${text}\n`);
}

function bar({ sequence, of, transfers }: AuditProgress): string {
	const done = sequence / of;
	const filled = Math.floor(done * BAR_WIDTH);
	const groups = `group ${number(sequence)} of ${number(of)}`;
	return `${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)} ${Math.floor(done * 100)} %  ${groups}, ${number(transfers)} transfers`;
}

const number = (value: number): string => value.toLocaleString("en");

/** A platform does not say how far it is; @returns null when none runs there */
async function overHttp(url: string): Promise<Result<"credit.audit"> | null> {
	const seconds = () => Math.round((performance.now() - startedAt) / 1_000);
	const waiting = setInterval(() => showProgress(`${url} audits its ledger, ${seconds()} s`), AGAIN_MS);
	try {
		const response = await fetch(new URL("/ledger/audit", url), { method: "POST" });
		if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
		return (await response.json()) as Result<"credit.audit">;
	} catch (error) {
		const { cause, message } = error as Error & { cause?: { code?: string; message: string } };
		if (cause?.code === "ECONNREFUSED") return null;
		throw cause ? new Error(`${url}: ${cause.message}`) : new Error(message);
	} finally {
		clearInterval(waiting);
	}
}

const ofStorage = (): Promise<Result<"credit.audit">> =>
	withLedger((ledger) => auditLedger(ledger, { onProgress: (progress) => showProgress(bar(progress)) }));

function print(report: Result<"credit.audit">): void {
	const { groups, entries, refused, accounts, transfers, inCirculation, headHash, tookMs, discrepancy } = report;
	console.log(
		`${number(groups)} groups, ${number(entries)} entries (${number(refused)} refused), ` +
			`${number(accounts)} accounts, ${number(transfers)} transfers`,
	);
	console.log(`${number(inCirculation)} credit in circulation; head ${headHash}; ${number(tookMs)} ms`);
	if (discrepancy) {
		const { sequence, position, what } = discrepancy;
		console.error(`WRONG at group ${sequence}${position === null ? "" : `, entry ${position}`}: ${what}`);
	} else console.log("clean");
}

try {
	const report = (await overHttp(values["internal-url"])) ?? (await ofStorage());
	showProgress(null);
	print(report);
	process.exitCode = report.clean ? 0 : 1;
} catch (error) {
	showProgress(null);
	console.error(`audit: ${(error as Error).message}`);
	process.exitCode = 1;
}
