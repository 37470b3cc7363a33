import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Backing } from "./backing.ts";
import type { Metrics } from "./metrics.ts";

export type Probes = {
	readonly url: string;
	/** From now on the process is started and ready. */
	started(): void;
	/** From now on nothing new should be sent here. */
	startStopping(): void;
	close(): Promise<void>;
};

type Place = { readonly host: string; readonly probePort: number };
type Seen = { readonly backing: Pick<Backing, "missing">; readonly metrics: Metrics | null };

/**
 * Answers a supervisor (Kubernetes' kubelet) on a port of its own, so that a busy gateway does not look like a dead one:
 * `/live` 200 while the event loop runs, `/started` 200 once all services are, `/ready` 200 while requests are welcome and all that it
 * cannot work without answers; else 503 with the reason. `/metrics` is for Prometheus.
 *
 * @throws when the port cannot be had
 */
export async function startProbes({ host, probePort }: Place, { backing, metrics }: Seen): Promise<Probes> {
	const state = { started: false, stopping: false };
	const notReady = async () => {
		if (state.stopping) return "stopping";
		if (!state.started) return "starting";
		const names = await backing.missing();
		return names.length > 0 ? `no answer from ${names.join(", ")}` : null;
	};
	/** Why not, if not. */
	const answers: Record<string, () => Promise<string | null>> = {
		"/live": async () => null,
		"/started": async () => (state.started ? null : "starting"),
		"/ready": notReady,
	};
	const server = createServer(async (request, response) => {
		if (metrics && request.url === "/metrics") return sendPage(metrics, response);
		const answer = answers[request.url ?? ""];
		const problem = answer ? await answer() : "not found";
		const status = answer ? (problem === null ? 200 : 503) : 404;
		response.writeHead(status, { "content-type": "text/plain" }).end(`${problem ?? "ok"}\n`);
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
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				// Whoever still waits asks about what is gone, and might never get an answer.
				server.closeAllConnections();
			}),
	};
}

async function sendPage(metrics: Metrics, response: ServerResponse): Promise<void> {
	try {
		const page = await metrics.page();
		response.writeHead(200, { "content-type": metrics.contentType }).end(page);
	} catch (error) {
		response.writeHead(500, { "content-type": "text/plain" }).end(`${(error as Error).message}\n`);
	}
}
