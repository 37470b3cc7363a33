import type { ActionSchema, Context, Middleware, ServiceBroker } from "moleculer";
import { problemOf } from "../services/errors.ts";
import { DURATION_BUCKETS_S, metricsOf } from "./metrics.ts";
import { tracesOf } from "./traces.ts";
import { flowCounter } from "./traffic.ts";

type Handler = (ctx: Context) => Promise<unknown>;

/**
 * Sees each call of an action of this process once, when it is over, for all that want to know of it: how long actions take and what they fail
 * with (Prometheus), which span it was of which trace (Zipkin), and who called whom (operators). Moleculer has a middleware for each, and they
 * cost a payment a tenth of its time: six lookups by label and percentiles over a ring of samples, and spans with tags and two lines
 * for a debugger that nobody reads.
 */
export const seenCalls = ((broker: ServiceBroker) => {
	const timed = actionTimes(broker);
	const traces = tracesOf(broker);
	const counted = flowCounter(broker);
	const logger = broker.getLogger("seen");
	const localAction = (next: Handler, { name }: ActionSchema & { readonly name: string }) => {
		const count = counted(name);
		const time = timed?.(name);
		return function seen(ctx: Context) {
			const startedAtMs = performance.now();
			const over = (error?: unknown) => {
				const tookMs = performance.now() - startedAtMs;
				count?.(ctx, tookMs, error);
				time?.(tookMs, error);
				traces?.sawCall(ctx, { startedAtMs: performance.timeOrigin + startedAtMs, tookMs, error });
			};
			const answer = next(ctx);
			// What is only seen must never be what ends a process.
			answer
				.then(
					() => over(),
					(error: unknown) => over(error ?? new Error("rejected with nothing")),
				)
				.catch((error: unknown) => logger.error("A call could not be seen.", { action: name, error }));
			return answer;
		};
	};
	return { name: "SeenCalls", localAction };
}) as unknown as Middleware;

function actionTimes(broker: ServiceBroker) {
	const metrics = metricsOf(broker);
	const durations = metrics?.histogram({
		name: "hannip_action_duration_seconds",
		help: "How long actions took in this process, whatever they ended with",
		labelNames: ["action"],
		buckets: DURATION_BUCKETS_S,
	});
	const failures = metrics?.counter({
		name: "hannip_action_failures_total",
		help: "Actions of this process that ended with an error or a refusal, by its code",
		labelNames: ["action", "code"],
	});
	return (
		durations &&
		((action: string) => {
			const duration = durations.labels(action);
			return (tookMs: number, error: unknown) => {
				duration.observe(tookMs / 1_000);
				if (error !== undefined) failures?.inc({ action, code: problemOf(error) });
			};
		})
	);
}
