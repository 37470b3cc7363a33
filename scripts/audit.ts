// `npm run audit`: reads the whole log and holds it, and the read model, against the rules. Asks a running platform at
// `--internal-url`; if none runs there, opens the ledger where the settings say that it lies. Exits with 1 unless everything is right.
import { parseArgs } from "node:util";
import type { Result } from "../services/actions.ts";
import { type AuditProgress, auditLedger } from "../services/credit/audit-run.ts";
import { withLedger } from "./stopped-ledger.ts";

const BAR_WIDTH = 20;
const AGAIN_MS = process.stderr.isTTY ? 100 : 5_000;

const { values } = parseArgs({ options: { "internal-url": { type: "string", default: "http://127.0.0.1:3001" } } });

let nextMs = performance.now() + AGAIN_MS;

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

/** `whom` says who was asked, for people. */
type Audited = { readonly whom: string; readonly report: Result<"credit.audit"> };

/** @returns null when no platform runs there */
async function overHttp(url: string): Promise<Audited | null> {
	const look = async () => {
		const response = await fetch(new URL("/ledger", url));
		const { auditing } = (await response.json()) as Result<"credit.status">;
		if (auditing) showProgress(bar(auditing));
	};
	// Not to see how far it is says nothing about the audit itself.
	const watching = setInterval(() => look().catch(() => {}), AGAIN_MS);
	try {
		const response = await fetch(new URL("/ledger/audit", url), { method: "POST" });
		if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
		return { whom: `the platform at ${url}`, report: (await response.json()) as Result<"credit.audit"> };
	} catch (error) {
		const { cause, message } = error as Error & { cause?: { code?: string; message: string } };
		if (cause?.code === "ECONNREFUSED") return null;
		throw cause ? new Error(`${url}: ${cause.message}`) : new Error(message);
	} finally {
		clearInterval(watching);
	}
}

const ofStorage = (): Promise<Audited> =>
	withLedger(async (ledger, whom) => {
		const onProgress = (progress: AuditProgress) => showProgress(bar(progress));
		return { whom, report: await auditLedger(ledger, { onProgress }) };
	});

function print({ whom, report }: Audited): void {
	const { groups, entries, refused, accounts, transfers, inCirculation, headHash, tookMs, discrepancy } = report;
	console.log(`audit of ${whom}`);
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
	const audited = (await overHttp(values["internal-url"])) ?? (await ofStorage());
	showProgress(null);
	print(audited);
	process.exitCode = audited.report.clean ? 0 : 1;
} catch (error) {
	showProgress(null);
	console.error(`audit: ${(error as Error).message}`);
	process.exitCode = 1;
}
