import { spawn } from "node:child_process";
import { cpus } from "node:os";
import { hashPassword } from "../../services/auth/password.ts";
import { argon2id, HASHES_AT_ONCE } from "../../services/hasher/argon2id.ts";
import { CpuQuota } from "../cluster/cpu-quota.ts";
import { endWithUs } from "../cluster/processes.ts";

const SECONDS = 10;

/** What logging in costs whatever else is fast: how many passwords a process checks that does nothing else, and what CPU one of them takes. */
export type HashBound = { readonly perS: number; readonly cpuS: number };

/**
 * Measured by a process like ours under the quota that ours have: throttled, and with cold caches after each pause, a hash takes more of a core
 * than in a process that runs on.
 */
export async function hashBound(milliCpu: number | undefined): Promise<HashBound> {
	const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", import.meta.filename], {
		stdio: ["ignore", "pipe", "inherit", "ipc"],
	});
	endWithUs(child);
	// Nothing else keeps whoever waits for the figure.
	child.ref();
	const ended = new Promise((resolve) => child.once("exit", resolve));
	const quota = milliCpu === undefined ? undefined : CpuQuota.of("hash", milliCpu);
	try {
		quota?.hold(child.pid as number);
		return await new Promise<HashBound>((resolve, reject) => {
			child.once("message", (message) => resolve(message as HashBound));
			child.once("exit", () => reject(new Error("the hashes could not be measured")));
		});
	} finally {
		child.kill("SIGKILL");
		await ended;
		quota?.remove();
	}
}

const hash = (password: string) => hashPassword(password, async (params) => ({ tag: await argon2id(params) }));

async function measure(): Promise<HashBound> {
	await hash("the first one pays for the memory");
	const [startedMs, before] = [performance.now(), process.cpuUsage()];
	let count = 0;
	const hasher = async () => {
		while (performance.now() - startedMs < SECONDS * 1_000) await hash(`password ${count++}`);
	};
	await Promise.all(Array.from({ length: HASHES_AT_ONCE }, hasher));
	const { user, system } = process.cpuUsage(before);
	return { perS: count / ((performance.now() - startedMs) / 1_000), cpuS: (user + system) / 1e6 / count };
}

/** How many iterations a second there can be at the most, if all that is done were the passwords, two in each, by so many processes on these cores. */
export const iterationsPerS = ({ perS, cpuS }: HashBound, processes: number): number =>
	Math.min(processes * perS, cpus().length / cpuS) / 2;

export const meanOf = (one: HashBound, other: HashBound): HashBound => ({
	perS: (one.perS + other.perS) / 2,
	cpuS: (one.cpuS + other.cpuS) / 2,
});

if (import.meta.main) process.send?.(await measure());
