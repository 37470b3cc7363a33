import type { Service, ServiceBroker } from "moleculer";
import { callAt, type Params, type Result } from "../actions.ts";
import { fail } from "../errors.ts";
import { type Asking, logOf, recorded } from "./operation.ts";
import type { Line } from "./operator-log.ts";

/** Whoever is slower does not answer. */
const LOOK_TIMEOUT_MS = 1_500;

/** Asks all processes at once. */
export async function listProcesses(ctx: Asking): Promise<Result<"operator.listProcesses">> {
	const nodeIds = nodesOf(ctx.broker);
	const looks = await Promise.all(nodeIds.map((nodeID) => look(ctx, nodeID).catch(() => null)));
	const items = looks.filter((each) => each !== null);
	return {
		items: items.sort((left, right) => (left.nodeId < right.nodeId ? -1 : 1)),
		silent: nodeIds.filter((_, index) => looks[index] === null).sort(),
	};
}

const look = (ctx: Asking, nodeID: string) => callAt(ctx, "process.look", {}, { nodeID, timeout: LOOK_TIMEOUT_MS });

/** So long a process that was told to end may still be there, as if it did something. */
const LEAVING_MS = 120_000;

/**
 * Those that are already ending do not count as others. Who else was told to end is read before this one's line in the operator log, which has one
 * order for everybody: of two who drain the last two processes at once, the second one hears no.
 *
 * @throws not_found; last_process where nobody else does what it does
 */
export async function drain(service: Service, ctx: Asking<Params<"operator.drain">>): Promise<{ nodeId: string }> {
	const { nodeId } = ctx.params;
	if (!nodesOf(ctx.broker).includes(nodeId)) throw fail("not_found");
	refuseLast(ctx.broker, nodeId, new Set());
	const { services } = await look(ctx, nodeId);
	return recorded(service, ctx, {
		operation: "process.drain",
		target: nodeId,
		before: services.join(", "),
		make: async (begun) => {
			refuseLast(ctx.broker, nodeId, await leavingBefore(service, begun));
			await callAt(ctx, "process.drain", {}, { nodeID: nodeId });
			return { nodeId };
		},
		after: () => "told to end",
	});
}

async function leavingBefore(service: Service, { sequence, atMs }: Line): Promise<ReadonlySet<string>> {
	const told = new Set<string>();
	const failed = new Set<number | null>();
	for await (const { operation, phase, of, target, sequence: line } of logOf(service).backTo(
		atMs - LEAVING_MS,
		sequence,
	)) {
		if (operation !== "process.drain") continue;
		// An end comes after its beginning, so here it is met first.
		if (phase === "failed") failed.add(of);
		else if (!failed.has(of ?? line)) told.add(target);
	}
	return told;
}

function refuseLast(broker: ServiceBroker, nodeId: string, leaving: ReadonlySet<string>): void {
	const lonely = servicesOnlyAt(broker, nodeId, leaving);
	if (lonely.length > 0) throw fail("last_process", `No other process has ${lonely.join(", ")}`);
}

function nodesOf({ registry }: ServiceBroker): string[] {
	const { endpoints = [] } = (registry.getActionEndpoints("process.look") ?? {}) as {
		endpoints?: { id: string; isAvailable: boolean }[];
	};
	return endpoints.filter(({ isAvailable }) => isAvailable).map(({ id }) => id);
}

type Known = { readonly name: string; readonly nodeID: string };

function servicesOnlyAt({ registry }: ServiceBroker, nodeId: string, leaving: ReadonlySet<string>): string[] {
	const known = registry.getServiceList({ skipInternal: true, onlyAvailable: true }) as unknown as readonly Known[];
	const names = new Set(known.filter(({ nodeID }) => nodeID === nodeId).map(({ name }) => name));
	return [...names]
		.filter((name) => !known.some((each) => each.name === name && each.nodeID !== nodeId && !leaving.has(each.nodeID)))
		.sort();
}
