import { styleText } from "node:util";
import { duration, padEnd, padStart, truncate } from "./display.ts";
import type { Failure, Played, Screen } from "./steps.ts";

type Style = Parameters<typeof styleText>[0];

/** Colours where there is a terminal, unless NO_COLOR says otherwise. */
export const styled = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });

const TITLE_WIDTH = 40;
const DETAIL_WIDTH = 48;
const FAILURES_SHOWN = 5;
const PLAIN_PROGRESS_EVERY_MS = 2_000;

let lastLine = "";

/** Prints a line; of several empty ones in a row only the first. */
export function print(line = ""): void {
	if (line !== "" || lastLine !== "") process.stdout.write(`${line}\n`);
	lastLine = line;
}

/** Shows steps as they are played: in a terminal the running one is redrawn in place, elsewhere every line stays. */
export function createTerminal(): Screen {
	const live = process.stdout.isTTY === true;
	let plainAtMs = performance.now();
	const clear = () => {
		if (live) redraw("");
	};
	return {
		clear,
		progress: (title, done) => {
			if (live) return redraw(`  ${styled("cyan", "◌")} ${padEnd(title, TITLE_WIDTH)}${done ? bar(done) : ""}`);
			if (done === undefined) plainAtMs = performance.now();
			else if (performance.now() - plainAtMs > PLAIN_PROGRESS_EVERY_MS) {
				plainAtMs = performance.now();
				print(`  · ${title}: ${done.count} of ${done.of}`);
			}
		},
		played: (step) => {
			clear();
			for (const line of linesOf(step)) print(line);
		},
	};
}

const redraw = (line: string): void => {
	process.stdout.write(`\r\u001b[2K${line}`);
};

/** A line that wraps cannot be redrawn, so a narrow terminal goes without the bar. */
function bar({ count, of }: { count: number; of: number }): string {
	const figures = `${count}/${of}`;
	if ((process.stdout.columns || 80) < 80) return figures;
	const filled = Math.floor((20 * count) / of);
	return `${styled("cyan", "━".repeat(filled))}${styled("dim", "─".repeat(20 - filled))} ${figures}`;
}

function* linesOf({ title, detail, tookMs, failures, shown }: Played): Generator<string> {
	const mark = failures.length === 0 ? styled("green", "✓") : styled("red", "✗");
	const time = styled("dim", padStart(duration(tookMs), 8));
	yield `  ${mark} ${padEnd(title, TITLE_WIDTH)}${padEnd(truncate(detail, DETAIL_WIDTH), DETAIL_WIDTH)} ${time}`;
	for (const failure of failures.slice(0, FAILURES_SHOWN)) yield* failureLines(failure);
	if (failures.length > FAILURES_SHOWN)
		yield styled("red", `      … and ${failures.length - FAILURES_SHOWN} more failures of this step`);
	if (shown.length > 0) yield "";
	for (const line of shown) yield `      ${line}`.trimEnd();
	if (shown.length > 0) yield "";
}

function* failureLines({ what, expected, came }: Failure): Generator<string> {
	yield styled("red", `      ${what}`);
	if (expected !== undefined) yield* indented("expected", expected);
	if (came !== undefined) yield* indented("came", came);
}

const indented = (label: string, text: string): string[] =>
	text.split("\n").map((line, at) => `        ${(at === 0 ? label : "").padEnd(9)}${line}`);
