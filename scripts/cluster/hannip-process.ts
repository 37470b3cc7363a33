import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CpuQuota } from "./cpu-quota.ts";
import { endWithUs, hasEnded, until } from "./processes.ts";

const main = join(import.meta.dirname, "../../main.ts");
const PROBE_EVERY_MS = 200;
/** As often as the manifests have it: whoever is held to a share of a core must not spend it on being asked. */
const PROBE_HELD_EVERY_MS = 2_000;
const PROBE_TIMEOUT_MS = 1_500;
const RESTART_AFTER_MS = 300;

export type Ports = { readonly public: number; readonly internal: number; readonly probes: number };
export type ProcessOptions = {
	readonly ports: Ports;
	readonly env: NodeJS.ProcessEnv;
	readonly logFile: string;
	/** What it may take of the cores, if that is less than all. */
	readonly quota?: CpuQuota | undefined;
};
export type State = "down" | "starting" | "ready" | "not ready" | "silent";

/** A process of Hannip that is started again when it ends without having been asked to, as Kubernetes does with a pod. */
export class HannipProcess {
	readonly name: string;
	readonly ports: Ports;
	readonly logFile: string;
	restarts = 0;
	state: State = "down";
	/** Why it is not ready, in its own words. */
	reason = "";
	#env: NodeJS.ProcessEnv;
	readonly #quota: CpuQuota | undefined;
	#child: ChildProcess | null = null;
	#isWanted = false;
	#probing: NodeJS.Timeout | undefined;

	constructor(name: string, { ports, env, logFile, quota }: ProcessOptions) {
		[this.name, this.ports, this.#env, this.logFile, this.#quota] = [name, ports, env, logFile, quota];
	}

	get pid(): number | undefined {
		return this.#child?.pid;
	}

	get isReady(): boolean {
		return this.state === "ready";
	}

	/** @throws when it is not ready in time */
	async start(env: NodeJS.ProcessEnv = {}): Promise<void> {
		this.#env = { ...this.#env, ...env };
		this.#isWanted = true;
		this.#spawn();
		await this.ready();
	}

	/** @throws with the end of its log, also when it is told to end meanwhile */
	async ready(): Promise<void> {
		const decided = until(() => this.isReady || !this.#isWanted, `${this.name} is ready`).then(() => {
			if (!this.isReady) throw new Error(`${this.name} was told to end`);
		});
		await decided.catch((error: Error) => {
			const lastLines = readFileSync(this.logFile, "utf8").split("\n").slice(-8).join("\n");
			throw new Error(`${error.message}; it is ${this.state} ${this.reason}. Its log ends with:\n${lastLines}`);
		});
	}

	/** Tells it to end, and waits until it has. @returns how it ended */
	async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
		this.#isWanted = false;
		const child = this.#child;
		if (!child || hasEnded(child)) return null;
		const exited = once(child, "exit");
		child.ref();
		child.kill("SIGCONT");
		child.kill(signal);
		const [code] = (await exited) as [number | null];
		return code;
	}

	/** Whatever the signal does to it. */
	signal(signal: NodeJS.Signals): void {
		this.#child?.kill(signal);
	}

	#spawn(): void {
		const { ports, logFile } = this;
		const log = openSync(logFile, "a");
		const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main], {
			env: {
				...process.env,
				...this.#env,
				...{ PORT: String(ports.public), INTERNAL_PORT: String(ports.internal), PROBE_PORT: String(ports.probes) },
			},
			stdio: ["ignore", log, log],
		});
		closeSync(log);
		endWithUs(child);
		if (this.#quota && child.pid !== undefined) this.#quota.hold(child.pid);
		this.#child = child;
		this.state = "starting";
		this.#probe(child);
		child.once("exit", () => void this.#hasEnded());
	}

	async #hasEnded(): Promise<void> {
		clearTimeout(this.#probing);
		this.state = "down";
		this.reason = "";
		if (!this.#isWanted) return;
		await sleep(RESTART_AFTER_MS);
		if (!this.#isWanted) return;
		this.restarts++;
		this.#spawn();
	}

	#probe(child: ChildProcess): void {
		const everyMs = this.#quota ? PROBE_HELD_EVERY_MS : PROBE_EVERY_MS;
		const again = async () => {
			const [state, reason] = await this.#asked();
			if (this.#child !== child || hasEnded(child)) return;
			this.state = state;
			this.reason = reason;
			this.#probing = setTimeout(again, state === "ready" ? everyMs : PROBE_EVERY_MS / 4).unref();
		};
		void again();
	}

	async #asked(): Promise<[State, string]> {
		try {
			const response = await fetch(`http://127.0.0.1:${this.ports.probes}/ready`, {
				signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
			});
			const reason = (await response.text()).trim();
			if (response.ok) return ["ready", ""];
			return [reason === "starting" ? "starting" : "not ready", reason];
		} catch (error) {
			if (this.state === "starting" && (error as Error).name !== "TimeoutError") return ["starting", ""];
			return ["silent", ""];
		}
	}
}
