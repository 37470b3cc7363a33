import { cpus } from "node:os";
import { HASHES_AT_ONCE, hashPassword } from "../../services/auth/password.ts";

const HASHES = 12;

/** What logging in costs, whatever else is fast: seconds of CPU for one password. */
export async function secondsPerHash(): Promise<number> {
	await hashPassword("the first one pays for the memory");
	const before = process.cpuUsage();
	for (let n = 0; n < HASHES; n++) await hashPassword(`password ${n}`);
	const { user, system } = process.cpuUsage(before);
	return (user + system) / 1e6 / HASHES;
}

export type Hashers = {
	/** That hash passwords. */
	readonly processes: number;
	/** What each may take of the cores, if that is less than all. */
	readonly milliCpu?: number | undefined;
};

/**
 * How many iterations a second there can be at the most, if all that is done were the passwords: two log-ins with a password each, by
 * processes that hash so many at once, on these cores.
 */
export function iterationsPerS(secondsPerHash: number, { processes, milliCpu }: Hashers): number {
	const coresOfOne = Math.min(HASHES_AT_ONCE, milliCpu === undefined ? Number.POSITIVE_INFINITY : milliCpu / 1_000);
	const cores = Math.min(cpus().length, processes * coresOfOne);
	return cores / (2 * secondsPerHash);
}
