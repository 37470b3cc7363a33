import type { MetricRegistry, Middleware, ServiceBroker } from "moleculer";
import * as moleculer from "moleculer";
import { type Metrics, metricsOf } from "./metrics.ts";

type Known = {
	/** As Moleculer calls it. */
	readonly of: string;
	readonly name: string;
	readonly help: string;
	/** Those of its labels that are bounded and tell something: never the node, which has a new name with every start. */
	readonly labels: readonly string[];
};

const counters: readonly Known[] = [
	{
		of: "moleculer.event.received.total",
		name: "moleculer_events_received_total",
		help: "Events that this process has handled",
		labels: ["event"],
	},
	{
		of: "moleculer.event.received.error.total",
		name: "moleculer_event_errors_total",
		help: "Events whose handler failed",
		labels: ["event"],
	},
	{
		of: "moleculer.transit.publish.total",
		name: "moleculer_packets_sent_total",
		help: "Packets that this process has sent over NATS, by their type",
		labels: ["type"],
	},
	{
		of: "moleculer.transit.receive.total",
		name: "moleculer_packets_received_total",
		help: "Packets that this process has received over NATS, by their type",
		labels: ["type"],
	},
	{
		of: "moleculer.transporter.packets.sent.bytes",
		name: "moleculer_sent_bytes_total",
		help: "What this process has sent over NATS",
		labels: [],
	},
	{
		of: "moleculer.transporter.packets.received.bytes",
		name: "moleculer_received_bytes_total",
		help: "What this process has received over NATS",
		labels: [],
	},
	{
		of: "moleculer.transit.orphan.response.total",
		name: "moleculer_orphan_responses_total",
		help: "Answers that nobody waited for any more",
		labels: [],
	},
	{
		of: "moleculer.request.timeout.total",
		name: "moleculer_call_timeouts_total",
		help: "Calls of this process, or to it, that were not answered in time",
		labels: ["action"],
	},
	{
		of: "moleculer.circuit-breaker.opened.total",
		name: "moleculer_circuits_opened_total",
		help: "How often this process has cut another one off, since it did not answer",
		labels: ["action"],
	},
];

const gauges: readonly Known[] = [
	{
		of: "moleculer.request.bulkhead.inflight",
		name: "moleculer_bulkhead_running",
		help: "Calls that are being worked on, of actions that take only so many at once",
		labels: ["action"],
	},
	{
		of: "moleculer.request.bulkhead.queue.size",
		name: "moleculer_bulkhead_waiting",
		help: "Calls that wait for their turn, of actions that take only so many at once",
		labels: ["action"],
	},
	{
		of: "moleculer.registry.nodes.online.total",
		name: "moleculer_nodes_online",
		help: "Processes that this one knows and takes for alive, itself among them",
		labels: [],
	},
];

type Value = { readonly value: number; readonly labels: Record<string, unknown> };

/**
 * Moleculer's own metrics, on the page of all the others: those that tell an operator something. What it measures of requests is left out,
 * since `seenCalls` does that at a tenth of the cost.
 */
export class PageReporter extends moleculer.MetricReporters.Base {
	override init(registry: MetricRegistry): void {
		super.init(registry);
		const metrics = metricsOf(this.broker);
		if (!metrics) return;
		for (const each of counters) this.#add(metrics, each, "counter");
		for (const each of gauges) this.#add(metrics, each, "gauge");
		addCircuits(metrics, this.broker as unknown as Cutting);
	}

	#add({ registry }: Metrics, { of, name, help, labels }: Known, type: "counter" | "gauge"): void {
		const read = () => this.#sums(of, labels);
		const metric = { name, help, type, get: async () => ({ name: metric.name, help, type, values: read() }) };
		registry.registerMetric(metric as unknown as Parameters<typeof registry.registerMetric>[0]);
	}

	/** Of what Moleculer keeps apart by labels that are left out here. */
	#sums(of: string, labels: readonly string[]): Value[] {
		const metric = this.registry.getMetric(of) as { snapshot(): readonly Value[] } | null;
		const sums = new Map<string, Value>();
		for (const { value, labels: said } of metric?.snapshot() ?? []) {
			const kept = Object.fromEntries(labels.map((label) => [label, String(said[label] ?? "")]));
			const key = JSON.stringify(kept);
			sums.set(key, { labels: kept, value: (sums.get(key)?.value ?? 0) + value });
		}
		return labels.length === 0 && sums.size === 0 ? [{ labels: {}, value: 0 }] : [...sums.values()];
	}
}

type Circuit = { readonly ep: { readonly action: { readonly name: string } }; readonly state: string };
/** Its types forget the store. */
type Cutting = { readonly CircuitBreakerStore?: ReadonlyMap<string, Circuit> };

const CIRCUIT_STATES = ["open", "half_open", "half_open_wait"] as const;

/** By what the circuit breaker knows, since its own metric still counts processes that are gone. */
function addCircuits(metrics: Metrics, broker: Cutting): void {
	metrics.gauge({
		name: "hannip_circuits",
		help: "Processes that this one has cut off since they do not answer, by state and action",
		labelNames: ["state", "action"],
		collect() {
			this.reset();
			for (const state of CIRCUIT_STATES) this.set({ state, action: "any" }, 0);
			for (const { ep, state } of broker.CircuitBreakerStore?.values() ?? [])
				if (state !== "close") this.inc({ state, action: ep.action.name });
		},
	});
}

/** Its types forget them. */
const { Middlewares } = moleculer as unknown as { Middlewares: { Metrics(broker: ServiceBroker): Middleware } };

/** What Moleculer's own middleware counts of events and packets, without what it does for each call. */
export const moleculerMetrics = ((broker: ServiceBroker) => {
	const { localAction: _, remoteAction: __, ...others } = Middlewares.Metrics(broker);
	return others;
}) as unknown as Middleware;
