import type { AuditProgress } from "../services/credit/audit-run.ts";

const BAR_WIDTH = 20;
/** How often somebody may want to know. */
export const LOOK_MS = process.stderr.isTTY ? 100 : 5_000;

let nextMs = performance.now() + LOOK_MS;

/** On a terminal one line that is written anew, elsewhere a line now and then; `null` ends it. */
export function showProgress(text: string | null): void {
	const { stderr } = process;
	if (text !== null && performance.now() < nextMs) return;
	nextMs = performance.now() + LOOK_MS;
	if (stderr.isTTY) stderr.write(`\r\u001b[K${text ?? ""}`);
	else if (text !== null) stderr.write(`${text}\n`);
}

export function bar({ sequence, of, transfers }: AuditProgress): string {
	const done = sequence / of;
	const filled = Math.floor(done * BAR_WIDTH);
	const groups = `group ${number(sequence)} of ${number(of)}`;
	return `${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)} ${Math.floor(done * 100)} %  ${groups}, ${number(transfers)} transfers`;
}

export const number = (value: number): string => value.toLocaleString("en");
