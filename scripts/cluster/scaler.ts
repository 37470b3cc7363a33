import { setTimeout as sleep } from "node:timers/promises";
import { type ServiceName, serviceNames } from "../../moleculer.config.ts";
import type { Cluster } from "./cluster.ts";
import type { HannipProcess } from "./hannip-process.ts";
import { Hpa, type HpaSettings, LOOK_EVERY_S } from "./hpa.ts";
import { cpuMsOf } from "./processes.ts";

export type ScalerOptions = {
	readonly settings: Readonly<Record<ServiceName, HpaSettings>>;
	/** What each process asks for, in thousandths of a core: utilization is a share of that. */
	readonly requestMilliCpu: Readonly<Record<ServiceName, number>>;
	readonly onScaled?: (service: ServiceName, change: { from: number; to: number; utilizationPercent: number }) => void;
	readonly signal: AbortSignal;
};

/** Does with the processes of a cluster on this machine what Kubernetes' autoscaler does with pods, by the same formula. */
export class Scaler {
	readonly #cluster: Cluster;
	readonly #options: ScalerOptions;
	readonly #hpas: ReadonlyMap<ServiceName, Hpa>;
	readonly #before = new Map<HannipProcess, { pid: number | undefined; cpuMs: number; atMs: number }>();

	constructor(cluster: Cluster, options: ScalerOptions) {
		[this.#cluster, this.#options] = [cluster, options];
		this.#hpas = new Map(serviceNames.map((service) => [service, new Hpa(options.settings[service])]));
	}

	/** Looks every 15 seconds until it is told to stop. */
	async run(): Promise<void> {
		const { signal } = this.#options;
		for (const process of this.#cluster.processes) this.#used(process);
		while (!signal.aborted) {
			await sleep(LOOK_EVERY_S * 1_000, undefined, { signal }).catch(() => undefined);
			if (!signal.aborted) await Promise.all(serviceNames.map((service) => this.#look(service)));
		}
	}

	async #look(service: ServiceName): Promise<void> {
		const processes = this.#cluster.of(service);
		const ready = processes.filter(({ isReady }) => isReady);
		// As long as nobody answers nothing is known; and what is being added is waited for.
		if (ready.length === 0 || ready.length < processes.length) return;
		const used = ready.map((process) => this.#used(process));
		const request = this.#options.requestMilliCpu[service];
		const utilizationPercent = (used.reduce((sum, milliCpu) => sum + milliCpu, 0) / ready.length / request) * 100;
		const from = processes.length;
		const atS = performance.now() / 1_000;
		const to = this.#hpas.get(service)?.look({ atS, replicas: from, utilizationPercent }) ?? from;
		if (to === from) return;
		this.#options.onScaled?.(service, { from, to, utilizationPercent });
		if (to > from) await Promise.all(Array.from({ length: to - from }, () => this.#cluster.add(service)));
		else for (const process of processes.slice(to)) await this.#cluster.remove(process);
	}

	/** Thousandths of a core since the last look; a process that is new has used nothing. */
	#used(process: HannipProcess): number {
		const { pid } = process;
		const now = { pid, cpuMs: cpuMsOf(pid), atMs: performance.now() };
		const before = this.#before.get(process);
		this.#before.set(process, now);
		if (!before || before.pid !== pid) return 0;
		return ((now.cpuMs - before.cpuMs) / (now.atMs - before.atMs)) * 1_000;
	}
}
