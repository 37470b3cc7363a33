import type { ServiceBroker } from "moleculer";
import { Cursor, IdempotencyKey } from "../schema.ts";
import { headers, problemSchema, responsesOf, sizeOf } from "./openapi-responses.ts";
import { exampleOf, type JsonSchema, published } from "./openapi-schema.ts";
import { securityOf, securitySchemes } from "./openapi-security.ts";
import { isFile, type Route } from "./routes.ts";

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

/** OpenAPI 3.1 of the routes whose actions are there; `build` is the version of the code that answers. */
export function openApiOf(
	routes: readonly Route[],
	schemas: ReadonlyMap<string, ActionSchemas>,
	{ server, build }: { readonly server: string; readonly build: string },
) {
	const paths: Record<string, Record<string, unknown>> = {};
	const outcomes = new Set(routes.flatMap(({ idempotent }) => (idempotent ? [formOf(idempotent.statusPath)] : [])));
	for (const route of routes) {
		const schema = schemas.get(route.action);
		if (!schema) continue;
		const path = route.path.replace(/:(\w+)/g, "{$1}");
		paths[path] ??= {};
		paths[path][route.method.toLowerCase()] = operationOf(route, schema, outcomes.has(formOf(route.path)));
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
				"Idempotency-Key; when an answer never comes, repeat the request with the same key, or ask for its outcome. A 404 there means that it " +
				"is not there *yet*, not that it never will be: the request may still be on its way.",
		},
		servers: [{ url: server }],
		paths,
		...webhooksOf(schemas.get("store.listDeliveries")),
		components: { schemas: { Problem: problemSchema }, headers, securitySchemes },
	};
}

const formOf = (path: string): string => path.replace(/:\w+/g, ":");

function operationOf(route: Route, { params, returns }: ActionSchemas, isOutcome: boolean) {
	const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => name as string);
	const fromHeaders = [
		...(route.binds === "till" ? ["tillId"] : []),
		...(isFile(route) ? ["cursor"] : []),
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
			schema: published(params.properties?.[name] ?? { type: "string" }),
		})),
		...(hasBody
			? []
			: rest.map(([name, schema]) => ({ name, in: "query", required: required(name), schema: published(schema) }))),
		...(route.idempotent ? [{ name: "Idempotency-Key", in: "header", required: true, schema: IdempotencyKey }] : []),
		...(route.live ? [{ name: "Last-Event-ID", in: "header", required: false, schema: Cursor }] : []),
	];
	return {
		operationId: route.action,
		summary: route.summary,
		...(route.idempotent && { description: inDoubt(route.idempotent) }),
		tags: [tagOf(route)],
		...(security.length > 0 && { security }),
		parameters,
		...(hasBody && bodyOf(route, params, rest)),
		responses: responsesOf(route, returns, isOutcome),
	};
}

/** The chapter of the document: what lies in a store has its own. */
function tagOf({ path }: Route): string {
	const [first = "", ...rest] = path.split("/").filter((part) => part && part !== "v1" && !part.startsWith(":"));
	if (first === ".well-known") return "keys";
	return (first === "stores" && rest[0]) || first;
}

/** What to do when no answer comes. */
const inDoubt = ({ statusPath, doubt }: NonNullable<Route["idempotent"]>): string =>
	"When no answer comes, or `outcome_unknown`: send the same with the same Idempotency-Key again. It is done once, and answered as it was. Or ask " +
	`\`GET ${statusPath.replace(/:(\w+)/g, "{$1}")}\`. ${doubt ?? "A 404 there is not final."}`;

function bodyOf(route: Route, params: JsonSchema, rest: readonly [string, JsonSchema][]) {
	const { csv } = route;
	const description = `At most ${sizeOf(route)}.`;
	if (csv && "into" in csv) {
		const schema = published(params.properties?.[csv.into] ?? { type: "string" });
		return { requestBody: { required: true, description, content: { "text/csv": { schema } } } };
	}
	if (rest.length === 0) return {};
	const names = rest.map(([name]) => name).filter((name) => params.required?.includes(name));
	// What must be there of it beside what is in the path or elsewhere.
	const least = (params.minProperties ?? 0) - ((params.required?.length ?? 0) - names.length);
	const schema = {
		type: "object",
		additionalProperties: false,
		required: names,
		...(least > names.length && { minProperties: least }),
		properties: Object.fromEntries(rest),
	};
	const content = { "application/json": { schema: published(schema), example: exampleOf(schema) } };
	return { requestBody: { required: names.length > 0 || least > 0, description, content } };
}

/** What stores' own systems are told: how the body of a delivery is described is how it is sent. */
function webhooksOf(deliveries: ActionSchemas | undefined) {
	const bodies = deliveries?.returns.properties?.items?.items?.properties?.body?.contentSchema?.anyOf;
	if (!bodies) return {};
	const told = bodies.map((schema) => {
		const { title: summary, ...body } = published(schema);
		const header = (name: string, description: string) => ({
			name,
			in: "header",
			required: true,
			description,
			schema: { type: "string" },
		});
		const operation = {
			summary,
			tags: ["webhooks"],
			security: [],
			parameters: [
				header("webhook-id", "The event's `id`: the same event may come more than once"),
				header("webhook-timestamp", "When it was sent, in seconds since 1970"),
				header("webhook-signature", "Of it by the webhook's secret, as standardwebhooks.com says"),
			],
			requestBody: { required: true, content: { "application/json": { schema: body } } },
			responses: {
				"2XX": { description: "Received. Within ten seconds" },
				"410": { description: "Nobody wants it any more: the webhook is switched off" },
				default: { description: "It is sent again later" },
			},
		};
		return [String(schema.properties?.type?.const), { post: operation }];
	});
	return { webhooks: Object.fromEntries(told) };
}
