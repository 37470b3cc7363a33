import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Requests that wait for their answers on one connection. Browsers, tills and proxies send the next one when they have the answer. */
export const UNANSWERED_MAX = 8;

/**
 * Keeps what one connection can hold small: answers that nobody reads wait in memory, and others behind them.
 *
 * A connection that has taken nothing for `stalledAfterMs` of what is there for it is destroyed. One that waits for us, or that listens to events
 * of which there are none, has nothing to take, and stays.
 */
export function boundConnections(server: Server, stalledAfterMs: number) {
	const unanswered = new WeakMap<Socket, number>();
	// A slow client is no stalled one: Node begins anew as long as some of a long answer was taken.
	server.timeout = stalledAfterMs;
	server.on("timeout", (socket) => {
		// Node uses the same event for a connection that was kept alive in vain, and leaves both to whoever listens.
		const isIdle = unanswered.get(socket) === 0;
		if (socket.writableLength > 0 || isIdle) socket.destroy();
	});
	return {
		/** @returns how many wait on this connection, this one among them */
		begin(response: ServerResponse): number {
			const { socket } = response.req;
			const count = (unanswered.get(socket) ?? 0) + 1;
			unanswered.set(socket, count);
			response.once("close", () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
			return count;
		},
	};
}
