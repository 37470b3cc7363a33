import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ActionParams, Context, Service, ServiceSchema } from "moleculer";
import ApiGateway from "moleculer-web";
import type { Static } from "typebox";
import { keyring } from "../../mixins/keyring.ts";
import { metricsOf } from "../../mixins/metrics.ts";
import { newTraceId } from "../../mixins/trace-id.ts";
import type { Settings } from "../../moleculer.config.ts";
import { call, type Result } from "../actions.ts";
import { fail, problemOf } from "../errors.ts";
import { LedgerAppended } from "../events.ts";
import { Access } from "./access.ts";
import { type Alias, answerProblem } from "./answer-problem.ts";
import { AnswerWriter } from "./answer-writer.ts";
import { aroundAction, type Request } from "./around-action.ts";
import { BODY_BYTES_MAX, bodyReader } from "./body.ts";
import { clientAddresses } from "./client-address.ts";
import { type ClientFiles, noFiles } from "./client-files.ts";
import { crossOrigin } from "./cors.ts";
import { Exports } from "./exports.ts";
import { FrontDoor } from "./front-door.ts";
import { httpMetricsIn } from "./http-metrics.ts";
import { type EventPage, LiveEvents } from "./live-events.ts";
import { type OperatorCheck, operatorCheck, operatorsOf } from "./operators.ts";
import { acceptsEventStream } from "./request-form.ts";
import { requestWatch } from "./request-watch.ts";
import { isFile, type Route } from "./routes.ts";
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
	exports: Exports;
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
	const timeoutMs = routes.some(({ action }) => action === "credit.audit")
		? LONG_REQUEST_TIMEOUT_MS
		: REQUEST_TIMEOUT_MS;
	const onError = (req: Request, res: ServerResponse, error: unknown) => answerProblem(req, res, { error, ...known });
	const isLive = routes.some(({ live }) => live);
	const around = aroundAction({ routeOf, addressOf, origins: [settings.publicOrigin, ...allowedOrigins] });
	const table = tableOf(routes, { ...around, onError, callOptions: { timeout: timeoutMs } });
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
			routes: [...pages.map((page) => ({ ...page, onError })), table],
			onError,
		},
		// The library's own actions would list, add and remove routes.
		actions: { listAliases: false, addRoute: false, removeRoute: false },
		...(isLive && { events: liveEvents }),
		methods: {
			sendResponse(req: Request, res: ServerResponse, data: unknown, action: unknown): void {
				const service = this as unknown as GatewayService;
				const route = req.$alias && routeOf(req.$alias);
				const send = (said: unknown) => ApiGateway.methods?.sendResponse?.call(service, req, res, said, action);
				if (route?.live && acceptsEvents(req)) tellLive(service, req, res, data as EventPage);
				else if (route && isFile(route)) sendFile(service, req, res, { first: data as FilePage, send });
				else send(data);
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
				service.exports = new Exports();
				const metrics = metricsOf(service.broker);
				if (metrics && isLive) httpMetricsIn(metrics).readStreams(() => service.live.count);
				if (isLive) service.looking = setInterval(() => lookForMore(service), LOOK_MS);
				const refuse = (req: IncomingMessage, res: ServerResponse, error: Error) => {
					const [parsedUrl = ""] = (req.url ?? "").split("?");
					answerProblem(Object.assign(req, { parsedUrl }), res, { error, ...known });
				};
				service.standstill = new Standstill(STANDSTILL_MS);
				const watch = requestWatch(service);
				const door = new FrontDoor({
					...{ service, routes, timeoutMs, watch, refuse, files, allowOrigins, publicOrigin: settings.publicOrigin },
					checkOperator: audience === "operators" ? checkOperator : null,
				});
				const headers = securityHeaders(audience === "everybody" ? settings.publicOrigin : null);
				const answering = { answer: door.answer, refuse, seeUnreadable: watch.seeUnreadable, headers };
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

/** The routes as moleculer-web takes them. */
function tableOf(routes: readonly Route[], more: object) {
	const readSmall = bodyReader(BODY_BYTES_MAX);
	return {
		mappingPolicy: "restrict",
		mergeParams: false,
		authentication: false,
		authorization: false,
		logging: false,
		name: "routes",
		path: "/",
		pathToRegexpOptions: { sensitive: true },
		// The library's own read a body that is too large to its end, which may never come. Ours is read before, see `FrontDoor`.
		bodyParsers: false,
		use: [
			// What the library takes for an address of ours, and we did not, as one with a slash behind it: never an action without what was sent to it.
			(req: Request, res: ServerResponse, next: (error?: unknown) => void) => {
				if (req.body === undefined) readSmall(req, res, next);
				else next();
			},
		],
		aliases: Object.fromEntries(routes.map(({ method, path, action }) => [`${method} ${path}`, action])),
		...more,
	};
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

type FilePage = Result<"user.exportTransactions">;

function sendFile(
	{ exports, broker }: GatewayService,
	req: Request,
	res: ServerResponse,
	{ first, send }: { first: FilePage; send: (csv: string) => void },
) {
	if (first.nextCursor === null) return send(first.csv);
	const { caller } = req.$admitted ?? {};
	if (!caller || caller.kind === "operator") throw fail("unauthenticated");
	res.setHeader("Content-Type", "text/csv; charset=utf-8");
	if (saidMethodOf(req) === "HEAD") return void res.end();
	const { name } = req.$action as NonNullable<Request["$action"]>;
	exports.send(res, {
		who: caller.kind === "till" ? caller.tillId : caller.userId,
		first,
		ask(cursor) {
			const meta = { caller, untilMs: Date.now() + REQUEST_TIMEOUT_MS, untilBy: broker.nodeID };
			return broker.call(name, { ...req.$params, cursor }, { meta, timeout: REQUEST_TIMEOUT_MS });
		},
		onCutOff(error) {
			req.$problem = { code: problemOf(error), error, isCutOff: true };
		},
	});
	// From now on it takes as long as the client does, which says nothing about what there is to do.
	req.$isWorkedOut?.();
}

function checkOf({ logger }: Service, settings: Settings): OperatorCheck {
	const operators = operatorsOf(settings);
	logger.info(`Operators show the token of ${operators.sources.join(" or ")}.`);
	return operatorCheck(operators);
}

const refuseAll: OperatorCheck = () => {
	throw fail("unauthenticated");
};
