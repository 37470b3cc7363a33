import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ActionParams, Context, Service, ServiceSchema } from "moleculer";
import ApiGateway from "moleculer-web";
import type { Static } from "typebox";
import { keyring } from "../../mixins/keyring.ts";
import { metricsOf } from "../../mixins/metrics.ts";
import { newTraceId } from "../../mixins/trace-id.ts";
import { nameSpan } from "../../mixins/traces.ts";
import type { Settings } from "../../moleculer.config.ts";
import { call, type Meta } from "../actions.ts";
import { fail } from "../errors.ts";
import { LedgerAppended } from "../events.ts";
import { Access, type Admitted } from "./access.ts";
import { filledIn, finderOf } from "./addresses.ts";
import { type Alias, answerProblem, type Failing } from "./answer-problem.ts";
import { AnswerWriter } from "./answer-writer.ts";
import { onceAnswered } from "./answered.ts";
import { BODY_BYTES_MAX, bodyReader, LARGE_BODY_BYTES_MAX, largeBodyReader } from "./body.ts";
import { clientAddresses } from "./client-address.ts";
import { type ClientFiles, noFiles } from "./client-files.ts";
import { crossOrigin } from "./cors.ts";
import { httpMetricsIn } from "./http-metrics.ts";
import { LettingIn } from "./letting-in.ts";
import { type EventPage, LiveEvents } from "./live-events.ts";
import { type OperatorCheck, operatorCheck, operatorsOf } from "./operators.ts";
import { clearedCookie, refreshCookie, refuseCrossSite } from "./refresh-cookie.ts";
import { acceptsEventStream, checkPrecondition, originForm, unclearIn } from "./request-form.ts";
import { type Incoming, paramsOf, type Schema } from "./request-params.ts";
import { requestWatch } from "./request-watch.ts";
import type { Route } from "./routes.ts";
import { securityHeaders } from "./security-headers.ts";
import { closeGently, openServer, saidMethodOf } from "./server.ts";
import { Standstill } from "./standstill.ts";

/** How long a client waits for an answer. */
const REQUEST_TIMEOUT_MS = 3_000;
/** How often it is looked whether something was appended that nobody told. */
const LOOK_MS = 2_000;
/** Longer than a client waits, and than a busy machine keeps a process from its work. */
const STANDSTILL_MS = 9_000;
const LONG_REQUEST_TIMEOUT_MS = 600_000;
/** So late nothing is begun any more that an operator has asked for, except an audit: who got no answer has thought better of it, or asked again. */
const LATE_MS = 30_000;

/** Made once: where it comes from is known, and to write that down each time would be a fifth of what a refusal costs. */
const OVERLOADED = fail("overloaded", undefined, { retryAfterS: 1 });
const TOO_LATE = fail("service_unavailable", "The request came too late to be begun", { retryAfterS: 1 });

export type GatewayOptions = {
	readonly name: string;
	readonly port: number;
	/** Operators' is closed to everybody else: they do not even learn what there is. */
	readonly audience: "everybody" | "operators";
	readonly routes: readonly Route[];
	/** More of moleculer-web's routes, for pages that are no actions. */
	readonly pages?: readonly object[];
	/** Where those can be read. */
	readonly pagePaths?: readonly string[];
	/** Files that anybody may read, also where only operators may ask: there is nothing in them that is not in the source. */
	readonly files?: ClientFiles;
	/** Pages of which other origins may call it. */
	readonly allowedOrigins?: readonly string[];
	readonly settings: Settings;
};

type Request = Incoming &
	Failing & { $untilMs?: number; $action?: { name: string; params?: object; returns?: object }; $admitted?: Admitted };
type GatewayMeta = { $statusCode?: number; $location?: string; $responseType?: string };
/** What main.ts opens last and closes first. */
export type Gateway = {
	open(): Promise<void>;
	/** From now on, every answer asks the client to take another connection. */
	drain(): void;
	close(): Promise<void>;
	readonly url: string;
};
type GatewayService = Service & {
	access: Access;
	/** Who is told what happens while it happens. */
	live: LiveEvents;
	looking?: NodeJS.Timeout;
	standstill: Standstill;
	isDraining?: boolean;
	server: Server;
	url: string;
	httpHandler: (...args: unknown[]) => void;
	sendError: (req: IncomingMessage, res: ServerResponse, error: unknown) => void;
};

/**
 * A moleculer-web gateway that serves a table of routes and nothing else, and answers every error in the words of the catalogue.
 * The two gateways are this, with different tables.
 */
export function gateway(options: GatewayOptions): ServiceSchema {
	const {
		name,
		port,
		audience,
		routes,
		pages = [],
		pagePaths = [],
		files = noFiles,
		allowedOrigins = [],
		settings,
	} = options;
	const byAlias = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));
	const routeOf = ({ method, fullPath }: Alias): Route => byAlias.get(`${method} ${fullPath}`) as Route;
	const answers = new AnswerWriter();
	const addressOf = clientAddresses(settings.trustedProxies);
	const addresses = [...routes, ...[...pagePaths, ...files.paths].map((path) => ({ method: "GET", path }))];
	const allowOrigins = crossOrigin(allowedOrigins, addresses);
	const known = { addresses, routeOf, audience };
	/** By its address, since this is asked before moleculer-web says which route it is. */
	const routeTo = finderOf(routes);
	const readSmall = bodyReader(BODY_BYTES_MAX);
	const readLarge = largeBodyReader(LARGE_BODY_BYTES_MAX);
	const lettingIn = new LettingIn(routes);
	const timeoutMs = routes.some(({ action }) => action === "credit.audit")
		? LONG_REQUEST_TIMEOUT_MS
		: REQUEST_TIMEOUT_MS;
	const overloaded = (req: Request, route: Route | undefined): Error => {
		// For who counts what was refused; moleculer-web says it of the others.
		if (route) req.$alias = { method: route.method, fullPath: route.path };
		return OVERLOADED;
	};
	/** Before anything is done for it, so that a refusal costs next to nothing. @returns why not */
	const lookIn = (req: Request, route: Route | undefined): Error | undefined => {
		// Whoever is told what happens stays, and has a bound of their own.
		if (route?.live) return undefined;
		return lettingIn.isFull(route, performance.now()) ? overloaded(req, route) : undefined;
	};
	/**
	 * Once all of it is there: whoever sends the end of a body late, or never, is nobody yet, and must not take the place of another one, nor
	 * be taken for a sign that there is too much to do.
	 *
	 * @returns why not
	 */
	const letIn = (req: Request, res: ServerResponse, route: Route | undefined): Error | undefined => {
		req.$untilMs = Date.now() + (route?.action === "credit.audit" ? timeoutMs : Math.min(timeoutMs, LATE_MS));
		if (route?.live) return undefined;
		const leave = lettingIn.enter(route, performance.now());
		if (!leave) return overloaded(req, route);
		const over = () => leave(performance.now());
		// It may have gone while what it sent was unpacked; then there is nothing more to hear of.
		if (res.destroyed) over();
		else onceAnswered(res, over);
		return undefined;
	};
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
			ctx.meta.untilMs = req.$untilMs as number;
			ctx.meta.untilBy = this.broker.nodeID;
			// Its address has ids in it, or more.
			if (req.$ctx) nameSpan(req.$ctx, `${route.method} ${route.path}`);
			if (route.refreshCookie === "rotate") refuseCrossSite(req, [settings.publicOrigin, ...allowedOrigins]);
			const address = addressOf(req);
			req.$admitted = await (this as GatewayService).access.admit({ req, res, route, address });
			const { caller, jkt, tillId } = req.$admitted;
			if (caller) ctx.meta.caller = caller;
			const schema: Schema = req.$action?.params ?? {};
			const { properties = {} } = schema;
			const ours = {
				...("jkt" in properties && { jkt }),
				...("address" in properties && { address }),
				...(route.binds === "till" && { tillId }),
			};
			const path = (req.$params as { params: Record<string, string> }).params;
			req.$params = paramsOf(route, req, { ...path, ...ours }, schema);
			checkPrecondition(req);
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
			if (route.cacheS) res.setHeader("Cache-Control", `public, max-age=${route.cacheS}`);
			if (route.image) {
				ctx.meta.$responseType = "image/jpeg";
				return Buffer.from(data as string, "base64");
			}
			if (route.status) ctx.meta.$statusCode = route.status;
			if (route.location) ctx.meta.$location = filledIn(route.location, { ...req.$params, ...(data as object) });
			return withoutRefreshToken(route, res, data);
		},
		onError(req: Request, res: ServerResponse, error: unknown) {
			answerProblem(req, res, { error, ...known });
		},
	};
	const isLive = routes.some(({ live }) => live);
	const table = {
		...shared,
		name: "routes",
		path: "/",
		callOptions: { timeout: timeoutMs },
		pathToRegexpOptions: { sensitive: true },
		// The library's own read a body that is too large to its end, which may never come. Ours is read before, see `open`.
		bodyParsers: false,
		use: [
			// What the library takes for an address of ours, and we did not, as one with a slash behind it: never an action without what was sent to it.
			(req: Request, res: ServerResponse, next: (error?: unknown) => void) => {
				if (req.body === undefined) readSmall(req, res, next);
				else next();
			},
		],
		aliases: Object.fromEntries(routes.map(({ method, path, action }) => [`${method} ${path}`, action])),
	};
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
				options.requestID = newTraceId();
			},
			routes: [...pages.map((page) => ({ ...page, onError: shared.onError })), table],
			onError: shared.onError,
		},
		// The library's own actions would list, add and remove routes.
		actions: { listAliases: false, addRoute: false, removeRoute: false },
		...(isLive && { events: liveEvents }),
		methods: {
			sendResponse(req: Request, res: ServerResponse, data: unknown, action: unknown): void {
				const service = this as unknown as GatewayService;
				if (req.$alias && routeOf(req.$alias)?.live && acceptsEvents(req))
					tellLive(service, req, res, data as EventPage);
				else ApiGateway.methods?.sendResponse?.call(service, req, res, data, action);
			},
			encodeResponse(req: Request, _res: ServerResponse, data: unknown): string {
				return answers.write(req.$action, data);
			},
			/** What the catalogue has a level for is logged once, by `answerProblem`, and not as an error with a stack before it. */
			errorHandler(req: Request, res: ServerResponse, error: unknown): void {
				(this as unknown as GatewayService).sendError(req, res, error);
			},
			/** Called when everything behind it is there: an open port is a promise. */
			async open(): Promise<void> {
				const service = this as unknown as GatewayService;
				const checkOperator = audience === "operators" ? checkOf(service, settings) : refuseAll;
				service.access = new Access(service, settings, checkOperator);
				service.live = new LiveEvents();
				const metrics = metricsOf(service.broker);
				if (metrics && isLive) httpMetricsIn(metrics).readStreams(() => service.live.count);
				if (isLive) service.looking = setInterval(() => lookForMore(service), LOOK_MS);
				const refuse = (req: IncomingMessage, res: ServerResponse, error: Error) => {
					const [parsedUrl = ""] = (req.url ?? "").split("?");
					answerProblem(Object.assign(req, { parsedUrl }), res, { error, ...known });
				};
				const refusalFor = (req: IncomingMessage, route: Route | undefined): Error | undefined =>
					(audience === "operators" ? refusalOf(() => checkOperator(req)) : undefined) ??
					unclearIn(req) ??
					refuseAtOnce(req, route?.largeBody ? LARGE_BODY_BYTES_MAX : BODY_BYTES_MAX) ??
					lookIn(req, route);
				const read = (
					req: IncomingMessage,
					res: ServerResponse,
					{ route, next }: { route: Route | undefined; next: (unreadable?: unknown) => void },
				): void => {
					// Whatever is sent there, there is nothing that would take it.
					if (!route) next();
					else if (route.largeBody) void readLarge(req, res, next, () => service.access.bearerOf(req));
					else readSmall(req, res, next);
				};
				service.standstill = new Standstill(STANDSTILL_MS);
				const tooLate = () => (service.standstill.isJustOver ? TOO_LATE : undefined);
				const watch = requestWatch(service);
				const answer = (req: IncomingMessage, res: ServerResponse) => {
					watch.see(req, res);
					if (service.isDraining) res.setHeader("Connection", "close");
					req.url = originForm(req, settings.publicOrigin);
					if (allowOrigins(req, res)) return;
					if (!unclearIn(req) && files.serve(req, res)) return;
					const route = routeTo(req);
					const refusal = refusalFor(req, route) ?? tooLate();
					if (refusal) return refuse(req, res, refusal);
					const next = (unreadable?: unknown) => {
						const refusal = (unreadable as Error | undefined) ?? tooLate() ?? letIn(req, res, route);
						if (refusal) refuse(req, res, refusal);
						else service.httpHandler(req, res);
					};
					read(req, res, { route, next });
				};
				const headers = securityHeaders(audience === "everybody" ? settings.publicOrigin : null);
				const answering = { answer, refuse, seeUnreadable: watch.seeUnreadable, headers };
				service.server = await openServer(answering, { port, host: settings.host });
				service.url = `http://${settings.host}:${(service.server.address() as AddressInfo).port}`;
			},
			drain(): void {
				const service = this as unknown as GatewayService;
				service.isDraining = true;
				service.live.close();
			},
			/** Called before anything behind it goes. */
			async close(): Promise<void> {
				const { server, live, looking, standstill } = this as unknown as GatewayService;
				clearInterval(looking);
				standstill?.end();
				live?.close();
				if (server?.listening) await closeGently(server, REQUEST_TIMEOUT_MS);
			},
		},
	} as unknown as ServiceSchema;
}

const liveEvents = {
	"ledger.appended": {
		params: LedgerAppended as object as ActionParams,
		handler(this: GatewayService, ctx: Context<Static<typeof LedgerAppended>>): void {
			this.live?.hear(ctx.params);
		},
	},
};

function lookForMore({ live, broker, logger }: GatewayService): void {
	live
		.look(async () => (await call(broker, "credit.status", {})).sequence)
		.catch((error: unknown) => logger.warn("How far the ledger is could not be found out.", error));
}

const acceptsEvents = (req: IncomingMessage): boolean =>
	saidMethodOf(req) === "GET" && acceptsEventStream(req.headers.accept ?? "");

function tellLive(
	{ live, access, broker, logger }: GatewayService,
	req: Request,
	res: ServerResponse,
	first: EventPage,
) {
	const { caller, expiresAtMs = 0 } = req.$admitted ?? {};
	if (caller?.kind !== "person") throw fail("unauthenticated");
	const options = { meta: { caller }, timeout: REQUEST_TIMEOUT_MS };
	const asking = { call: (name: string, params: object) => broker.call(name, params, options) };
	void live.tell(res, {
		caller,
		expiresAtMs,
		first,
		ask: (after) => call(asking, "user.listEvents", { after }),
		isAdmitted: () => access.isStillAdmitted(caller),
		onFailed: (error) => logger.warn("Somebody could not be told what happens in their wallet.", error),
	});
}

function checkOf({ logger }: Service, settings: Settings): OperatorCheck {
	const operators = operatorsOf(settings);
	logger.info(`Operators show the token of ${operators.sources.join(" or ")}.`);
	return operatorCheck(operators);
}

const refuseAll: OperatorCheck = () => {
	throw fail("unauthenticated");
};

function refusalOf(check: () => unknown): Error | undefined {
	try {
		check();
		return undefined;
	} catch (error) {
		return error as Error;
	}
}

/** What moleculer-web would do too much for. */
function refuseAtOnce({ method, headers }: IncomingMessage, bodyBytesMax: number): Error | undefined {
	// It would run the action of the method that an OPTIONS request only asks about.
	if (method === "OPTIONS") return fail("not_found");
	// It would wait for all of a body that says it is too large, or for it not to come.
	return Number(headers["content-length"] ?? 0) > bodyBytesMax ? fail("payload_too_large") : undefined;
}

function withoutRefreshToken({ refreshCookie: change }: Route, res: ServerResponse, data: unknown): unknown {
	if (change === "clear") res.setHeader("Set-Cookie", clearedCookie());
	if (change !== "issue" && change !== "rotate") return data;
	const { refreshToken, ...rest } = data as { refreshToken: string };
	res.setHeader("Set-Cookie", refreshCookie(refreshToken));
	return rest;
}
