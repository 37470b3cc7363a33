import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Context, Service, ServiceSchema } from "moleculer";
import ApiGateway from "moleculer-web";
import { keyring, keyringOf } from "../../mixins/keyring.ts";
import type { Settings } from "../../moleculer.config.ts";
import type { Meta } from "../actions.ts";
import { fail, type ProblemCode, problemOf, problems } from "../errors.ts";
import { AnswerWriter } from "./answer-writer.ts";
import { toProblem } from "./problem.ts";
import { clearedCookie, refreshCookie, refuseCrossSite } from "./refresh-cookie.ts";
import { type Incoming, paramsOf } from "./request-params.ts";
import type { Route } from "./routes.ts";

const BODY_BYTES_MAX = 16_384;
const CSV_BYTES_MAX = 1_000_000;
/** How long a client waits for an answer. */
const REQUEST_TIMEOUT_MS = 3_000;
const LONG_REQUEST_TIMEOUT_MS = 600_000;

export type GatewayOptions = {
	readonly name: string;
	readonly port: number;
	readonly routes: readonly Route[];
	/** More of moleculer-web's routes, for pages that are no actions. */
	readonly pages?: readonly object[];
	/** Where those can be read. */
	readonly pagePaths?: readonly string[];
	readonly settings: Settings;
};

type Request = Incoming & {
	$ctx?: Context<unknown, Meta & GatewayMeta>;
	$alias?: Alias;
	$action?: { name: string; params?: object; returns?: object };
	$params?: { params?: Record<string, string> } | Record<string, unknown>;
	parsedUrl?: string;
};
type Alias = { readonly method: string; readonly fullPath: string };
type GatewayMeta = { $statusCode?: number; $location?: string; $responseType?: string };
/** What main.ts opens last and closes first. */
export type Gateway = { open(): Promise<void>; close(): Promise<void>; readonly url: string };
type GatewayService = Service & { server: Server; url: string; httpHandler: (...args: unknown[]) => void };

/**
 * A moleculer-web gateway that serves a table of routes and nothing else, and answers every error in the words of the catalogue.
 * The two gateways are this, with different tables.
 */
export function gateway({ name, port, routes, pages = [], pagePaths = [], settings }: GatewayOptions): ServiceSchema {
	const byAlias = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));
	const routeOf = ({ method, fullPath }: Alias): Route => byAlias.get(`${method} ${fullPath}`) as Route;
	const answers = new AnswerWriter();
	const addresses = [...routes, ...pagePaths.map((path) => ({ method: "GET", path }))];
	const isImport = ({ csv }: Route) => csv !== undefined && "into" in csv;
	const shared = {
		mappingPolicy: "restrict",
		mergeParams: false,
		authentication: false,
		authorization: false,
		logging: false,
		async onBeforeCall(
			this: Service,
			ctx: Context<unknown, Meta & GatewayMeta>,
			_: object,
			req: Request,
			res: ServerResponse,
			alias: Alias,
		) {
			const route = routeOf(alias);
			await authorize(this, { ctx, req, route, settings });
			const path = (req.$params as { params: Record<string, string> }).params;
			req.$params = paramsOf(route, req, path, req.$action?.params ?? {});
			if (route.csv && "fileName" in route.csv) {
				ctx.meta.$responseType = "text/csv; charset=utf-8";
				res.setHeader("Content-Disposition", `attachment; filename="${route.csv.fileName}"`);
			}
		},
		onAfterCall(
			ctx: Context<unknown, Meta & GatewayMeta>,
			_: object,
			req: Request,
			res: ServerResponse,
			data: unknown,
		) {
			const route = routeOf(req.$alias as Alias);
			if (ctx.meta.replayed) res.setHeader("Idempotent-Replayed", "true");
			if (route.status) ctx.meta.$statusCode = route.status;
			if (route.location) ctx.meta.$location = filledIn(route.location, { ...req.$params, ...(data as object) });
			return withoutRefreshToken(route, res, data);
		},
		onError(this: Service, req: Request, res: ServerResponse, error: unknown) {
			answerProblem(this, req, res, { error, addresses, routeOf });
		},
	};
	const table = (some: readonly Route[], bodyBytesMax: number, path: string) => ({
		...shared,
		name: `routes at ${path}`,
		path,
		callOptions: {
			timeout: some.some(({ action }) => action === "credit.audit") ? LONG_REQUEST_TIMEOUT_MS : REQUEST_TIMEOUT_MS,
		},
		// The body's bytes as they came: what is signed is bytes, and we say ourselves what is wrong with them.
		pathToRegexpOptions: { sensitive: true },
		bodyParsers: { raw: { type: () => true, limit: bodyBytesMax } },
		aliases: Object.fromEntries(
			some.map((route) => [`${route.method} ${route.path.slice(path === "/" ? 0 : path.length)}`, route.action]),
		),
	});
	const imports = routes.filter(isImport);
	return {
		name,
		mixins: [ApiGateway as unknown as ServiceSchema, keyring()],
		dependencies: ["auth", "user", "credit", "store"],
		settings: {
			// The server is ours, see `open`; moleculer-web handles its requests.
			server: false,
			etag: false,
			logRequest: null,
			logResponse: null,
			logRouteRegistration: null,
			rootCallOptions(options: { requestID?: string }) {
				// Chosen by us: one that the client sends could be anybody's, or a line break for the log.
				options.requestID = randomUUID();
			},
			routes: [
				...pages.map((page) => ({ ...page, onError: shared.onError })),
				...(imports.length > 0 ? [table(imports, CSV_BYTES_MAX, "/v1/stores")] : []),
				table(
					routes.filter((route) => !isImport(route)),
					BODY_BYTES_MAX,
					"/",
				),
			],
			onError: shared.onError,
		},
		// The library's own actions would list, add and remove routes.
		actions: { listAliases: false, addRoute: false, removeRoute: false },
		methods: {
			encodeResponse(req: Request, _res: ServerResponse, data: unknown): string {
				return answers.write(req.$action, data);
			},
			/** Called when everything behind it is there: an open port is a promise. */
			async open(): Promise<void> {
				const service = this as unknown as GatewayService;
				service.server = createServer((req, res) => {
					for (const [header, value] of securityHeaders) res.setHeader(header, value);
					const refusal = refuseAtOnce(req, imports);
					if (!refusal) return service.httpHandler(req, res);
					const [parsedUrl = ""] = (req.url ?? "").split("?");
					answerProblem(service, Object.assign(req, { parsedUrl }), res, { error: refusal, addresses, routeOf });
				});
				await listen(service.server, { port, host: settings.host });
				service.url = `http://${settings.host}:${(service.server.address() as AddressInfo).port}`;
			},
			/** Called before anything behind it goes. */
			async close(): Promise<void> {
				const { server } = this as unknown as GatewayService;
				if (server?.listening) await closeGently(server);
			},
		},
	} as unknown as ServiceSchema;
}

const securityHeaders: readonly (readonly [string, string])[] = [
	["Cache-Control", "no-store"],
	["Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"],
	["Referrer-Policy", "no-referrer"],
	["X-Content-Type-Options", "nosniff"],
];

/** @throws the reason why not, with the port in its `code` */
async function listen(server: Server, { port, host }: { port: number; host: string }): Promise<void> {
	// A client that sends its request drop by drop must not hold a connection for ever.
	server.headersTimeout = 10_000;
	server.requestTimeout = 30_000;
	server.keepAliveTimeout = 65_000;
	await new Promise<void>((resolve, reject) => {
		server.once("error", reject);
		server.listen(port, host, () => {
			server.off("error", reject);
			resolve();
		});
	});
}

/** What moleculer-web would do too much for. */
function refuseAtOnce({ method, url = "", headers }: IncomingMessage, imports: readonly Route[]): Error | undefined {
	// It would run the action of the method that an OPTIONS request only asks about.
	if (method === "OPTIONS") return fail("not_found");
	const isImport = imports.some(({ path }) => fits(path, url.split("?")[0] ?? ""));
	// It would wait for all of a body that says it is too large, or for it not to come.
	const bodyBytes = Number(headers["content-length"] ?? 0);
	return bodyBytes > (isImport ? CSV_BYTES_MAX : BODY_BYTES_MAX) ? fail("payload_too_large") : undefined;
}

/** Takes no new connections, and ends the others as soon as they have their answer, or at the latest when that cannot come any more. */
async function closeGently(server: Server): Promise<void> {
	const closed = new Promise<void>((resolve) => server.close(() => resolve()));
	const idle = setInterval(() => server.closeIdleConnections(), 50);
	const late = setTimeout(() => server.closeAllConnections(), REQUEST_TIMEOUT_MS + 2_000);
	await closed;
	clearInterval(idle);
	clearTimeout(late);
}

type Asked = { ctx: Context<unknown, Meta>; req: Request; route: Route; settings: Settings };

/** @throws unauthenticated, cross_site_request */
async function authorize(service: Service, { ctx, req, route, settings }: Asked): Promise<void> {
	if (route.refreshCookie === "rotate") refuseCrossSite(req, settings.publicOrigin);
	if (route.rights !== "person") return;
	const [scheme, token] = (req.headers.authorization ?? "").split(" ");
	if (scheme !== "Bearer" || !token) throw fail("unauthenticated");
	const caller = await keyringOf(service).readAccessToken(token, { issuer: settings.publicOrigin });
	if (!caller) throw fail("unauthenticated");
	ctx.meta.caller = caller;
}

function withoutRefreshToken({ refreshCookie: change }: Route, res: ServerResponse, data: unknown): unknown {
	if (change === "clear") res.setHeader("Set-Cookie", clearedCookie());
	if (change !== "issue" && change !== "rotate") return data;
	const { refreshToken, ...rest } = data as { refreshToken: string };
	res.setHeader("Set-Cookie", refreshCookie(refreshToken));
	return rest;
}

type Failure = { error: unknown; addresses: readonly Address[]; routeOf: (alias: Alias) => Route };

function answerProblem(service: Service, req: Request, res: ServerResponse, failure: Failure): void {
	if (res.headersSent) return void res.destroy();
	const { error, addresses, routeOf } = failure;
	const traceId = req.$ctx?.requestID ?? randomUUID();
	const route = req.$alias && routeOf(req.$alias);
	const allowed = problemOf(error) === "not_found" && !route ? otherMethods(addresses, req) : [];
	const code = allowed.length > 0 ? "method_not_allowed" : codeFor(error, route);
	const { document, retryAfterS } = toProblem(error, { traceId, code });
	const { log, status } = problems[code];
	const place = `${req.method} ${route?.path ?? "(no route)"}`;
	if (log !== "debug") service.logger[log](`${place}: ${code}`, { traceId, ...(log === "error" && { error }) });
	const asked = code === "outcome_unknown" ? route?.idempotent?.statusPath : undefined;
	const statusUrl = asked && filledIn(asked, req.$params ?? {});
	res.setHeader("X-Request-ID", traceId);
	for (const [header, value] of problemHeaders(code, { allowed, retryAfterS })) res.setHeader(header, value);
	res.statusCode = status;
	res.end(JSON.stringify({ ...document, ...(statusUrl && { statusUrl }) }));
}

type Said = { allowed: readonly string[]; retryAfterS: number | undefined };

function* problemHeaders(code: ProblemCode, { allowed, retryAfterS }: Said): Generator<[string, string]> {
	yield ["Content-Type", "application/problem+json"];
	if (allowed.length > 0) yield ["Allow", allowed.join(", ")];
	if (retryAfterS !== undefined) yield ["Retry-After", String(retryAfterS)];
	if (problems[code].status === 401) yield ["WWW-Authenticate", "Bearer"];
	// What comes behind a body that was too large is not a request.
	if (code === "payload_too_large") yield ["Connection", "close"];
}

/** Refused before anything was booked: then a money request's outcome is known. */
const surelyNotBooked: readonly ProblemCode[] = [
	"ledger_busy",
	"ledger_unavailable",
	"overloaded",
	"service_unavailable",
];

function codeFor(error: unknown, route: Route | undefined): ProblemCode {
	const code = problemOf(error);
	if (!route?.idempotent || problems[code].status < 500) return code;
	// A call that timed out or broke in the middle may have been carried out all the same.
	const timedOut = (error as { type?: unknown }).type === "REQUEST_TIMEOUT";
	return surelyNotBooked.includes(code) && !timedOut ? code : "outcome_unknown";
}

type Address = { readonly method: string; readonly path: string };

/** The methods that there are at this address if the one that was used is not among them. */
function otherMethods(addresses: readonly Address[], { parsedUrl = "", method = "" }: Request): string[] {
	const methods = new Set(addresses.filter(({ path }) => fits(path, parsedUrl)).map((address) => address.method));
	return methods.has(method) ? [] : [...methods];
}

/** Whether a url has the form of a route's path. */
function fits(path: string, url: string): boolean {
	const parts = url.split("/");
	const wanted = path.split("/");
	return wanted.length === parts.length && wanted.every((part, index) => part.startsWith(":") || part === parts[index]);
}

const filledIn = (path: string, values: object): string =>
	path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String((values as Record<string, unknown>)[name])));
