import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";

const WITHIN_MS = 60_000;

export async function until(condition: () => Promise<unknown> | boolean, what: string): Promise<void> {
	const giveUpAt = performance.now() + WITHIN_MS;
	for (let last: unknown; ; ) {
		try {
			if (await condition()) return;
		} catch (error) {
			last = error;
		}
		if (performance.now() > giveUpAt) throw new Error(`it did not happen within a minute: ${what}`, { cause: last });
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

/** Below those that the system gives to whoever connects to somewhere: there they would be taken before they are used. */
const PORTS = { first: 10_000, block: 100, blocks: 200 } as const;
let nextBlock = process.pid;
let left: number[] = [];

/** Ports that were free a moment ago, all different, and others than any other process gets from here while this one lives. */
export async function freePorts(count: number): Promise<number[]> {
	const ports: number[] = [];
	while (ports.length < count) {
		const port = left.shift();
		if (port === undefined) left = await takeBlock();
		else if (await isFree(port)) ports.push(port);
	}
	return ports;
}

/** A block of ports is whose its first one is, until that process ends. */
async function takeBlock(): Promise<number[]> {
	for (let tries = 0; tries < PORTS.blocks; tries++) {
		const first = PORTS.first + (nextBlock++ % PORTS.blocks) * PORTS.block;
		const held = await listenAt(first);
		held?.unref();
		if (held) return Array.from({ length: PORTS.block - 1 }, (_, n) => first + 1 + n);
	}
	throw new Error("no ports are left");
}

async function isFree(port: number): Promise<boolean> {
	const server = await listenAt(port);
	if (server) await once(server.close(), "close");
	return server !== null;
}

const listenAt = (port: number): Promise<Server | null> =>
	new Promise((resolve) => {
		const server = createServer();
		server.once("error", () => resolve(null));
		server.listen(port, "127.0.0.1", () => resolve(server));
	});

/** What a process holds of the memory, in megabytes. Linux says it in /proc; elsewhere, and of a process that has ended, it is not known. */
export function residentMb(pid: number | undefined): number | undefined {
	try {
		const [, kibibytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
		return kibibytes === undefined ? undefined : (Number(kibibytes) * 1_024) / 1e6;
	} catch {
		return undefined;
	}
}

/** Linux counts a process' time in these. */
const TICKS_PER_S = 100;

/** User and system time of all its threads (proc_pid_stat(5)); 0 of a process that has ended. */
export function cpuMsOf(pid: number | undefined): number {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
		// The name may have spaces in it; what is counted comes behind it.
		const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
		return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_S) * 1_000;
	} catch {
		return 0;
	}
}

/** Stops a process where it is: when this returns, it does nothing any more. `SIGCONT` lets it go on. */
export function freeze(pid: number): void {
	process.kill(pid, "SIGSTOP");
	// The signal comes a moment later, and until then it may answer. Where there is no /proc that cannot be seen.
	while (process.platform === "linux" && !isFrozen(pid));
}

/** Whether all of its threads are. */
const isFrozen = (pid: number): boolean =>
	readdirSync(`/proc/${pid}/task`).every((thread) =>
		/\) [TtZ] /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8")),
	);

export const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

/**
 * Ends a process when this one dies, however it dies: a shell waits for the end of a pipe that only this process holds. The shell goes
 * first when the process ends by itself, so that it never ends a stranger that got its number.
 *
 * @param options.remove a folder that goes with it
 */
export function endWithUs(child: ChildProcess, { remove = "" } = {}): void {
	const script = 'cat > /dev/null; kill -9 "$1"; [ -z "$2" ] || { sleep 0.2; rm -rf "$2"; }';
	const guard = spawn("sh", ["-c", script, "sh", String(child.pid), remove], { stdio: ["pipe", "ignore", "ignore"] });
	child.once("exit", () => guard.kill("SIGKILL"));
	// Neither keeps this process from ending; then the guard does its work.
	for (const each of [child, guard]) each.unref();
	(guard.stdin as unknown as { unref(): void }).unref();
}
