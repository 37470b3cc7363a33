import type { ServiceBroker } from "moleculer";
import { type ProblemCode, problems } from "../errors.ts";
import { Cursor, IdempotencyKey } from "../schema.ts";
import { securityOf, securitySchemes } from "./openapi-security.ts";
import type { Route } from "./routes.ts";

type JsonSchema = { properties?: Record<string, JsonSchema>; required?: string[]; type?: string; description?: string };
export type ActionSchemas = { readonly params: JsonSchema; readonly returns: JsonSchema };

/** The schemas of every action that the cluster has, from the registry: the same objects that validate. */
export function schemasOf(broker: ServiceBroker): Map<string, ActionSchemas> {
	const actions = broker.registry.getActionList({ skipInternal: true }) as {
		name: string;
		action?: Partial<ActionSchemas>;
	}[];
	return new Map(
		actions.flatMap(({ name, action }) =>
			action?.params && action.returns ? [[name, { params: action.params, returns: action.returns }] as const] : [],
		),
	);
}

const problemSchema = {
	type: "object",
	description: "RFC 9457",
	required: ["type", "title", "status", "code", "traceId"],
	properties: {
		type: { type: "string", description: "Where the code is explained" },
		title: { type: "string" },
		status: { type: "integer" },
		code: { type: "string", enum: Object.keys(problems) },
		detail: { type: "string" },
		traceId: { type: "string", description: "Tell it the operator" },
		errors: {
			type: "array",
			items: {
				type: "object",
				required: ["at", "message"],
				properties: { at: { type: "string" }, message: { type: "string" } },
			},
		},
		statusUrl: { type: "string", description: "Where to ask what became of the request" },
	},
};

/** OpenAPI 3.1 of the routes whose actions are there; `build` is the version of the code that answers. */
export function openApiOf(
	routes: readonly Route[],
	schemas: ReadonlyMap<string, ActionSchemas>,
	{ server, build }: { readonly server: string; readonly build: string },
) {
	const paths: Record<string, Record<string, unknown>> = {};
	for (const route of routes) {
		const schema = schemas.get(route.action);
		if (!schema) continue;
		const path = route.path.replace(/:(\w+)/g, "{$1}");
		paths[path] ??= {};
		paths[path][route.method.toLowerCase()] = operationOf(route, schema);
	}
	return {
		openapi: "3.1.0",
		info: {
			title: "Hannip",
			version: "1",
			// By which whoever deploys sees that it is there.
			"x-build": build,
			description:
				"Credit that people charge, send, and pay with in shops. Amounts are whole credits. Requests that move credit carry an " +
				"Idempotency-Key; when an answer never comes, repeat the request with the same key, or ask for its outcome.",
		},
		servers: [{ url: server }],
		paths,
		components: {
			schemas: { Problem: problemSchema },
			securitySchemes,
		},
	};
}

function operationOf(route: Route, { params, returns }: ActionSchemas) {
	const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => name as string);
	const fromHeaders = [
		...(route.binds === "till" ? ["tillId"] : []),
		"idempotencyKey",
		"refreshToken",
		"userAgent",
		"jkt",
		"address",
	];
	const rest = Object.entries(params.properties ?? {}).filter(
		([name]) => !inPath.includes(name) && !fromHeaders.includes(name),
	);
	const security = securityOf(route);
	const hasBody = route.method === "POST" || route.method === "PATCH";
	const required = (name: string) => params.required?.includes(name) ?? false;
	const parameters = [
		...inPath.map((name) => ({
			name,
			in: "path",
			required: true,
			schema: params.properties?.[name] ?? { type: "string" },
		})),
		...(hasBody ? [] : rest.map(([name, schema]) => ({ name, in: "query", required: required(name), schema }))),
		...(route.idempotent ? [{ name: "Idempotency-Key", in: "header", required: true, schema: IdempotencyKey }] : []),
		...(route.live ? [{ name: "Last-Event-ID", in: "header", required: false, schema: Cursor }] : []),
	];
	return {
		operationId: route.action,
		summary: route.summary,
		tags: [tagOf(route)],
		...(security.length > 0 && { security }),
		parameters,
		...(hasBody && bodyOf(route, rest, required)),
		responses: responsesOf(route, returns),
	};
}

/** The chapter of the document: what lies in a store has its own. */
function tagOf({ path }: Route): string {
	const [first = "", ...rest] = path.split("/").filter((part) => part && part !== "v1" && !part.startsWith(":"));
	if (first === ".well-known") return "keys";
	return (first === "stores" && rest[0]) || first;
}

function bodyOf({ csv }: Route, rest: [string, JsonSchema][], required: (name: string) => boolean) {
	if (csv) return { requestBody: { required: true, content: { "text/csv": { schema: { type: "string" } } } } };
	if (rest.length === 0) return {};
	const names = rest.map(([name]) => name).filter(required);
	const schema = { type: "object", additionalProperties: false, required: names, properties: Object.fromEntries(rest) };
	return { requestBody: { required: names.length > 0, content: { "application/json": { schema } } } };
}

const eventStream = {
	"text/event-stream": {
		schema: {
			type: "string",
			description:
				"Server-sent events. `transaction`: one of `items`, with its `cursor` as the event's id. `account`: the account, at the " +
				"beginning and whenever it changes. The stream ends with the access token: come back with a new one, and with the last id in Last-Event-ID.",
		},
	},
};

function responsesOf(route: Route, returns: JsonSchema) {
	const { refreshToken: _, ...properties } = returns.properties ?? {};
	const schema = returns.properties ? { ...returns, properties } : returns;
	const type = route.image ? "image/jpeg" : route.csv && "fileName" in route.csv ? "text/csv" : "application/json";
	const content = { [type]: { schema }, ...(route.live && eventStream) };
	const done = route.status === 204 ? { description: "Done" } : { description: "Done", content };
	const problem = (code: ProblemCode) => ({
		description: problems[code].title,
		content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
	});
	const refusals: ProblemCode[] = [
		"malformed_request",
		...(securityOf(route).length > 0 ? (["unauthenticated"] as const) : []),
		"not_found",
		"validation_failed",
		"service_unavailable",
	];
	return {
		[route.status ?? 200]: done,
		...Object.fromEntries(refusals.map((code) => [problems[code].status, problem(code)])),
		default: { ...problem("internal_error"), description: "Any other problem: see `code`" },
	};
}
