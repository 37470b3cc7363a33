import type { Context, Middleware, ServiceBroker } from "moleculer";
import * as moleculer from "moleculer";
import { problemOf } from "../services/errors.ts";
import { DURATION_BUCKETS_S, metricsOf } from "./metrics.ts";

type Handler = (ctx: Context) => Promise<unknown>;

/** Its types forget them. */
const { Middlewares } = moleculer as unknown as { Middlewares: { Metrics(broker: ServiceBroker): Middleware } };

/**
 * How long the actions of this process take and what they fail with; and what Moleculer's own middleware counts of events and packets, without
 * what it does for each call: six lookups by label, and percentiles over a ring of samples.
 */
export const actionMetrics = ((broker: ServiceBroker) => {
	const { localAction: _, remoteAction: __, ...others } = Middlewares.Metrics(broker);
	const metrics = metricsOf(broker);
	if (!metrics) return others;
	const durations = metrics.histogram({
		name: "hannip_action_duration_seconds",
		help: "How long actions took in this process, whatever they ended with",
		labelNames: ["action"],
		buckets: DURATION_BUCKETS_S,
	});
	const failures = metrics.counter({
		name: "hannip_action_failures_total",
		help: "Actions of this process that ended with an error or a refusal, by its code",
		labelNames: ["action", "code"],
	});
	const localAction = (next: Handler, { name }: { name: string }) => {
		const duration = durations.labels(name);
		return async function measured(ctx: Context) {
			const startedAtMs = performance.now();
			try {
				return await next(ctx);
			} catch (error) {
				failures.inc({ action: name, code: problemOf(error) });
				throw error;
			} finally {
				duration.observe((performance.now() - startedAtMs) / 1_000);
			}
		};
	};
	return { ...others, localAction };
}) as unknown as Middleware;
