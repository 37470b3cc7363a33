import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const PERIOD_US = 100_000;
/** cgroup v1 and v2 keep the same two numbers in different files. */
const V1 = "/sys/fs/cgroup/cpu";
const V2 = "/sys/fs/cgroup";

/**
 * Holds a process to a share of a core, as Kubernetes does with a container's CPU limit: by the kernel's own bandwidth control (cgroups),
 * 100 ms at a time.
 */
export class CpuQuota {
	readonly milliCpu: number;
	readonly #folder: string;

	private constructor(folder: string, milliCpu: number) {
		[this.#folder, this.milliCpu] = [folder, milliCpu];
	}

	/** @throws where there are no cgroups that this process may write */
	static of(name: string, milliCpu: number): CpuQuota {
		const isV1 = existsSync(join(V1, "cpu.cfs_quota_us"));
		const folder = join(isV1 ? V1 : V2, `hannip-${process.pid}-${name}`);
		const quotaUs = Math.round((milliCpu / 1_000) * PERIOD_US);
		try {
			// v2 hands a controller down only where it is told to.
			if (!isV1) writeFileSync(join(V2, "cgroup.subtree_control"), "+cpu");
			mkdirSync(folder);
			if (isV1) {
				writeFileSync(join(folder, "cpu.cfs_period_us"), String(PERIOD_US));
				writeFileSync(join(folder, "cpu.cfs_quota_us"), String(quotaUs));
			} else writeFileSync(join(folder, "cpu.max"), `${quotaUs} ${PERIOD_US}`);
		} catch (error) {
			throw new Error(`no process can be held to a share of a core here: ${(error as Error).message}`);
		}
		return new CpuQuota(folder, milliCpu);
	}

	/** From now on the process, with all its threads, is held to it. */
	hold(pid: number): void {
		writeFileSync(join(this.#folder, "cgroup.procs"), String(pid));
	}

	/** When nobody is in it any more. */
	remove(): void {
		rmdirSync(this.#folder);
	}
}
