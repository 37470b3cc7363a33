import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";

export const root = join(import.meta.dirname, "..");
const bin = (name: string): string => join(root, "node_modules", ".bin", name);

export type Step = { readonly name: string; readonly command: string; readonly args: readonly string[] };

/** A file of tests that hangs says so, and lets the others go on. */
const HANGS_MS = 900_000;

/** One more than there are cores: of three files one waits, for a time-out, a browser or a process. */
const FILES_AT_ONCE = availableParallelism() + 1;

export const nodeTest = (name: string, ...patterns: readonly string[]): Step => {
	const how = ["--test", `--test-concurrency=${FILES_AT_ONCE}`, `--test-timeout=${HANGS_MS}`];
	return { name, command: process.execPath, args: ["--disable-warning=ExperimentalWarning", ...how, ...patterns] };
};

export const script = (name: string, path: string): Step => ({
	name,
	command: process.execPath,
	args: ["--disable-warning=ExperimentalWarning", path],
});

/** Everything that can be said about the code without running the platform. */
export const staticChecks: readonly Step[] = [
	{ name: "format and lint", command: bin("biome"), args: ["ci", "--error-on-warnings", "."] },
	{ name: "types", command: bin("tsc"), args: ["--project", "."] },
	{ name: "types of the clients", command: bin("tsc"), args: ["--project", "clients"] },
	{ name: "unused code", command: bin("knip"), args: [] },
];

/** Runs the steps one after the other, all of them, and ends the process: with 1 if one failed. */
export function runSteps(steps: readonly Step[]): never {
	const failed = steps.filter(({ name, command, args }) => {
		console.log(`\n— ${name}`);
		const startedAt = performance.now();
		const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
		console.log(`${status === 0 ? "✓" : "✗"} ${name} (${((performance.now() - startedAt) / 1_000).toFixed(1)} s)`);
		return status !== 0;
	});
	if (failed.length > 0) console.error(`\nfailed: ${failed.map(({ name }) => name).join(", ")}`);
	process.exit(failed.length > 0 ? 1 : 0);
}
