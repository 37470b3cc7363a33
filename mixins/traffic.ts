import type { ActionSchema, Context, Middleware, ServiceBroker } from "moleculer";
import type { Result } from "../services/actions.ts";

type Flow = Result<"process.look">["flows"][number];
type Counted = { -readonly [Field in "count" | "failed" | "tookMs"]: number } & { readonly buckets: number[] };

/** Up to 1, 2, 4 … 4,096 ms, and longer. */
const BUCKETS = 14;
/** Callers and actions are ours, so there are few; but nothing that is kept may grow without end. */
const FLOWS_MAX = 1_000;

const flows = new WeakMap<ServiceBroker, Map<string, Counted>>();

/**
 * Counts who calls what in this process, how often it fails and how long it takes: the picture that operators see of the cluster. Whoever is
 * refused for what they asked has not met a failure.
 */
export const traffic = ((broker: ServiceBroker) => {
	const counted = new Map<string, Counted>();
	flows.set(broker, counted);
	const count = (key: string, startedAt: number, isFailed: boolean) => {
		const tookMs = performance.now() - startedAt;
		let flow = counted.get(key);
		if (!flow) {
			if (counted.size >= FLOWS_MAX) return;
			flow = { count: 0, failed: 0, tookMs: 0, buckets: new Array<number>(BUCKETS).fill(0) };
			counted.set(key, flow);
		}
		flow.count++;
		flow.tookMs += tookMs;
		if (isFailed) flow.failed++;
		const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.ceil(Math.log2(tookMs))));
		flow.buckets[bucket] = (flow.buckets[bucket] ?? 0) + 1;
	};
	return {
		name: "Traffic",
		localAction(next: (ctx: Context) => Promise<unknown>, { name }: ActionSchema) {
			if (!name || name.startsWith("$")) return next;
			return (ctx: Context) => {
				const startedAt = performance.now();
				const key = `${ctx.caller ?? (name.endsWith(".rest") ? "clients" : "itself")} ${name}`;
				const answer = next(ctx);
				answer.then(
					() => count(key, startedAt, false),
					(error: { code?: unknown }) => count(key, startedAt, !(Number(error?.code) < 500)),
				);
				return answer;
			};
		},
	};
}) as unknown as Middleware;

export function flowsOf(broker: ServiceBroker): Flow[] {
	return [...(flows.get(broker) ?? [])].map(([key, { count, failed, tookMs, buckets }]) => {
		const [from = "", action = ""] = key.split(" ");
		return { from, action, count, failed, tookMs, buckets: [...buckets] };
	});
}
