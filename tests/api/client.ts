import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { Agent, type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http";
import { type DeviceKey, newDeviceKey } from "../../clients/sdk/device-key.ts";
import { Prover, wantsNonce } from "../../clients/sdk/prover.ts";
import { RequestSigner } from "../../clients/sdk/request-signer.ts";
import type { Actions, Answered, Params } from "../../services/actions.ts";
import { internalRoutes } from "../../services/api/internal-routes.ts";
import { publicRoutes, type Route } from "../../services/api/routes.ts";
import type { ProblemCode } from "../../services/errors.ts";
import type { Answer, Contract, ProblemBody } from "./contract.ts";

type Name = keyof Actions & string;

/** What goes over the wire, byte for byte. */
export type Wire = {
	readonly method: string;
	readonly path: string;
	readonly headers?: OutgoingHttpHeaders;
	readonly body?: string | Buffer | undefined;
};

/** A money request's key is made up where the test does not care; what the gateway says of a request is not for clients to say. */
type Said<N extends Name> = Omit<Params<N>, SaidElsewhere<N>> & { readonly idempotencyKey?: string };
type SaidElsewhere<N extends Name> =
	| "idempotencyKey"
	| "jkt"
	| "address"
	| (Answered<N> extends string ? "cursor" : never)
	| (N extends "auth.signInTill" ? "tillId" : never);

type Options = { readonly headers?: OutgoingHttpHeaders };

const routes = [...publicRoutes, ...internalRoutes];
const answered = new Set<string>();
export const nameOf = ({ method, path }: Pick<Route, "method" | "path">): string => `${method} ${path}`;

/** The routes of a table that no request of this process was answered by with success. */
export const notYetAnswered = (table: readonly Route[]): string[] =>
	table.map(nameOf).filter((name) => !answered.has(name));

export const newKey = (): string => randomUUID();

/** How the platforms of tests name themselves. */
export const PUBLIC_ORIGIN = "http://hannip.test";

/** The key of a browser that was never seen before, and what it proves with it. */
export const newProver = async (origin = PUBLIC_ORIGIN): Promise<Prover> => new Prover(await newDeviceKey(), origin);

/** A till's key, and what it signs with it. */
export const newSigner = async (keyId?: string, key?: DeviceKey, origin = PUBLIC_ORIGIN): Promise<RequestSigner> =>
	new RequestSigner(key ?? (await newDeviceKey()), { origin, ...(keyId !== undefined && { keyId }) });

/** A caller's view of one port. Every answer is held against the contract before a test sees it. */
export class Client {
	readonly port: number;
	/** How the platform there names itself. */
	readonly origin: string;
	readonly #url: URL;
	readonly contract: Contract | null;
	readonly #agent: Agent;
	readonly #headers: OutgoingHttpHeaders;
	readonly #prover: Prover | RequestSigner | undefined;
	readonly #accessToken: string | undefined;

	constructor(url: string, contract: Contract | null, parts: Partial<Parts> = {}) {
		const { headers = {}, agent, prover, accessToken, origin = PUBLIC_ORIGIN } = parts;
		this.origin = origin;
		this.#url = new URL(url);
		this.#prover = prover;
		this.#accessToken = accessToken;
		this.port = Number(this.#url.port);
		this.contract = contract;
		this.#headers = headers;
		this.#agent = agent ?? new Agent({ keepAlive: true, maxSockets: 64 });
	}

	/** The same port with other headers. */
	with(headers: OutgoingHttpHeaders): Client {
		return this.#but({ headers: { ...this.#headers, ...headers } });
	}

	/** The same port from a device or a till, with or without its token. */
	from(prover: Prover | RequestSigner, accessToken?: string): Client {
		return this.#but({ prover, accessToken });
	}

	/** The same device with another token. */
	as(accessToken: string): Client {
		return this.#but({ accessToken });
	}

	/** What this client would prove a request with. */
	async proofOf({ method, path, headers, body }: Wire): Promise<OutgoingHttpHeaders> {
		const binds = routes.some((route) => route.binds && route.method === method && route.path === path);
		const accessToken = binds ? undefined : this.#accessToken;
		const idempotencyKey = headers?.["idempotency-key"] as string | undefined;
		const bytes = body === undefined ? undefined : new Uint8Array(Buffer.from(body));
		return (await this.#prover?.headersFor({ method, path, accessToken, idempotencyKey, body: bytes })) ?? {};
	}

	#but(changed: Partial<Parts>): Client {
		const { contract, origin } = this;
		const parts = {
			origin,
			headers: this.#headers,
			agent: this.#agent,
			prover: this.#prover,
			accessToken: this.#accessToken,
		};
		return new Client(this.#url.origin, contract, { ...parts, ...changed });
	}

	/** Sends exactly this, with a proof if this is a device. @throws when the connection breaks, or the answer breaks the contract */
	async raw(wire: Wire): Promise<Answer> {
		const answer = await this.#attempt(wire);
		return this.#prover && wantsNonce(readable(answer)) ? this.#attempt(wire) : answer;
	}

	async #attempt(wire: Wire): Promise<Answer> {
		const answer = await this.#exchange({ ...wire, headers: { ...(await this.proofOf(wire)), ...wire.headers } });
		this.#prover?.learn(readable(answer));
		this.contract?.check(wire, answer);
		return answer;
	}

	#exchange({ method, path, headers, body }: Wire): Promise<Answer> {
		return new Promise((resolve, reject) => {
			const sent = { ...this.#headers, ...headers };
			const outgoing = request({
				host: this.#url.hostname,
				port: this.port,
				agent: this.#agent,
				method,
				path,
				// Node frames no body of a GET by itself.
				headers: body === undefined ? sent : { "content-length": Buffer.byteLength(body), ...sent },
			});
			outgoing.on("error", reject);
			outgoing.on("response", (incoming) => read(incoming).then(resolve, reject));
			outgoing.end(body);
		});
	}

	/** Calls the route that leads to this action. */
	async call<N extends Name>(name: N, said: Said<N>, options: Options = {}): Promise<Answer<Answered<N>>> {
		const route = routeOf(name);
		const wire = wireOf(route, said);
		const answer = await this.raw({ ...wire, headers: { ...wire.headers, ...options.headers } });
		if (answer.status < 400) answered.add(nameOf(route));
		return answer as Answer<Answered<N>>;
	}

	/** @throws AssertionError unless it succeeds */
	async ok<N extends Name>(name: N, said: Said<N>, options: Options = {}): Promise<Answered<N>> {
		const answer = await this.call(name, said, options);
		const { status = 200 } = routeOf(name);
		assert.equal(answer.status, status, `${name} was answered ${answer.status} ${answer.text.slice(0, 500)}`);
		return answer.body;
	}

	/** @param said may be anything @throws AssertionError unless it is refused with this code */
	async refused(name: Name, said: object, code: ProblemCode, options: Options = {}): Promise<ProblemBody> {
		const answer = await this.call(name, said as never, options);
		assertRefused(answer, code, `${name} ${JSON.stringify(said).slice(0, 200)}`);
		return answer.body as ProblemBody;
	}

	close(): void {
		this.#agent.destroy();
	}
}

/** What operators of the platforms of tests show. */
export const OPERATOR_TOKEN = "what-operators-of-platforms-in-tests-show";

export const operatorAt = (url: string, contract: Contract | null = null, token = OPERATOR_TOKEN): Client =>
	new Client(url, contract, { headers: { authorization: `Bearer ${token}` } });

type Parts = {
	readonly origin: string;
	readonly headers: OutgoingHttpHeaders;
	readonly agent: Agent;
	readonly prover: Prover | RequestSigner | undefined;
	readonly accessToken: string | undefined;
};

const readable = ({ status, headers }: Answer) => ({
	status,
	headers: { get: (name: string) => (headers[name] === undefined ? null : String(headers[name])) },
});

export function assertRefused(answer: Answer, code: ProblemCode, what: string): void {
	const found = (answer.body as Partial<ProblemBody> | undefined)?.code ?? answer.status;
	assert.equal(found, code, `${what} was answered ${answer.status} ${answer.text.slice(0, 500)}`);
}

/** A problem without what differs from one request to the next. */
export function withoutTrace(answer: { readonly body: unknown } | ProblemBody): object {
	const { traceId: _, ...rest } = ("body" in answer ? answer.body : answer) as ProblemBody;
	return rest;
}

function routeOf(name: Name): Route {
	const route = routes.find(({ action }) => action === name);
	assert.ok(route, `no route leads to ${name}`);
	return route;
}

/** How parameters travel: in the path, in headers, and the rest in the query or the body. */
function wireOf(route: Route, said: object): Wire {
	const left = new Map<string, unknown>(Object.entries(said));
	const take = (key: string): unknown => {
		const value = left.get(key);
		left.delete(key);
		return value;
	};
	const path = route.path.replace(/:(\w+)/g, (_, key: string) => encodeURIComponent(String(take(key))));
	const headers: OutgoingHttpHeaders = {};
	if (route.idempotent) headers["idempotency-key"] = String(take("idempotencyKey") ?? newKey());
	if (route.refreshCookie === "issue" && left.has("userAgent")) headers["user-agent"] = String(take("userAgent"));
	if (route.refreshCookie === "rotate") headers.cookie = `__Host-hannip-refresh=${take("refreshToken")}`;
	if (route.csv && "into" in route.csv) {
		return {
			method: route.method,
			path,
			headers: { ...headers, "content-type": "text/csv" },
			body: String(take(route.csv.into)),
		};
	}
	if (route.method === "GET" || route.method === "DELETE") {
		const values = [...left].map(([key, value]): [string, string] => [key, String(value)]);
		const query = new URLSearchParams(values).toString();
		return { method: route.method, path: query ? `${path}?${query}` : path, headers };
	}
	return {
		method: route.method,
		path,
		headers: { ...headers, "content-type": "application/json" },
		body: JSON.stringify(Object.fromEntries(left)),
	};
}

async function read(incoming: IncomingMessage): Promise<Answer> {
	const chunks: Buffer[] = [];
	for await (const chunk of incoming) chunks.push(chunk as Buffer);
	const bytes = Buffer.concat(chunks);
	const text = bytes.toString();
	const isJson = /^application\/(problem\+)?json/.test(incoming.headers["content-type"] ?? "");
	const body: unknown = isJson && text !== "" ? JSON.parse(text) : text;
	return { status: incoming.statusCode ?? 0, headers: incoming.headers, bytes, text, body };
}
