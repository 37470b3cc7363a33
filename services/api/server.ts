import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { fail, type ProblemCode } from "../errors.ts";
import { LINGER_MS, rawProblem } from "./answer-problem.ts";
import { boundConnections, UNANSWERED_MAX } from "./connections.ts";
import type { Headers } from "./security-headers.ts";

export type Answering = {
	answer(request: IncomingMessage, response: ServerResponse): void;
	/** Answers a request of which only the beginning could be read. */
	refuse(request: IncomingMessage, response: ServerResponse, error: Error): void;
	/** Told of what is no request, or one too many. */
	seeUnreadable(code: ProblemCode): void;
	/** What every answer says, also one to what could not be read. */
	readonly headers: Headers;
};

export type Listening = { readonly port: number; readonly host: string; readonly stalledAfterMs?: number };

/** How long a connection may take nothing of what is there for it. */
const STALLED_AFTER_MS = 10_000;

/**
 * Each may hold some 40 kB before anybody is known: 16 kB of headers, 16 kB of a body, and Node's own. So together at most 400 MB; a
 * festival's phones are a fifth of it.
 */
const CONNECTIONS_MAX = 10_000;

/**
 * A crowd connects in one moment, and libuv takes one connection from the kernel for each turn of its loop. Those for whom Node's own 511 places
 * are too few are not refused but knock again after one, two and four seconds, as if the platform were dead.
 */
const CONNECTIONS_WAITING_MAX = 4_096;

const TOO_MANY = fail("rate_limited", `More than ${UNANSWERED_MAX} requests on one connection wait for their answers`, {
	retryAfterS: 1,
});

const heads = new WeakSet<IncomingMessage>();

/** The method that the client said. */
export const saidMethodOf = (request: IncomingMessage): string =>
	heads.has(request) ? "HEAD" : (request.method ?? "");

/**
 * Node's server, except that it says in the catalogue's words what Node says with an empty 400, 408, 413, 417 or 431, and that a connection on
 * which nobody reads is bounded (see `boundConnections`).
 *
 * @throws the reason why it cannot listen, with the port in its `code`
 */
export async function openServer(
	{ answer, refuse, seeUnreadable, headers }: Answering,
	{ port, host, stalledAfterMs = STALLED_AFTER_MS }: Listening,
): Promise<Server> {
	const server = createServer({
		// A client that sends its request drop by drop must not hold a connection for ever.
		headersTimeout: 10_000,
		requestTimeout: 30_000,
		connectionsCheckingInterval: 1_000,
		keepAliveTimeout: 65_000,
		// Whoever answers looks for it.
		requireHostHeader: false,
	});
	server.maxConnections = CONNECTIONS_MAX;
	const connections = boundConnections(server, stalledAfterMs);
	const latest = new WeakMap<Duplex, ServerResponse>();
	const begin = (request: IncomingMessage, response: ServerResponse) => {
		const unanswered = connections.begin(response);
		if (unanswered > UNANSWERED_MAX) request.socket.pause();
		// Never answered: the connection closes behind the answer before it.
		if (unanswered > UNANSWERED_MAX + 1) return;
		latest.set(request.socket, response);
		for (const [header, value] of headers) response.setHeader(header, value);
		// RFC 9110 9.3.2: like GET, without the content; Node leaves that away by itself.
		if (request.method === "HEAD") {
			heads.add(request);
			request.method = "GET";
		}
		if (unanswered <= UNANSWERED_MAX) return answer(request, response);
		seeUnreadable("rate_limited");
		refuse(request, response.setHeader("Connection", "close"), TOO_MANY);
	};
	server.on("request", begin);
	// RFC 9110 10.1.1 allows to pass over an expectation that is not known.
	server.on("checkExpectation", begin);
	const broken = new WeakSet<Duplex>();
	server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
		// Everything behind what cannot be read cannot be read either.
		if (broken.has(socket)) return;
		broken.add(socket);
		// Of this one Node may read for ever, and takes that for a sign of life.
		const late = setTimeout(() => socket.destroy(), stalledAfterMs);
		socket.once("close", () => clearTimeout(late));
		const code = codes[error.code ?? ""] ?? "malformed_request";
		if (error.code !== "ECONNRESET") seeUnreadable(code);
		const response = latest.get(socket);
		// A request that was read is answered first; this is about what came behind it.
		if (!response || isOver(response)) sayAndClose(socket, code, headers);
		else if (response.req.complete) response.once("close", () => sayAndClose(socket, code, headers));
		// One request never gets two answers.
		else if (response.headersSent || !socket.writable) socket.destroy();
		else refuse(response.req, response.setHeader("Connection", "close"), fail(code));
	});
	await new Promise<void>((resolve, reject) => {
		server.once("error", reject);
		server.listen({ port, host, backlog: CONNECTIONS_WAITING_MAX }, () => {
			server.off("error", reject);
			resolve();
		});
	});
	return server;
}

/** Node's words for why a request cannot be read; there are many more, and all of them mean that it is malformed. */
const codes: Record<string, ProblemCode> = {
	HPE_HEADER_OVERFLOW: "headers_too_large",
	HPE_CHUNK_EXTENSIONS_OVERFLOW: "payload_too_large",
	ERR_HTTP_REQUEST_TIMEOUT: "request_timeout",
};

const isOver = ({ req, writableFinished }: ServerResponse): boolean => req.complete && writableFinished;

/** There is no request to answer: the answer is written to the connection as it is. */
function sayAndClose(socket: Duplex, code: ProblemCode, headers: Headers): void {
	if (!socket.writable) return void socket.destroy();
	socket.end(rawProblem(code, headers));
	const late = setTimeout(() => socket.destroy(), LINGER_MS);
	socket.once("close", () => clearTimeout(late));
}

/**
 * Takes no new connections, and ends the others as soon as they have their answer, or at the latest when that cannot come any more.
 *
 * @param answersWithinMs how long a client waits for an answer
 */
export async function closeGently(server: Server, answersWithinMs: number): Promise<void> {
	const closed = new Promise<void>((resolve) => server.close(() => resolve()));
	const idle = setInterval(() => server.closeIdleConnections(), 50);
	const late = setTimeout(() => server.closeAllConnections(), answersWithinMs + 2_000);
	await closed;
	clearInterval(idle);
	clearTimeout(late);
}
