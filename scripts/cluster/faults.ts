import { setTimeout as sleep } from "node:timers/promises";
import { type ServiceName, serviceNames } from "../../moleculer.config.ts";
import type { Cluster } from "./cluster.ts";
import type { HannipProcess } from "./hannip-process.ts";
import { freeze } from "./processes.ts";
import type { Member, ReplicaSet } from "./replica-set.ts";

/**
 * What can happen: `kill` is -9, `stop` is SIGTERM (a primary hands its place over), `freeze` stops it without its connections, `cut` its way
 * to NATS (of a member of the replica set: the way to it); `roll` starts all processes anew one after the other, as another version.
 */
export const doings = ["kill", "stop", "freeze", "cut", "roll"] as const;
export type Doing = (typeof doings)[number];

export type Fault = {
	readonly doing: Doing;
	/** A service (one of its processes), a process such as `credit-1`, `nats`, `primary`, `secondary`, or `all` for roll. */
	readonly target: string;
	/** How long it stays so. Of a process that was killed: it is started again at once. */
	readonly forMs: number;
};

export const nameOf = ({ doing, target, forMs }: Fault): string =>
	`${doing} ${target}${forMs > 0 ? ` for ${forMs / 1_000} s` : ""}`;

const SERVER_TARGETS = ["nats", "primary", "secondary"];

/**
 * Lines such as `12 freeze credit 10`: at what second from the beginning, what, to whom, for how many seconds.
 *
 * @throws with the line that cannot be read
 */
export function readFaults(script: string): { readonly atMs: number; readonly fault: Fault }[] {
	const lines = script.split("\n").map((line) => line.replace(/#.*/, "").trim());
	return lines.filter(Boolean).map((line) => {
		const [, at, doing, target, seconds] =
			/^(\d+(?:\.\d+)?)\s+([a-z]+)\s+([a-z0-9-]+)(?:\s+(\d+(?:\.\d+)?))?$/.exec(line) ?? [];
		const isKnown = doings.some((each) => each === doing) && isTarget(String(target));
		if (!isKnown)
			throw new Error(`"${line}" is not like "12 freeze credit 10"; what: ${doings.join(", ")}; whom: ${targets}`);
		return {
			atMs: Number(at) * 1_000,
			fault: { doing: doing as Doing, target: String(target), forMs: Number(seconds ?? 0) * 1_000 },
		};
	});
}

const targets = [...serviceNames, "credit-1", "…", ...SERVER_TARGETS, "all"].join(", ");
const isTarget = (target: string): boolean =>
	[...SERVER_TARGETS, "all", ...serviceNames].includes(target.replace(/-\d+$/, ""));

/** Does it, undoes it, and waits until all are there again. @throws when they are not, within a minute */
export async function inflict(cluster: Cluster, fault: Fault, random = Math.random): Promise<void> {
	const { doing, target } = fault;
	if (doing === "roll") await roll(cluster);
	else if (target === "nats") await onNats(cluster, fault);
	else if (target === "primary" || target === "secondary") await onMember(cluster, fault);
	else await onProcess(cluster, chosen(cluster, target, random), fault);
	await cluster.whole();
}

function chosen(cluster: Cluster, target: string, random: () => number): HannipProcess {
	const named = cluster.processes.filter(({ name }) => name === target);
	const some = named.length > 0 ? named : cluster.of(target as ServiceName);
	const process = some[Math.floor(random() * some.length)];
	if (!process) throw new Error(`there is no ${target}`);
	return process;
}

async function onProcess(cluster: Cluster, process: HannipProcess, { doing, forMs }: Fault): Promise<void> {
	if (doing === "kill") {
		const { restarts } = process;
		process.signal("SIGKILL");
		while (process.restarts === restarts) await sleep(20);
	} else if (doing === "stop") {
		await process.stop();
		await sleep(forMs);
		await process.start();
	} else if (doing === "freeze") {
		process.signal("SIGSTOP");
		await sleep(forMs);
		process.signal("SIGCONT");
	} else {
		const link = cluster.linkOf(process);
		link.cut();
		await sleep(forMs);
		link.heal();
	}
}

async function onNats({ nats }: Cluster, { doing, forMs }: Fault): Promise<void> {
	if (doing === "freeze" || doing === "cut") {
		freeze(nats.pid);
		await sleep(forMs);
		process.kill(nats.pid, "SIGCONT");
	} else {
		await nats.kill(doing === "stop" ? "SIGTERM" : "SIGKILL");
		await sleep(forMs);
		await nats.restart();
	}
}

async function onMember({ set }: Cluster, { doing, target, forMs }: Fault): Promise<void> {
	if (!set) throw new Error("the replica set is somebody else's");
	const member = await memberOf(set, target);
	if (doing === "kill" || doing === "stop") {
		await set.kill(member, doing === "stop" ? "SIGTERM" : "SIGKILL");
		await sleep(forMs);
		await set.restart(member);
	} else if (doing === "cut") {
		set.cut(member);
		await sleep(forMs);
		set.heal(member);
	} else {
		set.pause(member);
		await sleep(forMs);
		set.resume(member);
	}
}

async function memberOf(set: ReplicaSet, target: string): Promise<Member> {
	const primary = await set.waitForPrimary();
	if (target === "primary") return primary;
	return set.members.find((member) => member !== primary) ?? primary;
}

/** One after the other, so that of two processes one is always there. */
async function roll(cluster: Cluster): Promise<void> {
	const version = `rolled-${Date.now()}`;
	for (const process of cluster.processes) {
		await process.stop();
		await process.start({ VERSION: version });
	}
}
