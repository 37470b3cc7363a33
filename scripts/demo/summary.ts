import type { Result } from "../../services/actions.ts";
import type { Day } from "./day.ts";
import { duration, plural, won } from "./display.ts";
import type { Played } from "./steps.ts";
import { table } from "./table.ts";
import { print, styled } from "./terminal.ts";

/** The end of the demo: a table of the steps, what was seen of the QR codes, where the credit is, and the verdict. */
export function printSummary({ steps, qr, books }: Day, audit: Result<"credit.audit"> | null): void {
	print();
	for (const line of stepTable(steps.played)) print(`  ${coloured(line)}`);
	print();
	const { pictures, decoded, kinds } = qr.summary();
	print(`  QR codes        ${decoded}/${pictures} read back from the picture`);
	for (const kind of kinds) print(`                  ${kind}`);
	if (audit) {
		print(
			`  In circulation  ${won(audit.inCirculation)} credit on the platform, ${won(books.held())} of it from this run`,
		);
		print(`  Audit           ${auditLine(audit)}`);
	}
	print();
}

function auditLine({
	clean,
	discrepancy,
	entries,
	refused,
	accounts,
	tookMs,
	headSequence,
	headHash,
}: Result<"credit.audit">) {
	const head = `head ${won(headSequence)} ${headHash.slice(0, 12)}…`;
	const verdict = clean ? "clean" : `not clean: ${discrepancy?.what ?? "?"} at group ${discrepancy?.sequence ?? "?"}`;
	return `${verdict}, ${won(entries)} entries (${won(refused)} refused), ${plural(accounts, "account")}, ${head}, in ${duration(tookMs)}`;
}

function stepTable(played: readonly Played[]): string[] {
	return table(
		[
			{ title: "Step" },
			{ title: "Count", align: "right" },
			{ title: "Median ms", align: "right" },
			{ title: "Result" },
		],
		played.flatMap(({ title, timesMs, laps, failures }) => [
			[title, won(timesMs.length), millis(median(timesMs)), resultOf(failures.length)],
			...lapRows(timesMs.length > 1 ? laps : new Map()),
		]),
	);
}

/** The parts of what was repeated; of a single round they would say little. */
const lapRows = (laps: Played["laps"]): string[][] =>
	[...laps].map(([name, lapsMs]) => [`  · ${name}`, won(lapsMs.length), millis(median(lapsMs)), ""]);

const resultOf = (failures: number): string => (failures === 0 ? "✓" : `✗ ${plural(failures, "failure")}`);

const coloured = (line: string): string =>
	line.replace(/✓$/u, styled("green", "✓")).replace(/✗.*$/u, (text) => styled("red", text));

const millis = (ms: number): string => ms.toFixed(1);

export function median(values: readonly number[]): number {
	const sorted = values.toSorted((left, right) => left - right);
	const middle = sorted.length / 2;
	const lower = sorted[Math.ceil(middle) - 1] ?? 0;
	const upper = sorted[Math.floor(middle)] ?? 0;
	return (lower + upper) / 2;
}
