// `npm run bench:start`: a fresh platform from nothing to ready, and what it holds in memory at rest.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { residentMb } from "../scripts/cluster/processes.ts";
import { median, printFigures } from "./figures.ts";

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const ROUNDS = values.quick ? 3 : 7;
const PROBE_PORT = "34982";
const REST_MS = 3_000;

async function ready(): Promise<void> {
	for (;;) {
		const response = await fetch(`http://127.0.0.1:${PROBE_PORT}/ready`).catch(() => null);
		if (response?.ok) return;
		await sleep(10);
	}
}

async function startOnce(): Promise<{ readyS: number; rssMB: number }> {
	const dataDir = mkdtempSync(join(tmpdir(), "hannip-bench-"));
	const env = { ...process.env, DATA_DIR: dataDir, PORT: "0", INTERNAL_PORT: "0", PROBE_PORT, LOG_LEVEL: "error" };
	const startedAt = performance.now();
	// As `npm start` does it, less npm itself.
	const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "main.ts"], {
		cwd: join(import.meta.dirname, ".."),
		env,
		stdio: "inherit",
	});
	try {
		await ready();
		const readyS = (performance.now() - startedAt) / 1_000;
		await sleep(REST_MS);
		return { readyS, rssMB: residentMb(child.pid) ?? Number.NaN };
	} finally {
		const ended = new Promise((resolve) => child.once("exit", resolve));
		child.kill("SIGTERM");
		await ended;
		rmSync(dataDir, { recursive: true, force: true });
	}
}

const runs: { readyS: number; rssMB: number }[] = [];
for (let round = 1; round <= ROUNDS; round++) {
	const run = await startOnce();
	runs.push(run);
	console.log(`start ${round}: ready after ${run.readyS.toFixed(2)} s, ${run.rssMB.toFixed(0)} MB at rest`);
}
printFigures({
	"start.ready": [median(runs.map(({ readyS }) => readyS)), "s"],
	"start.rss": [median(runs.map(({ rssMB }) => rssMB)), "MB"],
});
