import type { OutgoingHttpHeaders } from "node:http";
import fc from "fast-check";
import { newKey, type Wire } from "./client.ts";
import type { Contract, Place } from "./contract.ts";
import { basketOf, newCode, type Person, type Shop, sell } from "./people.ts";

// Random requests that are surely bad, made from an OpenAPI document: each of them is right but for one part.

type JsonSchema = { readonly [key: string]: unknown };

/** What there is at the platform, so that all but the damaged part of a request is right. */
export type Scene = {
	readonly shop: Shop;
	readonly customer: Person;
	/** Of the customer in the shop. */
	readonly saleId: string;
	/** Of the customer, not used yet. */
	readonly code: string;
};

export async function newScene(shop: Shop, customer: Person): Promise<Scene> {
	return { shop, customer, saleId: (await sell(shop, customer, newKey())).id, code: await newCode(customer) };
}

/** Values that would do, by the names of fields and parameters. */
const good = ({ shop, customer, saleId, code }: Scene): Record<string, unknown> => ({
	storeId: shop.id,
	productId: shop.products[0]?.id,
	saleId,
	sessionId: customer.sessionId,
	tillId: "t_AAAAAAAAAAAAAAAA",
	id: saleId,
	handle: customer.handle,
	to: customer.handle,
	date: "2026-01-01",
	accountId: customer.wallet,
	amount: 10,
	items: basketOf(shop),
	code,
	sku: "sku-9",
	name: "Thing",
	category: "Things",
	price: 5,
	displayName: "Ada",
	timeZone: "Asia/Seoul",
	note: "a note",
	reason: "a reason",
	version: 1,
	password: "never the right one",
	limit: 5,
});

/** Strings that programs have stumbled over. */
const nasty = fc.constantFrom(
	"",
	" ",
	"null",
	"undefined",
	"__proto__",
	"constructor",
	"../../etc/passwd",
	"..%2f..%2f",
	"%00",
	"%ZZ",
	"%",
	"\u0000",
	"\ud800",
	"\u202e",
	"' OR '1'='1",
	"'; DROP TABLE users; --",
	"$\u007b7*7}",
	"{{7*7}}",
	"<script>alert(1)</script>",
	'{"$ne":null}',
	"$where",
	"\r\nX-Injected: 1",
	"1e400",
	"-0",
	"9007199254740993",
	"NaN",
	"x".repeat(300),
	"x".repeat(3_000),
	"🂡".repeat(100),
	// Composed to one form it is still longer than any text may be.
	"a\u0301".repeat(201),
);
const anyText = fc.oneof(
	nasty,
	fc.string({ unit: "binary", maxLength: 60 }),
	fc.string({ unit: "grapheme", maxLength: 60 }),
);
const anyValue = fc.oneof(
	{ weight: 3, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
	{ weight: 2, arbitrary: nasty },
	fc.double(),
	fc.integer(),
	fc.bigInt({ min: 2n ** 31n, max: 2n ** 70n }).map(Number),
	fc.constantFrom<unknown>({ $ne: null }, { $gt: "" }, [[[[]]]], [null], { length: 5 }, 0, -1, 0.5, 1e13, true),
);
const fieldName = fc.oneof(
	nasty,
	fc.constantFrom("balance", "role", "userId", "ownerId", "state", "$set", "meta", "params"),
);

/** What one of the parts becomes. */
export const damages = fc.oneof(
	{ weight: 8, arbitrary: fc.record({ part: fc.constant("field" as const), index: fc.nat(20), value: anyValue }) },
	{ weight: 2, arbitrary: fc.record({ part: fc.constant("missing" as const), index: fc.nat(20) }) },
	{ weight: 4, arbitrary: fc.record({ part: fc.constant("unknown" as const), name: fieldName, value: anyValue }) },
	{ weight: 4, arbitrary: fc.record({ part: fc.constant("body" as const), text: anyText }) },
	{ weight: 2, arbitrary: fc.record({ part: fc.constant("json" as const), value: fc.jsonValue({ maxDepth: 5 }) }) },
	{ weight: 4, arbitrary: fc.record({ part: fc.constant("path" as const), index: fc.nat(3), value: anyText }) },
	{ weight: 4, arbitrary: fc.record({ part: fc.constant("query" as const), name: fieldName, value: anyText }) },
	{ weight: 3, arbitrary: fc.record({ part: fc.constant("token" as const), value: anyText }) },
	{ weight: 2, arbitrary: fc.record({ part: fc.constant("key" as const), value: anyText }) },
	{ weight: 2, arbitrary: fc.record({ part: fc.constant("type" as const), value: anyText }) },
	{
		weight: 1,
		arbitrary: fc.record({
			part: fc.constant("method" as const),
			value: fc.constantFrom("PUT", "TRACE", "HEAD", "PROPFIND"),
		}),
	},
);
export type Damage = typeof damages extends fc.Arbitrary<infer T> ? T : never;

/** A request in parts, before it is written down. */
type Draft = {
	method: string;
	path: Record<string, string>;
	query: [string, string][];
	headers: OutgoingHttpHeaders;
	body: string | undefined;
};

const bodySchemaOf = ({ operation }: Place): JsonSchema | undefined =>
	operation.requestBody?.content["application/json"]?.schema;

/** The request as it should be. */
function draftOf({ method, operation }: Place, scene: Scene): Draft {
	const values = good(scene);
	const goodFor = (name: string) => values[name] ?? "x";
	const inPath = operation.parameters.filter((parameter) => parameter.in === "path");
	const body = operation.requestBody?.content;
	const fields = Object.keys((body?.["application/json"]?.schema.properties as object | undefined) ?? {});
	const written = Object.fromEntries(fields.filter((name) => name in values).map((name) => [name, values[name]]));
	return {
		method,
		path: Object.fromEntries(inPath.map(({ name }) => [name, String(goodFor(name))])),
		query: [],
		headers: {
			...(operation.parameters.some(({ name }) => name === "Idempotency-Key") && { "idempotency-key": newKey() }),
			...(body && { "content-type": Object.keys(body)[0] as string }),
		},
		body: body && ("application/json" in body ? JSON.stringify(written) : "sku,name,category,price\n"),
	};
}

const asHeader = (text: string): string => text.replace(/[^\t\x20-\x7e\x80-\xff]/g, "?").trim();
const isTrulyBad = { field: true, missing: true, unknown: true, json: true };

/** The request to this place, right but for the damage; or nothing, where it cannot be damaged so. */
export function damagedRequest({ place, contract }: Target, scene: Scene, damage: Damage): Wire | undefined {
	const draft = damaged(draftOf(place, scene), { place, contract }, damage);
	return draft && wireOf(place.template, draft);
}

export type Target = { readonly place: Place; readonly contract: Contract };

function damaged(draft: Draft, { place, contract }: Target, damage: Damage): Draft | undefined {
	switch (damage.part) {
		case "path":
			return withBadPath(place, contract, { draft, damage });
		case "query":
			draft.query.push([damage.name || "x", damage.value]);
			return draft;
		case "token":
			if (!place.operation.security) return undefined;
			draft.headers.authorization = asHeader(`DPoP ${damage.value}`);
			return draft;
		case "key":
			if (!draft.headers["idempotency-key"] || /^[\w-]{8,64}$/.test(asHeader(damage.value))) return undefined;
			draft.headers["idempotency-key"] = asHeader(damage.value);
			return draft;
		case "type":
			if (!draft.body || /^(application\/json|text\/csv)\s*(;|$)/i.test(damage.value.trim())) return undefined;
			draft.headers["content-type"] = asHeader(damage.value);
			return draft;
		case "method":
			// Asking what GET would answer is nothing bad: see head.test.ts.
			if (damage.value === "HEAD" && contract.placeOf("GET", place.template)) return undefined;
			return { ...draft, method: damage.value, body: undefined };
		default:
			return withBadBody(place, contract, { draft, damage });
	}
}

type Step<Part extends Damage["part"]> = { draft: Draft; damage: Extract<Damage, { part: Part }> };

function withBadPath({ operation }: Place, contract: Contract, { draft, damage }: Step<"path">): Draft | undefined {
	const parameters = operation.parameters.filter((parameter) => parameter.in === "path");
	const parameter = parameters[damage.index % (parameters.length || 1)];
	// An empty one makes the address of another route.
	if (!parameter || damage.value === "" || contract.matches(parameter.schema, damage.value)) return undefined;
	draft.path[parameter.name] = damage.value;
	return draft;
}

function withBadBody(
	place: Place,
	contract: Contract,
	{ draft, damage }: Step<"field" | "missing" | "unknown" | "json" | "body">,
): Draft | undefined {
	const schema = bodySchemaOf(place);
	if (!schema) return undefined;
	if (damage.part === "body") return { ...draft, body: damage.text || "x" };
	const body = changedBody(JSON.parse(draft.body ?? "{}") as Record<string, unknown>, damage);
	if (isTrulyBad[damage.part] && contract.matches(schema, body)) return undefined;
	return { ...draft, body: JSON.stringify(body) ?? "null" };
}

function changedBody(
	body: Record<string, unknown>,
	damage: Step<"field" | "missing" | "unknown" | "json">["damage"],
): unknown {
	const names = Object.keys(body);
	if (damage.part === "json") return damage.value;
	if (damage.part === "unknown") return { ...body, [damage.name]: damage.value };
	const name = names[damage.index % (names.length || 1)] ?? "x";
	if (damage.part === "field") return { ...body, [name]: damage.value };
	const { [name]: _, ...rest } = body;
	return rest;
}

/** Percent-encoded where the text would not be an address, as it is where it would. */
function addressOf(text: string): string {
	return /^[\w%.~-]+$/.test(text) ? text : encodeURIComponent(text.toWellFormed());
}

function wireOf(template: string, { method, path, query, headers, body }: Draft): Wire {
	const target = template.replace(/\{(\w+)\}/g, (_, name: string) => addressOf(path[name] ?? "x"));
	const search = query.map(([name, value]) => `${addressOf(name)}=${addressOf(value)}`).join("&");
	return { method, path: search ? `${target}?${search}` : target, headers, body };
}
