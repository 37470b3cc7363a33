import type { Context, Middleware, ServiceBroker } from "moleculer";

type Pending = Map<string, { reject(error: Error): void }>;

/**
 * An answer that was lost, because NATS was, or the process that was to give it, is awaited by
 * Moleculer for ever: its time-out tells who asked, and forgets nothing. What is kept of the call would never be free again, and a
 * process that is told to stop would wait ten seconds for it. So whoever gives up, gives up altogether. It stands around the time-out.
 */
export const lostAnswers = ((broker: ServiceBroker) => ({
	name: "LostAnswers",
	remoteAction: (next: (ctx: Context) => Promise<unknown>) =>
		function giveUp(ctx: Context) {
			return next(ctx).catch((error: Error & { type?: unknown }) => {
				const { pendingRequests } = broker.transit as unknown as { pendingRequests: Pending };
				const pending = error.type === "REQUEST_TIMEOUT" ? pendingRequests.get(ctx.id) : undefined;
				broker.transit?.removePendingRequest(ctx.id);
				pending?.reject(error);
				throw error;
			});
		},
})) as unknown as Middleware;
