import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { endWithUs, freePorts, hasEnded } from "../cluster/processes.ts";
import { partPath } from "../parts.ts";

const scripts = join(import.meta.dirname, "../../tests/load/k6");
/** What is no scenario is what they share. */
const PARTS: ReadonlySet<string> = new Set(["device", "options", "platform", "world"]);
export const scenarios: readonly string[] = globSync("*.ts", { cwd: scripts })
	.map((file) => basename(file, ".ts"))
	.filter((name) => !PARTS.has(name))
	.sort();
const SAMPLE_EVERY_MS = 1_000;

/** What one second of a run was like. */
export type Second = {
	readonly atS: number;
	readonly users: number;
	/** Of this second, of what was let in. */
	readonly requestsPerS: number;
	readonly meanMs: number;
	readonly failed: number;
};

export type Step = {
	readonly name: string;
	/** That were let in; the times are theirs. */
	readonly requests: number;
	/** Of these. */
	readonly failed: number;
	/** That were told to come again later. */
	readonly refused: number;
	/** From the first attempt to the end of the step, waiting included. */
	readonly tookMeanMs: number;
	readonly tookP95Ms: number;
	readonly meanMs: number;
	readonly medianMs: number;
	readonly p95Ms: number;
	readonly p99Ms: number;
	readonly maxMs: number;
};

export type Run = {
	readonly steps: readonly Step[];
	/** All that took longer than anybody waits. */
	readonly timeouts: number;
	readonly iterations: number;
	readonly seconds: readonly Second[];
	readonly tookS: number;
};

export type RunOptions = {
	/** A file of `tests/load/k6`. */
	readonly scenario: string;
	readonly env: Readonly<Record<string, string>>;
	/** Called with every second of the run, and no answer is waited for. */
	readonly onSecond?: (second: Second) => void;
	readonly signal?: AbortSignal;
};

/** Runs a scenario to its end. @throws when k6 cannot run it; requests that fail are in the result */
export async function runK6({ scenario, env, onSecond, signal }: RunOptions): Promise<Run> {
	const folder = mkdtempSync(join(tmpdir(), "hannip-load-"));
	const summaryFile = join(folder, "summary.json");
	const [port = 0] = await freePorts(1);
	const vars = Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
	const args = ["run", "--quiet", "--address", `127.0.0.1:${port}`, "--summary-export", summaryFile, ...vars];
	const script = join(scripts, `${scenario}.ts`);
	const k6 = spawn(partPath("k6"), [...args, script], {
		stdio: ["ignore", "ignore", "pipe"],
		env: { ...process.env, K6_NO_USAGE_REPORT: "true" },
	});
	endWithUs(k6);
	const stop = () => k6.kill("SIGTERM");
	signal?.addEventListener("abort", stop, { once: true });
	const said: string[] = [];
	k6.stderr.setEncoding("utf8").on("data", (text: string) => {
		said.push(text);
		if (said.length > 200) said.shift();
	});
	const startedMs = performance.now();
	const seconds = new Seconds(startedMs, onSecond);
	const sampling = setInterval(() => void seconds.sample(port), SAMPLE_EVERY_MS);
	try {
		const [code] = hasEnded(k6) ? [k6.exitCode] : ((await once(k6, "exit")) as [number | null]);
		if (code !== 0) throw new Error(`k6 ended with ${code}:\n${said.join("").slice(-2_000)}`);
		for (const line of said.join("").split("\n").filter(Boolean).slice(-5)) console.error(line.slice(0, 300));
		const summary = JSON.parse(readFileSync(summaryFile, "utf8")) as Summary;
		return {
			...resultOf(summary, readFileSync(script, "utf8")),
			seconds: seconds.all,
			tookS: (performance.now() - startedMs) / 1_000,
		};
	} finally {
		clearInterval(sampling);
		signal?.removeEventListener("abort", stop);
		rmSync(folder, { recursive: true, force: true });
	}
}

/** What k6 says of itself while it runs is counted from its start; a second is the difference. */
class Seconds {
	readonly all: Second[] = [];
	readonly #startedMs: number;
	readonly #onSecond: RunOptions["onSecond"];
	#before = { atMs: 0, count: 0, totalMs: 0, failed: 0 };

	constructor(startedMs: number, onSecond: RunOptions["onSecond"]) {
		[this.#startedMs, this.#onSecond] = [startedMs, onSecond];
	}

	async sample(port: number): Promise<void> {
		// Before it listens, and after its end, there is nothing to ask.
		const metrics = await ask(port).catch(() => undefined);
		const count = metrics?.get("let_in")?.count;
		if (!metrics || count === undefined) return;
		const atMs = performance.now() - this.#startedMs;
		const { avg = 0 } = metrics.get("answered") ?? {};
		const now = { atMs, count, totalMs: avg * count, failed: metrics.get("failed")?.count ?? 0 };
		const { atMs: beforeMs, ...before } = this.#before;
		const requests = count - before.count;
		this.#before = now;
		const second = {
			atS: Math.round(atMs / 1_000),
			users: metrics.get("vus")?.value ?? 0,
			requestsPerS: (requests / (atMs - beforeMs)) * 1_000,
			meanMs: requests === 0 ? 0 : (now.totalMs - before.totalMs) / requests,
			failed: now.failed - before.failed,
		};
		this.all.push(second);
		this.#onSecond?.(second);
	}
}

type Sample = { readonly count?: number; readonly avg?: number; readonly value?: number };

async function ask(port: number): Promise<ReadonlyMap<string, Sample>> {
	const response = await fetch(`http://127.0.0.1:${port}/v1/metrics`, { signal: AbortSignal.timeout(SAMPLE_EVERY_MS) });
	const { data } = (await response.json()) as { data: { id: string; attributes: { sample: Sample } }[] };
	return new Map(data.map(({ id, attributes }) => [id, attributes.sample]));
}

type Figures = { readonly [name: string]: number };
type Summary = { readonly metrics: Readonly<Record<string, Figures>> };

/** @param script says in which order its steps are; k6 forgets it */
function resultOf({ metrics }: Summary, script: string): Pick<Run, "steps" | "timeouts" | "iterations"> {
	const steps = Object.keys(metrics)
		.flatMap((name) => /^answered\{step:(.+)\}$/.exec(name)?.[1] ?? [])
		.sort((left, right) => script.indexOf(`"${left}"`) - script.indexOf(`"${right}"`));
	const of = (metric: string, step: string): Figures => metrics[`${metric}{step:${step}}`] ?? {};
	return {
		steps: steps.map((name) => {
			const duration = of("answered", name);
			const took = of("took", name);
			const countOf = (counter: string) => of(counter, name).count ?? 0;
			return {
				name,
				...{ requests: countOf("let_in"), failed: countOf("failed"), refused: countOf("refused") },
				...{ tookMeanMs: took.avg ?? Number.NaN, tookP95Ms: took["p(95)"] ?? Number.NaN },
				meanMs: duration.avg ?? Number.NaN,
				medianMs: duration.med ?? Number.NaN,
				p95Ms: duration["p(95)"] ?? Number.NaN,
				p99Ms: duration["p(99)"] ?? Number.NaN,
				maxMs: duration.max ?? Number.NaN,
			};
		}),
		timeouts: metrics.timeouts?.count ?? 0,
		iterations: metrics.iterations?.count ?? 0,
	};
}
