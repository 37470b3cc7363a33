import assert from "node:assert/strict";
import type { OutgoingHttpHeaders } from "node:http";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { type Client, newKey, type Wire } from "./client.ts";
import type { Contract, Place } from "./contract.ts";
import { basketOf, newCode, newPerson, newShop, type Person, type Shop, sell } from "./people.ts";
import { booksOf, startTestPlatform, type TestPlatform } from "./platform.ts";

// Random requests that are surely bad, made from the OpenAPI documents of both ports: each of them is right but for one part.
// Whatever that is, the answer is a problem of the catalogue that says nothing of what is inside (the contract checks both),
// and no balance changes.

const RUNS = 4_000;

let platform: TestPlatform;
let ada: Person;
let bob: Person;
let shop: Shop;
let saleId: string;
let code: string;
before(async () => {
	platform = await startTestPlatform({ LOG_LEVEL: "fatal" });
	ada = await newPerson(platform.anyone, { name: "Ada", credit: 100_000 });
	bob = await newPerson(platform.anyone, { name: "Bob", credit: 100_000 });
	shop = await newShop(ada);
	saleId = (await sell(shop, bob, newKey())).id;
	code = await newCode(bob);
});
after(() => platform.stop());

type JsonSchema = { readonly [key: string]: unknown };
type Port = { readonly client: Client; readonly contract: Contract };

/** Values that would do, by the names of fields and parameters. */
const good = (): Record<string, unknown> => ({
	storeId: shop.id,
	productId: shop.products[0]?.id,
	saleId,
	sessionId: bob.sessionId,
	id: saleId,
	handle: bob.handle,
	to: bob.handle,
	date: "2026-01-01",
	accountId: bob.wallet,
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
	"a\u0301".repeat(200),
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
const damages = fc.oneof(
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
type Damage = typeof damages extends fc.Arbitrary<infer T> ? T : never;

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
function draftOf({ method, operation }: Place): Draft {
	const values = good();
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

/** Damages one part, or says that this part of this request cannot be damaged so. */
function damaged(place: Place, contract: Contract, damage: Damage): Draft | undefined {
	const draft = draftOf(place);
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

test(`${RUNS} random bad requests are refused, never a 5xx, never a word of what is inside, and nothing is booked`, async () => {
	const ports: readonly Port[] = [ada.api, platform.operator].map((client) => ({
		client,
		contract: client.contract ?? assert.fail(),
	}));
	const places = ports.flatMap(({ client, contract }) => contract.places.map((place) => ({ client, contract, place })));
	const books = async () => (await booksOf(platform.operator, [ada.wallet, bob.wallet, shop.account])).balances;
	const before = await books();
	const counts = new Map<string, number>();
	const anyPlace = fc.constantFrom(...places.map((_, index) => index));
	const property = fc.asyncProperty(anyPlace, damages, async (index, damage) => {
		const { client, contract, place } = places[index] ?? assert.fail();
		const draft = damaged(place, contract, damage);
		fc.pre(draft !== undefined);
		const wire = wireOf(place.template, draft);
		const { status, text } = await client.raw(wire);
		counts.set(damage.part, (counts.get(damage.part) ?? 0) + 1);
		assert.ok(status >= 400 && status < 500, `${JSON.stringify(wire).slice(0, 2_000)} was answered ${status} ${text}`);
	});
	await fc.assert(property, { numRuns: RUNS, maxSkipsPerRun: 20 });
	assert.equal(counts.size, 11, `every kind of damage was tried: ${JSON.stringify([...counts])}`);
	assert.deepEqual(await books(), before);
	const { clean, discrepancy } = await platform.operator.ok("credit.audit", {});
	assert.deepEqual([clean, discrepancy], [true, null]);
});
