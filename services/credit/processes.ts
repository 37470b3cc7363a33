import type { Service, ServiceBroker } from "moleculer";
import { callAt, type Params, type Result } from "../actions.ts";
import { fail } from "../errors.ts";
import { type Asking, recorded } from "./operation.ts";

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

/** @throws not_found; last_process where nobody else does what it does */
export async function drain(service: Service, ctx: Asking<Params<"operator.drain">>): Promise<{ nodeId: string }> {
	const { nodeId } = ctx.params;
	if (!nodesOf(ctx.broker).includes(nodeId)) throw fail("not_found");
	const lonely = servicesOnlyAt(ctx.broker, nodeId);
	if (lonely.length > 0) throw fail("last_process", `No other process has ${lonely.join(", ")}`);
	const { services } = await look(ctx, nodeId);
	return recorded(service, ctx, {
		operation: "process.drain",
		target: nodeId,
		before: services.join(", "),
		make: async () => {
			await callAt(ctx, "process.drain", {}, { nodeID: nodeId });
			return { nodeId };
		},
		after: () => "told to end",
	});
}

function nodesOf({ registry }: ServiceBroker): string[] {
	const { endpoints = [] } = (registry.getActionEndpoints("process.look") ?? {}) as {
		endpoints?: { id: string; isAvailable: boolean }[];
	};
	return endpoints.filter(({ isAvailable }) => isAvailable).map(({ id }) => id);
}

type Known = { readonly name: string; readonly nodeID: string };

function servicesOnlyAt({ registry }: ServiceBroker, nodeId: string): string[] {
	const known = registry.getServiceList({ skipInternal: true, onlyAvailable: true }) as unknown as readonly Known[];
	const names = new Set(known.filter(({ nodeID }) => nodeID === nodeId).map(({ name }) => name));
	return [...names].filter((name) => !known.some((each) => each.name === name && each.nodeID !== nodeId)).sort();
}
