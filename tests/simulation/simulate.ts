import { printFigures } from "../../bench/figures.ts";
import { invariants } from "./invariants.ts";
import { runWorlds } from "./run-worlds.ts";
import type { Report, WorldOptions } from "./world.ts";

const PROGRESS_MS = 5_000;

/** What many worlds came to. */
export class Tally {
	worlds = 0;
	transfers = 0;
	entries = 0;
	groups = 0;
	readonly faults: Record<string, number> = {};
	readonly heard: Record<string, number> = {};
	readonly refused: Record<string, number> = {};
	readonly violations: Report[] = [];

	add(report: Report): void {
		this.worlds++;
		this.transfers += report.transfers;
		this.entries += report.entries;
		this.groups += report.groups;
		addTo(this.faults, report.faults);
		addTo(this.heard, report.heard);
		addTo(this.refused, report.refused);
		if (report.violation) this.violations.push(report);
	}

	get faultCount(): number {
		return Object.values(this.faults).reduce((sum, count) => sum + count, 0);
	}
}

function addTo(sums: Record<string, number>, counts: Readonly<Record<string, number>>): void {
	for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
}

/** Seeds that follow one another, which share the transfers. */
export function* worldsOf({
	seed,
	seeds,
	transfers,
}: WorldOptions & { readonly seeds: number }): Generator<WorldOptions> {
	for (let n = 0; n < seeds; n++) yield { seed: seed + n, transfers: Math.ceil(transfers / seeds) };
}

/** Runs worlds until one of them is wrong, and says what came of it. @returns the number of violations */
export async function simulate(options: WorldOptions & { readonly seeds: number }): Promise<number> {
	const tally = new Tally();
	const startedAt = performance.now();
	let toldAt = startedAt;
	console.log(`${options.seeds} worlds from the seed ${options.seed} on, ${options.transfers} transfers in all`);
	const onReport = (report: Report): boolean => {
		tally.add(report);
		if (performance.now() - toldAt > PROGRESS_MS) {
			toldAt = performance.now();
			console.log(progressOf(tally, toldAt - startedAt));
		}
		return !report.violation;
	};
	await runWorlds({ worlds: worldsOf(options), onReport });
	console.log(progressOf(tally, performance.now() - startedAt));
	printCounts("faults", tally.faults);
	printCounts("answers", tally.heard);
	printCounts("appends that the log did not take", tally.refused);
	for (const report of tally.violations) printViolation(report);
	printFigures({
		"simulate.transfers": [tally.transfers, "transfers"],
		"simulate.faults": [tally.faultCount, "faults"],
		"simulate.violations": [tally.violations.length, "violations"],
	});
	return tally.violations.length;
}

function progressOf({ worlds, transfers, groups, faultCount }: Tally, tookMs: number): string {
	const perS = Math.round((transfers / tookMs) * 1_000);
	return `${worlds} worlds: ${transfers} transfers in ${groups} groups, ${faultCount} faults; ${perS} transfers/s`;
}

function printCounts(title: string, counts: Readonly<Record<string, number>>): void {
	const sorted = Object.entries(counts).sort(([, left], [, right]) => right - left);
	console.log(`${title}: ${sorted.map(([name, count]) => `${name} ${count}`).join(", ")}`);
}

/** What shows it once more. */
export const replayOf = ({ seed, wanted }: Report): string =>
	`npm run simulate -- --seed ${seed} --transfers ${wanted} --seeds 1`;

function printViolation(report: Report): void {
	const { seed, violation } = report;
	if (!violation) return;
	const { invariant, message, step, last } = violation;
	console.error(`\nVIOLATION of "${invariant}" at step ${step} of the seed ${seed}: ${invariants[invariant]}`);
	console.error(message);
	console.error(`\nwhat happened before:\n${last.join("\n")}`);
	console.error(`\nto see it again: ${replayOf(report)}`);
}
