import { cpuMsOf, residentMb } from "../cluster/processes.ts";

/** A process, and what it is for. */
export type Part = { readonly name: string; readonly pid: number | undefined };

type Used = { cpuMs: number; memoryMb: number };

/** What the processes of a platform take of the machine while it is loaded: what a pod has to ask for. */
export class Usage {
	readonly #parts: () => readonly Part[];
	readonly #before = new Map<number, number>();
	readonly #used = new Map<string, Used>();
	#beganMs = performance.now();

	constructor(parts: () => readonly Part[]) {
		this.#parts = parts;
	}

	begin(): void {
		this.look();
		this.#used.clear();
		this.#beganMs = performance.now();
	}

	/** Often enough that whoever comes and goes is seen. */
	look(): void {
		for (const { name, pid } of this.#parts()) {
			if (pid === undefined) continue;
			const [cpuMs, memoryMb] = [cpuMsOf(pid), residentMb(pid) ?? 0];
			const used = this.#used.get(name) ?? { cpuMs: 0, memoryMb: 0 };
			// What a process took before it was first seen is its start.
			used.cpuMs += Math.max(0, cpuMs - (this.#before.get(pid) ?? cpuMs));
			used.memoryMb = Math.max(used.memoryMb, memoryMb);
			this.#used.set(name, used);
			this.#before.set(pid, cpuMs);
		}
	}

	/** A line for each service: thousandths of a core of all its processes together, CPU for each request, and the most that one of them held. */
	table(requests: number): string {
		this.look();
		const seconds = (performance.now() - this.#beganMs) / 1_000;
		const lines = [...this.#used].map(([name, { cpuMs, memoryMb }]) => {
			const cells = [
				(cpuMs / seconds).toFixed(0),
				`${(cpuMs / Math.max(1, requests)).toFixed(2)} ms`,
				`${memoryMb.toFixed(0)} MB`,
			];
			return [name.padEnd(12), ...cells.map((cell) => cell.padStart(13))].join("");
		});
		const head = ["".padEnd(12), ...["CPU, m", "a request", "memory"].map((cell) => cell.padStart(13))].join("");
		return [head, ...lines].join("\n");
	}
}
