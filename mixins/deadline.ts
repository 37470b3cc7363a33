import type { Context, Middleware } from "moleculer";

type Handler = (ctx: Context) => Promise<unknown>;

/**
 * Moleculer hands what is left of a request's time to every call that it makes. All of them would run out at the same moment: the caller
 * could not tell which of them was slow, and its circuit breaker would cut off whoever stands in between. So each action has `marginMs`
 * less than who called it, gives up first, and its caller still has the time to say so.
 */
export const deadline = ({ marginMs }: { marginMs: number }): Middleware =>
	({
		name: "Deadline",
		localAction: (next: Handler) =>
			function withinDeadline(ctx: Context) {
				const { timeout } = ctx.options;
				if (timeout) ctx.options.timeout = Math.max(1, timeout - marginMs);
				return next(ctx);
			},
	}) as unknown as Middleware;
