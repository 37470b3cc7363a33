import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unlimited } from "../../tests/api/platform.ts";
import { Cluster, type Counts } from "../cluster/cluster.ts";
import { CpuQuota } from "../cluster/cpu-quota.ts";
import { endWithUs, freePorts, hasEnded, until } from "../cluster/processes.ts";
import type { Part } from "./usage.ts";

/** What is loaded, and what of it can be seen from outside. */
export type Loaded = {
	readonly url: string;
	/** That answer right now. */
	readonly processes: () => number;
	/** That hash passwords right now. */
	readonly hashers: () => number;
	/** Those that run right now, and what they need behind them. */
	readonly parts: () => readonly Part[];
	readonly behind: () => readonly Part[];
	readonly cluster: Cluster | null;
	stop(): Promise<void>;
};

export type LoadedOptions = { readonly counts: Partial<Counts>; readonly milliCpu?: number | undefined };

/** Every service in processes of its own, with NATS and a replica set of three. */
export async function startCluster({ counts, milliCpu }: LoadedOptions): Promise<Loaded> {
	const cluster = await Cluster.start({ counts, env: unlimited, ...(milliCpu !== undefined && { milliCpu }) });
	const ready = (processes: Cluster["processes"]) => processes.filter(({ isReady }) => isReady).length;
	return {
		url: cluster.publicUrl,
		processes: () => ready(cluster.processes),
		hashers: () => ready([...cluster.of("hasher")]),
		behind: () => [
			{ name: "nats", pid: cluster.nats.pid },
			...(cluster.set?.members ?? []).map(({ process: { pid } }) => ({ name: "mongodb", pid })),
		],
		parts: () => cluster.processes.map(({ name, pid }) => ({ name: name.replace(/-\d+$/, ""), pid })),
		cluster,
		stop: () => cluster.stop(),
	};
}

/** Everything in one process, on files, as `npm start` runs it. */
export async function startOne({ milliCpu }: Pick<LoadedOptions, "milliCpu"> = {}): Promise<Loaded> {
	const [port = 0, internal = 0, probes = 0] = await freePorts(3);
	const dataDir = mkdtempSync(join(tmpdir(), "hannip-load-"));
	const child: ChildProcess = spawn(
		process.execPath,
		["--disable-warning=ExperimentalWarning", join(import.meta.dirname, "../../main.ts")],
		{
			stdio: ["ignore", "ignore", "inherit"],
			env: {
				...process.env,
				...unlimited,
				...{ DATA_DIR: dataDir, PORT: String(port), INTERNAL_PORT: String(internal), PROBE_PORT: String(probes) },
				LOG_LEVEL: "error",
			},
		},
	);
	endWithUs(child, { remove: dataDir });
	await until(async () => (await fetch(`http://127.0.0.1:${probes}/ready`)).ok, "the platform is ready");
	const quota = milliCpu === undefined ? undefined : CpuQuota.of("one", milliCpu);
	quota?.hold(child.pid as number);
	return {
		url: `http://127.0.0.1:${port}`,
		processes: () => (hasEnded(child) ? 0 : 1),
		hashers: () => 1,
		parts: () => [{ name: "one", pid: child.pid }],
		behind: () => [],
		cluster: null,
		async stop() {
			const ended = hasEnded(child) ? null : once(child, "exit");
			child.ref();
			child.kill("SIGTERM");
			await ended;
			quota?.remove();
			rmSync(dataDir, { recursive: true, force: true });
		},
	};
}
