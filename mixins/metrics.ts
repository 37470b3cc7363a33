import type { ServiceBroker } from "moleculer";
import {
	Counter,
	type CounterConfiguration,
	collectDefaultMetrics,
	Gauge,
	type GaugeConfiguration,
	Histogram,
	type HistogramConfiguration,
	type OpenMetricsContentType,
	Registry,
} from "prom-client";

type Given<Configuration> = Omit<Configuration, "registers">;

/** From a fast action to the deadline of a request. */
export const DURATION_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** What one process measures, on one page. Names are Prometheus': base units last, `_total` on what only grows, labels that are bounded. */
export class Metrics {
	/** In OpenMetrics, since only that has exemplars: of what is slow, a trace that can be looked at. */
	readonly registry = new Registry();

	constructor() {
		// Its types allow one format for each registry.
		(this.registry as unknown as Registry<OpenMetricsContentType>).setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
		collectDefaultMetrics({ register: this.registry });
	}

	counter<Label extends string>(options: Given<CounterConfiguration<Label>>): Counter<Label> {
		return new Counter({ ...options, registers: [this.registry] });
	}
	/** What `collect` tells is asked for each page. */
	gauge<Label extends string>(options: Given<GaugeConfiguration<Label>>): Gauge<Label> {
		return new Gauge({ ...options, registers: [this.registry] });
	}
	histogram<Label extends string>(options: Given<HistogramConfiguration<Label>>): Histogram<Label> {
		return new Histogram({ ...options, registers: [this.registry] });
	}

	/** A gauge without labels that is read when somebody looks. What cannot be read, or is null, has no value then. */
	reads(name: string, help: string, read: () => number | null | Promise<number | null>): void {
		this.gauge({
			name,
			help,
			async collect() {
				const value = await Promise.resolve()
					.then(read)
					.catch(() => null);
				if (value === null) this.remove();
				else this.set(value);
			},
		});
	}

	get contentType(): string {
		return this.registry.contentType;
	}
	page(): Promise<string> {
		return this.registry.metrics();
	}
}

const known = new WeakMap<ServiceBroker, Metrics>();

/** The metrics of a process; null where they are switched off. */
export function metricsOf(broker: ServiceBroker): Metrics | null {
	if (!broker.isMetricsEnabled()) return null;
	const metrics = known.get(broker) ?? new Metrics();
	known.set(broker, metrics);
	return metrics;
}
