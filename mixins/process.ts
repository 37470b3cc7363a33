import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { Service, ServiceBroker, ServiceSchema } from "moleculer";
import { action } from "../services/actions.ts";
import { circuitsOf } from "./circuits.ts";
import { processActions } from "./process.actions.ts";
import { flowsOf } from "./traffic.ts";

/** After the answer to who asked for it. */
const DRAIN_AFTER_MS = 100;

/**
 * Of each process, whatever else it runs: how it is, for operators, and the one way to end it from outside.
 *
 * @param drain ends the process, as a signal would
 */
export function processService(broker: ServiceBroker, drain: () => void): ServiceSchema {
	const circuits = circuitsOf(broker);
	const loop = monitorEventLoopDelay({ resolution: 10 });
	let usage = process.cpuUsage();
	let usedAt = performance.now();
	/** Since the last time that this was called. */
	const load = () => {
		const { user, system } = process.cpuUsage(usage);
		const took = performance.now() - usedAt;
		const loopLateMs = Math.max(0, loop.percentile(99) / 1e6 - 10);
		[usage, usedAt] = [process.cpuUsage(), performance.now()];
		loop.reset();
		return {
			cpu: took > 0 ? (user + system) / 1_000 / took : 0,
			loopLateMs: Number.isFinite(loopLateMs) ? loopLateMs : 0,
		};
	};
	return {
		name: "process",
		actions: {
			look: action("public", processActions.look, async () => ({
				nodeId: broker.nodeID,
				version: String((broker.metadata as { version?: unknown }).version),
				services: servicesOf(broker),
				startedAtMs: Math.round(performance.timeOrigin),
				memoryBytes: process.memoryUsage.rss(),
				...load(),
				circuits: circuits(),
				flows: flowsOf(broker),
			})),
			drain: action("public", processActions.drain, async () => {
				setTimeout(drain, DRAIN_AFTER_MS);
				return {};
			}),
		},
		started() {
			loop.enable();
		},
		stopped() {
			loop.disable();
		},
	} as unknown as ServiceSchema;
}

const servicesOf = ({ services }: ServiceBroker): string[] =>
	(services as Service[]).map(({ name }) => name).filter((name) => !name.startsWith("$") && name !== "process");
