import { styleText } from "node:util";
import type { Cluster } from "./cluster.ts";
import type { HannipProcess, State } from "./hannip-process.ts";
import { residentMb } from "./processes.ts";

const colours: Record<State, Parameters<typeof styleText>[0]> = {
	ready: "green",
	starting: "yellow",
	"not ready": "yellow",
	silent: "red",
	down: "red",
};

/** Who is up: on a terminal a table that changes in place, elsewhere a line for each change. */
export class View {
	readonly #cluster: Cluster;
	#tableLines = 0;
	readonly #known = new Map<string, string>();

	constructor(cluster: Cluster) {
		this.#cluster = cluster;
	}

	/** Stays above the table. */
	say(text: string): void {
		this.#clear();
		console.log(text);
		this.refresh();
	}

	refresh(): void {
		const { processes } = this.#cluster;
		if (process.stdout.isTTY) this.#draw(processes);
		else this.#tellChanges(processes);
	}

	#draw(processes: readonly HannipProcess[]): void {
		this.#clear();
		const lines = [
			`${"process".padEnd(12)}${"pid".padStart(8)}  ${"state".padEnd(10)}${"restarts".padStart(9)}${"MB".padStart(7)}  log`,
			...processes.map(lineOf),
		];
		console.log(lines.join("\n"));
		this.#tableLines = lines.length;
	}

	#clear(): void {
		if (this.#tableLines === 0) return;
		process.stdout.moveCursor(0, -this.#tableLines);
		process.stdout.clearScreenDown();
		this.#tableLines = 0;
	}

	#tellChanges(processes: readonly HannipProcess[]): void {
		for (const { name, state, reason, restarts, pid } of processes) {
			const now = `${state}${reason && reason !== state ? ` (${reason})` : ""}`;
			if (this.#known.get(name) === now) continue;
			this.#known.set(name, now);
			console.log(`${name} ${now}, pid ${pid ?? "-"}, ${restarts} restarts`);
		}
	}
}

function lineOf({ name, pid, state, reason, restarts, logFile }: HannipProcess): string {
	const said = reason && reason !== state ? reason : "";
	return [
		name.padEnd(12),
		String(pid ?? "-").padStart(8),
		`  ${styleText(colours[state], state.padEnd(10))}`,
		String(restarts).padStart(9),
		(residentMb(pid)?.toFixed(0) ?? "-").padStart(7),
		`  ${said || logFile}`,
	].join("");
}
