import type { Run, Step } from "./k6.ts";

export type Totals = {
	readonly requests: number;
	readonly failed: number;
	readonly refused: number;
	/** Of what was let in. */
	readonly successPercent: number;
	readonly meanMs: number;
	readonly maxMs: number;
	readonly perS: number;
};

/** Of the steps alone: what made the world ready is not counted. */
export function totalsOf({ steps, tookS }: Pick<Run, "steps" | "tookS">): Totals {
	const sum = (of: (step: Step) => number) => steps.reduce((total, step) => total + of(step), 0);
	const requests = sum((step) => step.requests);
	const failed = sum((step) => step.failed);
	return {
		...{ requests, failed, refused: sum((step) => step.refused) },
		successPercent: requests === 0 ? 0 : ((requests - failed) / requests) * 100,
		meanMs: sum((step) => (step.requests === 0 ? 0 : step.meanMs * step.requests)) / requests,
		maxMs: Math.max(...steps.map(({ maxMs }) => maxMs).filter((ms) => !Number.isNaN(ms))),
		perS: requests / tookS,
	};
}

const headings = ["let in", "success", "mean", "median", "p95", "p99", "max", "refused", "with waits"] as const;

/** A table that a person can read: a line for each step, and all of them together. */
export function tableOf(title: string, run: Run): string {
	const { requests, refused, successPercent, meanMs, maxMs, perS } = totalsOf(run);
	const ms = (value: number) => (Number.isNaN(value) ? "–" : `${Math.round(value).toLocaleString("en")} ms`);
	const percent = (share: number) => `${share.toFixed(share === 100 ? 0 : 2)} %`;
	const ofStep = (step: Step): string[] => [
		step.requests.toLocaleString("en"),
		percent(step.requests === 0 ? 0 : ((step.requests - step.failed) / step.requests) * 100),
		...[step.meanMs, step.medianMs, step.p95Ms, step.p99Ms, step.maxMs].map(ms),
		step.refused.toLocaleString("en"),
		ms(step.tookMeanMs),
	];
	const rows: [string, readonly string[]][] = [
		["", headings],
		...run.steps.map((step): [string, string[]] => [step.name, ofStep(step)]),
		[
			"all",
			[
				requests.toLocaleString("en"),
				percent(successPercent),
				ms(meanMs),
				"",
				"",
				"",
				ms(maxMs),
				refused.toLocaleString("en"),
			],
		],
	];
	const width = Math.max(...rows.map(([name]) => name.length));
	const lines = rows.map(([name, cells]) =>
		[name.padEnd(width), ...cells.map((cell) => cell.padStart(11))].join("").trimEnd(),
	);
	const rest = `${perS.toFixed(1)} requests/s let in, ${run.iterations.toLocaleString("en")} iterations, ${run.timeouts} time-outs`;
	return [title, "", ...lines, "", rest].join("\n");
}
