import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export type Probes = {
	readonly url: string;
	/** From now on the process is started and ready. */
	started(): void;
	/** From now on nothing new should be sent here. */
	startStopping(): void;
	close(): Promise<void>;
};

/**
 * Answers a supervisor (Kubernetes' kubelet) on a port of its own, so that a busy gateway does not look like a dead one:
 * `/live` 200 while the event loop runs, `/started` 200 once all services are, `/ready` 200 while requests are welcome.
 *
 * @throws when the port cannot be had
 */
export async function startProbes({ host, probePort }: { host: string; probePort: number }): Promise<Probes> {
	const state = { started: false, stopping: false };
	const answers: Record<string, () => boolean> = {
		"/live": () => true,
		"/started": () => state.started,
		"/ready": () => state.started && !state.stopping,
	};
	const server = createServer((request, response) => {
		const answer = answers[request.url ?? ""];
		const status = answer ? (answer() ? 200 : 503) : 404;
		response.writeHead(status, { "content-type": "text/plain" }).end(status === 200 ? "ok\n" : "no\n");
	});
	await new Promise<void>((resolve, reject) => {
		server.once("error", reject);
		server.listen(probePort, host, resolve);
	});
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://${host}:${port}`,
		started: () => {
			state.started = true;
		},
		startStopping: () => {
			state.stopping = true;
		},
		close: () => new Promise((resolve) => server.close(() => resolve())),
	};
}
