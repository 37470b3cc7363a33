import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { BrokerOptions, Middleware, ServiceBroker } from "moleculer";
import * as moleculer from "moleculer";
import { compile } from "proxy-addr";
import { answerMeta } from "./mixins/answer-meta.ts";
import { deadline, inTime } from "./mixins/deadline.ts";
import { hedging } from "./mixins/hedging.ts";
import { standardOutput } from "./mixins/line-writer.ts";
import { LogLines } from "./mixins/log-lines.ts";
import { lostAnswers } from "./mixins/lost-answers.ts";
import { moleculerMetrics, PageReporter } from "./mixins/moleculer-metrics.ts";
import { natsByAction, nodeIDOf } from "./mixins/nats-by-action.ts";
import { seenCalls } from "./mixins/seen-calls.ts";
import { tracing } from "./mixins/traces.ts";
import { TypeBoxValidator } from "./mixins/typebox-validator.ts";
import { NAMELESS } from "./services/actions.ts";

export const serviceNames = ["credit", "hasher", "auth", "user", "store", "api"] as const;
export type ServiceName = (typeof serviceNames)[number];

const logLevels = ["fatal", "error", "warn", "info", "debug", "trace"] as const;

/** Everything that can be set from outside. Units are in the names; a port of 0 takes any that is free. */
export type Settings = {
	/** `PORT`: the public gateway. */
	readonly port: number;
	/** `INTERNAL_PORT`: the gateway for operators; never routed from outside. */
	readonly internalPort: number;
	/** `PROBE_PORT`: live, ready and started for whoever supervises this process. */
	readonly probePort: number;
	/** `HOST`: the address that all ports listen on. */
	readonly host: string;
	/** `PUBLIC_ORIGIN`: how clients reach the public gateway; tokens and cross-site checks are bound to it. */
	readonly publicOrigin: string;
	/** `DATA_DIR`: where everything is kept, unless there is a MongoDB. */
	readonly dataDir: string;
	/** `MONGODB_URI`: a replica set that keeps everything, with the database's name. `MONGODB_URI_FILE` names a file with it. */
	readonly mongodbUri: string | null;
	/**
	 * `TRANSPORTER`: the NATS servers by which processes find and call each other, as `nats://user:password@host:port`, or
	 * `tls://…`; several are separated by commas. `TRANSPORTER_FILE` names a file with it. Without it this process is alone.
	 */
	readonly transporter: string | null;
	/** `SERVICES`: what this process runs, separated by commas. */
	readonly services: readonly ServiceName[];
	/** `LOG_LEVEL`: from `info` on there is a line for each request. */
	readonly logLevel: (typeof logLevels)[number];
	/** `METRICS`: whether `/metrics` is there, at the port for probes. */
	readonly metrics: "on" | "off";
	/** `ZIPKIN_URL`: where traces go, as `http://zipkin:9411`. Without it none are made. */
	readonly zipkinUrl: string | null;
	/** `ZIPKIN_PAGES_URL`: where operators' browsers reach Zipkin, if that is another address. */
	readonly zipkinPagesUrl: string | null;
	/** `TRACE_RATE`: the share of requests whose trace is kept, from 0 to 1; of those that fail or are slow it always is. */
	readonly traceRate: number;
	/**
	 * `REQUESTS_PER_MINUTE_PERSON`, `…_TILL`, `…_ADDRESS`: how often one person, one till, or everybody without a login at one address
	 * may ask. A whole campus may be behind one address.
	 */
	readonly requestsPerMinute: { readonly person: number; readonly till: number; readonly address: number };
	/** `CHARGE_MAX`: the most that one charge may be, in credits. */
	readonly chargeMax: number;
	/**
	 * `KEY_SECRET`: seals the signing keys where they are kept, at least 32 characters. `KEY_SECRET_FILE` names a file with it. Without
	 * a MongoDB it may be left out: then a file `keys.secret` in `DATA_DIR` has it.
	 */
	readonly keySecret: string | null;
	/**
	 * `OPERATOR_TOKEN`: what operators show at the internal port, at least 32 characters. `OPERATOR_TOKEN_FILE` names a file with it.
	 * Without a MongoDB it may be left out: then a file `operator.token` in `DATA_DIR` has it.
	 */
	readonly operatorToken: string | null;
	/**
	 * `OPERATOR_TOKENS`: operators by name, each with a token of their own, as `kim:TOKEN`, separated by commas or line breaks.
	 * `OPERATOR_TOKENS_FILE` names a file with them. Whoever shows `OPERATOR_TOKEN` goes by the name of `operator`.
	 */
	readonly operatorTokens: Readonly<Record<string, string>>;
	/** `AUDIT_HOUR`: from when on, in UTC, the ledger is audited each day; it is best when few people pay. */
	readonly auditHour: number;
	/** `ADJUST_ALONE_MAX`: how much one operator may adjust alone within 24 hours, in credits; what is more a second one has to confirm. */
	readonly adjustAloneMax: number;
	/**
	 * `WEBHOOK_SECRET`: from it come the secrets that sign webhooks, at least 32 characters. `WEBHOOK_SECRET_FILE` names a file with it.
	 * Without a MongoDB it may be left out: then a file `webhook.secret` in `DATA_DIR` has it.
	 */
	readonly webhookSecret: string | null;
	/** `WEBHOOK_TARGETS`: `public` lets webhooks reach public addresses by https only; `any` is for networks of which all is trusted. */
	readonly webhookTargets: "public" | "any";
	/** `WEBHOOK_RETRIES_S`: after how many seconds an event that was not received is sent again, for each time, separated by commas. */
	readonly webhookRetriesS: readonly number[];
	/** `TRUSTED_PROXIES`: addresses or ranges, separated by commas, whose `X-Forwarded-For` is believed. */
	readonly trustedProxies: readonly string[];
	/** `ALLOWED_ORIGINS`: pages of which other origins may call the public gateway, separated by commas. */
	readonly allowedOrigins: readonly string[];
	/**
	 * `DRAIN_S`: how long a gateway that was told to stop still takes requests, while whoever balances them finds out that it is not
	 * ready any more. 0 where nobody does.
	 */
	readonly drainS: number;
	/** `VERSION`: what this process tells the other ones that it is. */
	readonly version: string;
	/** `KEY_ROTATION_DAYS`: how long a signing key is published before it signs, and then how long it signs. */
	readonly keyRotationDays: number;
};

const { version: packageVersion } = JSON.parse(readFileSync(join(import.meta.dirname, "package.json"), "utf8")) as {
	version: string;
};

export class SettingsError extends Error {}

/** Reads the environment: the only place that does. @throws SettingsError that names every variable that is wrong */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
	const wrong: string[] = [];
	const integer = (name: string, usual: number, { max, min = 0 }: { max: number; min?: number }): number => {
		const value = env[name] === undefined || env[name] === "" ? usual : Number(env[name]);
		if (Number.isInteger(value) && value >= min && value <= max) return value;
		wrong.push(`${name}=${env[name]} is not a whole number from ${min} to ${max}`);
		return usual;
	};
	const oneOf = <const T extends string>(name: string, value: string, allowed: readonly T[]): T => {
		if (!(allowed as readonly string[]).includes(value))
			wrong.push(`${name}=${value} is not one of ${allowed.join(", ")}`);
		return value as T;
	};
	const port = integer("PORT", 3000, { max: 65_535 });
	const host = env.HOST || "127.0.0.1";
	const named = (env.SERVICES ?? "").split(",").map((name) => name.trim());
	const services = named.filter(Boolean).map((name) => oneOf("SERVICES", name, serviceNames));
	const settings: Settings = {
		port,
		internalPort: integer("INTERNAL_PORT", 3001, { max: 65_535 }),
		probePort: integer("PROBE_PORT", 3002, { max: 65_535 }),
		host,
		publicOrigin: originOf("PUBLIC_ORIGIN", env.PUBLIC_ORIGIN || `http://${host}:${port}`, wrong),
		dataDir: resolve(env.DATA_DIR || ".data"),
		mongodbUri: secretOf(env, "MONGODB_URI", wrong),
		transporter: secretOf(env, "TRANSPORTER", wrong),
		services: services.length > 0 ? services : serviceNames,
		logLevel: oneOf("LOG_LEVEL", env.LOG_LEVEL || "info", logLevels),
		metrics: oneOf("METRICS", env.METRICS || "on", ["on", "off"]),
		...readTraceSettings(env, wrong),
		requestsPerMinute: {
			person: integer("REQUESTS_PER_MINUTE_PERSON", 1_200, { min: 1, max: 1_000_000_000 }),
			till: integer("REQUESTS_PER_MINUTE_TILL", 6_000, { min: 1, max: 1_000_000_000 }),
			address: integer("REQUESTS_PER_MINUTE_ADDRESS", 1_200, { min: 1, max: 1_000_000_000 }),
		},
		chargeMax: integer("CHARGE_MAX", 2_000_000, { min: 1, max: 1_000_000_000_000 }),
		keySecret: secretOf(env, "KEY_SECRET", wrong),
		operatorToken: secretOf(env, "OPERATOR_TOKEN", wrong),
		operatorTokens: operatorsIn(secretOf(env, "OPERATOR_TOKENS", wrong), wrong),
		auditHour: integer("AUDIT_HOUR", 18, { max: 23 }),
		adjustAloneMax: integer("ADJUST_ALONE_MAX", 100_000, { max: 1_000_000_000_000 }),
		...readWebhookSettings(env, wrong),
		trustedProxies: listIn(env.TRUSTED_PROXIES),
		allowedOrigins: listIn(env.ALLOWED_ORIGINS).map((origin) => originOf("ALLOWED_ORIGINS", origin, wrong)),
		drainS: integer("DRAIN_S", 0, { max: 60 }),
		version: env.VERSION || packageVersion,
		keyRotationDays: integer("KEY_ROTATION_DAYS", 30, { min: 1, max: 365 }),
	};
	// What is wrong is not repeated: there may be a password in it.
	const { transporter, mongodbUri } = settings;
	if (mongodbUri && !/^mongodb(\+srv)?:\/\/[^/]+\/[^?]+/.test(mongodbUri))
		wrong.push("MONGODB_URI is not like mongodb://host/database?replicaSet=rs0");
	if (transporter && !/^(nats|tls):\/\/\S+$/.test(transporter)) wrong.push("TRANSPORTER is not like nats://host:4222");
	if (transporter && !mongodbUri && keepsAnything(settings))
		wrong.push("TRANSPORTER needs MONGODB_URI: several processes share what they keep");
	refuseBadAccess(settings, wrong);
	if (wrong.length > 0) throw new SettingsError(wrong.join("\n"));
	return settings;
}

const keepingNothing: readonly ServiceName[] = ["api", "hasher"];
/** Among other processes some keep nothing: they have no need to know of a database, and no password of it. */
export const keepsAnything = ({ transporter, services }: Pick<Settings, "transporter" | "services">): boolean =>
	!transporter || services.some((name) => !keepingNothing.includes(name));

function refuseBadAccess(settings: Settings, wrong: string[]): void {
	const { keySecret, operatorToken, operatorTokens, trustedProxies, mongodbUri, transporter, services } = settings;
	if (keySecret && keySecret.length < 32) wrong.push("KEY_SECRET has less than 32 characters");
	if (operatorToken && !isToken(operatorToken))
		wrong.push("OPERATOR_TOKEN is not 32 letters, digits or - . _ ~ + / = at least");
	const hasOperators = operatorToken !== null || Object.keys(operatorTokens).length > 0;
	if (!hasOperators && (mongodbUri || transporter) && services.includes("api"))
		wrong.push(
			"OPERATOR_TOKEN, or OPERATOR_TOKENS, is needed with MONGODB_URI or TRANSPORTER: all gateways have the same",
		);
	for (const proxy of trustedProxies)
		if (!isAddressOrRange(proxy)) wrong.push(`TRUSTED_PROXIES: ${proxy} is no address and no range`);
	const isShared = mongodbUri !== null;
	if (!keySecret && isShared && services.includes("auth"))
		wrong.push("KEY_SECRET is needed with MONGODB_URI: it seals the signing keys that all processes share");
	if (!settings.webhookSecret && isShared && services.includes("store"))
		wrong.push("WEBHOOK_SECRET is needed with MONGODB_URI: all processes sign webhooks with the same");
}

function readTraceSettings(
	env: NodeJS.ProcessEnv,
	wrong: string[],
): Pick<Settings, "zipkinUrl" | "zipkinPagesUrl" | "traceRate"> {
	const [zipkinUrl, pagesUrl] = (["ZIPKIN_URL", "ZIPKIN_PAGES_URL"] as const).map((name) => {
		const url = env[name]?.replace(/\/$/, "") || null;
		if (url && !(URL.canParse(url) && /^https?:/.test(url))) wrong.push(`${name} is not like http://zipkin:9411`);
		return url;
	}) as [string | null, string | null];
	const traceRate = Number(env.TRACE_RATE || "0.1");
	if (!(traceRate >= 0 && traceRate <= 1)) wrong.push(`TRACE_RATE=${env.TRACE_RATE} is not a number from 0 to 1`);
	return { zipkinUrl, zipkinPagesUrl: pagesUrl ?? zipkinUrl, traceRate };
}

const isToken = (text: string): boolean => /^[\w.~+/=-]{32,}$/.test(text);

/** What is wrong is told by its place: there may be a token in it. */
function operatorsIn(text: string | null, wrong: string[]): Record<string, string> {
	const operators: Record<string, string> = {};
	const lines = (text ?? "").split(/[,\n]/).map((line) => line.trim());
	for (const [index, line] of lines.filter(Boolean).entries()) {
		const [, name = "", token = ""] = /^([^:]*):(.*)$/s.exec(line) ?? [];
		const said = `OPERATOR_TOKENS: the ${index + 1}. of them`;
		if (!/^[a-z][a-z0-9_-]{0,30}$/.test(name) || !isToken(token))
			wrong.push(`${said} is not like kim:TOKEN, a name in small letters and a token of 32 characters at least`);
		// Two who share a name, or a token, would be one person to the rule that wants two.
		else if (name === NAMELESS || Object.hasOwn(operators, name) || Object.values(operators).includes(token))
			wrong.push(`${said} has a name or a token that is taken`);
		else operators[name] = token;
	}
	return operators;
}

type WebhookSettings = Pick<Settings, "webhookSecret" | "webhookTargets" | "webhookRetriesS">;

function readWebhookSettings(env: NodeJS.ProcessEnv, wrong: string[]): WebhookSettings {
	const webhookSecret = secretOf(env, "WEBHOOK_SECRET", wrong);
	if (webhookSecret && webhookSecret.length < 32) wrong.push("WEBHOOK_SECRET has less than 32 characters");
	const targets = env.WEBHOOK_TARGETS || "public";
	if (targets !== "public" && targets !== "any") wrong.push(`WEBHOOK_TARGETS=${targets} is not one of public, any`);
	const webhookRetriesS = listIn(env.WEBHOOK_RETRIES_S || "5,30,300,1800,7200,18000,36000,36000").map(Number);
	if (!webhookRetriesS.every((seconds) => Number.isInteger(seconds) && seconds >= 1 && seconds <= 604_800))
		wrong.push("WEBHOOK_RETRIES_S is not whole numbers of seconds, each from 1 to 604800");
	return { webhookSecret, webhookTargets: targets === "any" ? "any" : "public", webhookRetriesS };
}

/** As `proxy-addr` understands it: `10.0.0.1`, `10.0.0.0/8`, `fd00::/8`. */
function isAddressOrRange(text: string): boolean {
	try {
		compile(text);
		return true;
	} catch {
		return false;
	}
}

/** A secret in a variable is seen by everyone who may list processes; so each can be given as a file. */
function secretOf(env: NodeJS.ProcessEnv, name: string, wrong: string[]): string | null {
	const file = env[`${name}_FILE`];
	if (!file) return env[name] || null;
	try {
		return readFileSync(file, "utf8").trim();
	} catch (error) {
		wrong.push(`${name}_FILE=${file} cannot be read: ${(error as Error).message}`);
		return null;
	}
}

const listIn = (text = ""): string[] =>
	text
		.split(",")
		.map((item) => item.trim())
		.filter(Boolean);

function originOf(name: string, text: string, wrong: string[]): string {
	const { origin } = URL.canParse(text) ? new URL(text) : { origin: "null" };
	if (origin === "null" || origin !== text) wrong.push(`${name}=${text} is not an origin such as https://pay.example`);
	return origin;
}

/**
 * What stands around every call, from the inside to the outside. Moleculer's own order has its circuit breaker inside the time-out, where
 * it never sees one; and what is not used here is left out, above all `Retry`.
 */
const middlewares = ({ transporter, zipkinUrl, traceRate }: Settings): NonNullable<BrokerOptions["middlewares"]> => [
	tracing(zipkinUrl === null ? null : { url: zipkinUrl, rate: traceRate }),
	"ActionHook",
	"Validator",
	// Of the actions that hash passwords: some wait, the others are told at once; and whoever has waited too long is not begun with.
	inTime,
	"Bulkhead",
	"ContextTracker",
	deadline({ marginMs: 50 }),
	"Timeout",
	lostAnswers,
	circuitBreaker,
	"ErrorHandler",
	seenCalls,
	moleculerMetrics,
	answerMeta,
	...(transporter ? [hedging({ afterMs: 300 })] : []),
];

/** Its types forget them. */
const { Middlewares } = moleculer as unknown as { Middlewares: { CircuitBreaker(broker: ServiceBroker): Middleware } };

/** Moleculer's, for calls to other processes only: nobody else could answer in one's own place. */
const circuitBreaker = ((broker: ServiceBroker) => {
	const { localAction: _, ...others } = Middlewares.CircuitBreaker(broker);
	return others;
}) as unknown as Middleware;

/** How the NATS client behaves while servers come and go. */
const natsOptions = (url: string) => ({
	url,
	// `tls://` wants a certificate that this machine trusts; NODE_EXTRA_CA_CERTS names those of a company's own authority.
	...(url.startsWith("tls:") && { tls: {} }),
	// Its own 10 attempts are over after 20 s; then the process would live on alone for ever.
	maxReconnectAttempts: -1,
	reconnectTimeWait: 200,
	reconnectJitter: 200,
	reconnectJitterTLS: 200,
	// A server that is there and says nothing is left after 4 s. Its own way takes 4 minutes.
	pingInterval: 2_000,
	maxPingOut: 2,
});

type Refusal = Error & { nodeID?: string; type?: string; data?: { nodeID?: string } };

/**
 * Whether the process that was called did not answer in time, or is gone. Of what it says itself that is only that what it was asked took
 * too long there (then `data` names who asked): that something behind it is silent, or refuses, shows that it lives.
 */
const isSilence = ({ nodeID, type, data }: Refusal, ownNodeID: string): boolean =>
	(type === "REQUEST_TIMEOUT" || type === "REQUEST_REJECTED") && (nodeID === undefined || data?.nodeID === ownNodeID);

/** The one broker configuration. */
export function brokerOptions(settings: Settings, nodeID = nodeIDOf(settings.services)): BrokerOptions {
	const { logLevel, transporter, version, metrics } = settings;
	return {
		...(transporter && {
			transporter: natsByAction(natsOptions(transporter)),
			// For whoever is gone with its machine, and idle: who asks a process finds out sooner, see `natsByAction` and `hedging`.
			heartbeatInterval: 2,
			heartbeatTimeout: 5,
			// The others hear of a service as soon as it is there. Moleculer's own way is to wait a second for more; a process that was
			// ready, and unknown, let the last one before it be stopped.
			transit: { serviceChangedDebounceTime: 0 } as NonNullable<BrokerOptions["transit"]>,
			// Or else a process that has all services would answer everything by itself, and each would be a writer of the ledger.
			registry: { preferLocal: false },
		}),
		internalMiddlewares: false,
		middlewares: middlewares(settings),
		// Five calls of an action in ten seconds, half of them without an answer: its process is left alone for a second, then one call
		// tries it. A process that is dead is found out sooner than by its heartbeats, one that hangs is found out at all.
		circuitBreaker: {
			enabled: true,
			threshold: 0.5,
			minRequestCount: 5,
			windowTime: 10,
			halfOpenTime: 1_000,
			check: (error: Error) => isSilence(error, nodeID),
		},
		namespace: "hannip",
		nodeID,
		metadata: { version },
		// Why a start failed is said once, by main.ts, and not with Moleculer's stack trace before it.
		logger: new LogLines({
			level: { BROKER: "fatal", "**": logLevel },
			isTerminal: process.stdout.isTTY === true,
			write: (line, isUrgent) => standardOutput().write(line, isUrgent),
		}) as unknown as BrokerOptions["logger"] & object,
		validator: new TypeBoxValidator({}),
		// Of calls that no request waits for; a request has the three seconds that the gateway gives it. Moleculer's own default waits for ever.
		requestTimeout: 5_000,
		// How often a service looks whether those that it waits for are there: the default of a second is what starting took.
		dependencyInterval: 50,
		// Lets a stopping process finish what it began.
		tracking: { enabled: true, shutdownTimeout: 10_000 },
		// Retrying blindly multiplies: four services deep, three retries make 64 calls. Callers that hold an id retry by themselves.
		retryPolicy: { enabled: false },
		// main.ts stops the broker on signals, after telling the probes.
		skipProcessEventRegistration: true,
		// Node's are prom-client's, see `metrics.ts`. (Moleculer takes reporters beside their names; its types do not say so.)
		metrics: metrics === "on" && {
			enabled: true,
			collectProcessMetrics: false,
			reporter: new PageReporter() as unknown as "Prometheus",
		},
	};
}
