import type { Context, ServiceBroker } from "moleculer";
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
 *
 * @returns for the name of an action what counts its calls; nothing for Moleculer's own
 */
export function flowCounter(broker: ServiceBroker) {
	const counted = new Map<string, Counted>();
	flows.set(broker, counted);
	const flowOf = (key: string): Counted | undefined => {
		const known = counted.get(key);
		if (known || counted.size >= FLOWS_MAX) return known;
		const flow = { count: 0, failed: 0, tookMs: 0, buckets: new Array<number>(BUCKETS).fill(0) };
		counted.set(key, flow);
		return flow;
	};
	return (action: string) => {
		if (action.startsWith("$")) return undefined;
		const nobody = action.endsWith(".rest") ? "clients" : "itself";
		return ({ caller }: Context, tookMs: number, error?: unknown) => {
			const flow = flowOf(`${caller ?? nobody} ${action}`);
			if (!flow) return;
			flow.count++;
			flow.tookMs += tookMs;
			if (error !== undefined && !(Number((error as { code?: unknown }).code) < 500)) flow.failed++;
			const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.ceil(Math.log2(tookMs))));
			flow.buckets[bucket] = (flow.buckets[bucket] ?? 0) + 1;
		};
	};
}

export function flowsOf(broker: ServiceBroker): Flow[] {
	return [...(flows.get(broker) ?? [])].map(([key, { count, failed, tookMs, buckets }]) => {
		const [from = "", action = ""] = key.split(" ");
		return { from, action, count, failed, tookMs, buckets: [...buckets] };
	});
}
