import type { ActionSchema, Context, Middleware, ServiceBroker } from "moleculer";
import type { Meta } from "../services/actions.ts";
import { fail } from "../services/errors.ts";
import { type Pong, WAY_MAX_MS } from "./clock-watch.ts";

type Handler = (ctx: Context) => Promise<unknown>;

/** So much, at most, do the clocks of two processes differ in either direction, or what is known of that is wrong. */
export const CLOCKS_DIFFER_MS = 2_000;

/** When a call came, and how long its caller waits for it. */
const arrivals = new WeakMap<Context, { readonly atMs: number; readonly timeoutMs: number }>();

/**
 * Moleculer hands what is left of a request's time to every call that it makes. All of them would run out at the same moment: the caller
 * could not tell which of them was slow, and its circuit breaker would cut off whoever stands in between. So each action has `marginMs`
 * less than who called it, gives up first, and its caller still has the time to say so.
 *
 * Moleculer counts the time of a call from when it is taken up. One that a process takes up late, since it was frozen or a link was cut, is not begun: whoever
 * asked may have asked another process meanwhile, and then thought better of it. That is said by a gateway's clock, and here by ours: how far ours is ahead of
 * that one is told by the pings that went there and back in no time, or a process whose clock is wrong would begin nothing at all.
 */
export const deadline = ({ marginMs }: { marginMs: number }): Middleware => {
	const aheadMs = new Map<string | undefined, number>();
	return {
		name: "Deadline",
		created(broker: ServiceBroker) {
			const { localBus } = broker;
			localBus.on("$node.connected", ({ node }: Connected) => void broker.transit?.sendPing(node.id));
			localBus.on("$node.disconnected", ({ node }: Connected) => void aheadMs.delete(node.id));
			localBus.on("$node.pong", ({ nodeID, elapsedTime, timeDiff }: Pong & { nodeID: string }) => {
				if (elapsedTime <= WAY_MAX_MS) aheadMs.set(nodeID, timeDiff);
			});
		},
		localAction: (next: Handler) =>
			function withinDeadline(ctx: Context<unknown, Meta>) {
				const { untilMs = Number.POSITIVE_INFINITY, untilBy } = ctx.meta;
				if (Date.now() - (aheadMs.get(untilBy) ?? 0) > untilMs + CLOCKS_DIFFER_MS)
					return Promise.reject(fail("service_unavailable", "The request came too late to be begun"));
				const { timeout } = ctx.options;
				if (timeout) {
					ctx.options.timeout = Math.max(1, timeout - marginMs);
					arrivals.set(ctx, { atMs: performance.now(), timeoutMs: ctx.options.timeout });
				}
				return next(ctx);
			},
	} as unknown as Middleware;
};

type Connected = { readonly node: { readonly id: string } };

/**
 * What is left of the time must be enough for the work itself, also on a quarter of a core, where a password takes half a second and now and then
 * a whole one: whoever is refused comes again, and whoever's time runs out in the middle knows nothing.
 */
const LEFT_MIN = 1 / 2;

/**
 * Behind a bulkhead: what has waited there for most of its time is not begun, but refused. Or else, when more comes than can be done, all of
 * the work would be for callers who have just given up, and nobody would get an answer.
 */
export const inTime: Middleware = {
	name: "InTime",
	localAction: (next: Handler, { bulkhead }: ActionSchema) =>
		bulkhead
			? function beginInTime(ctx: Context) {
					const { atMs, timeoutMs } = arrivals.get(ctx) ?? { atMs: 0, timeoutMs: Number.POSITIVE_INFINITY };
					const leftMs = atMs + timeoutMs - performance.now();
					if (leftMs >= timeoutMs * LEFT_MIN) return next(ctx);
					return Promise.reject(fail("overloaded", undefined, { retryAfterS: 1 }));
				}
			: next,
} as unknown as Middleware;
