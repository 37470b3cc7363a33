import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { isProblemCode, problems } from "../../services/errors.ts";

type JsonSchema = { readonly [key: string]: unknown };
type Content = Record<string, { readonly schema: JsonSchema; readonly example?: unknown }>;
type Parameter = {
	readonly name: string;
	readonly in: "path" | "query" | "header";
	readonly required: boolean;
	readonly schema: JsonSchema;
};

export type Operation = {
	readonly operationId: string;
	readonly security?: readonly object[];
	readonly parameters: readonly Parameter[];
	readonly requestBody?: { readonly required: boolean; readonly content: Content };
	readonly responses: Record<string, Response>;
};
type Response = {
	readonly content?: Content;
	readonly headers?: Readonly<Record<string, { readonly $ref: string }>>;
	readonly "x-codes"?: readonly string[];
};

export type OpenApi = {
	readonly openapi: string;
	readonly paths: Record<string, Record<string, Operation>>;
	readonly webhooks?: Record<string, { readonly post: { readonly requestBody: { readonly content: Content } } }>;
	readonly components: {
		readonly schemas: Record<string, JsonSchema>;
		readonly headers: Record<string, { readonly required?: boolean }>;
	};
};

export type Place = { readonly method: string; readonly template: string; readonly operation: Operation };

/** An answer as it came. */
export type Answer<T = unknown> = {
	readonly status: number;
	readonly headers: IncomingHttpHeaders;
	readonly bytes: Buffer;
	readonly text: string;
	/** What the text says if it is JSON, else the text. */
	readonly body: T;
};

export type ProblemBody = {
	readonly type: string;
	readonly title: string;
	readonly status: number;
	readonly code: string;
	readonly detail?: string;
	readonly traceId: string;
	readonly errors?: readonly { readonly at: string; readonly message: string }[];
	readonly statusUrl?: string;
};

/** Holds every answer against the OpenAPI document, problems also against the catalogue. */
export class Contract {
	readonly places: readonly Place[];
	readonly #schemas: Record<string, JsonSchema>;
	readonly #headers: OpenApi["components"]["headers"];
	readonly #webhooks: NonNullable<OpenApi["webhooks"]>;
	readonly #compiled = new Map<JsonSchema, ReturnType<typeof Compile>>();

	constructor({ paths, webhooks = {}, components }: OpenApi) {
		this.#schemas = components.schemas;
		this.#headers = components.headers;
		this.#webhooks = webhooks;
		this.places = Object.entries(paths).flatMap(([template, operations]) =>
			Object.entries(operations).map(([method, operation]) => ({
				method: method.toUpperCase(),
				template,
				operation,
			})),
		);
	}

	placeOf(method: string, path: string): Place | undefined {
		const parts = pathOf(path).split("/");
		// A name that is written out goes before one that is a parameter: /products/import before /products/{productId}.
		return this.places
			.filter((place) => place.method === method && fits(place.template, parts))
			.sort((left, right) => left.template.split("{").length - right.template.split("{").length)[0];
	}

	/** @throws AssertionError that says where the answer is not what the document says */
	check(request: { readonly method: string; readonly path: string }, answer: Answer): void {
		const what = `${request.method} ${request.path.slice(0, 120)} answered ${answer.status} ${answer.text.slice(0, 500)}`;
		checkHeaders(request, answer, what);
		checkNothingLeaks(answer, what);
		const place = this.placeOf(request.method, request.path);
		if (answer.status >= 400 && request.method === "HEAD") assert.equal(answer.text, "", what);
		else if (answer.status >= 400) this.#checkProblem(place, answer, what);
		else if (place) this.#checkDone(place, answer, what);
	}

	matches(schema: JsonSchema, value: unknown): boolean {
		return this.#validator(schema).Check(value);
	}

	/** @throws AssertionError unless it is what the document says that a webhook of this type is sent */
	checkTold(type: string, body: unknown): void {
		const content = this.#webhooks[type]?.post.requestBody.content["application/json"];
		assert.ok(content, `the document does not name ${type}`);
		this.#checkSchema(content.schema, body, type);
	}

	#checkResponse({ headers = {} }: Response, answer: Answer, what: string): void {
		for (const name of Object.keys(headers)) {
			if (this.#headers[name]?.required) assert.ok(answer.headers[name.toLowerCase()], `${what}: there is no ${name}`);
		}
		for (const name of Object.keys(this.#headers)) {
			const isSaid = answer.headers[name.toLowerCase()] !== undefined && !saidByAll.has(name);
			assert.ok(!isSaid || name in headers, `${what}: the document does not name the header ${name}`);
		}
	}

	#checkDone({ operation }: Place, answer: Answer, what: string): void {
		const response = operation.responses[answer.status];
		assert.ok(response, `${what}: the document does not name this status`);
		this.#checkResponse(response, answer, what);
		if (!response.content) {
			assert.equal(answer.text, "", `${what}: should be empty`);
			return;
		}
		const type = typeOf(answer);
		const schema = response.content[type]?.schema;
		assert.ok(schema, `${what}: the document does not name the type ${type}`);
		this.#checkSchema(schema, answer.body, what);
	}

	#checkProblem(place: Place | undefined, answer: Answer, what: string): void {
		assert.equal(typeOf(answer), "application/problem+json", what);
		const { responses } = place?.operation ?? {};
		const response = responses?.[answer.status] ?? responses?.default;
		const schema = response?.content?.["application/problem+json"]?.schema;
		this.#checkSchema(schema ?? { $ref: "#/components/schemas/Problem" }, answer.body, what);
		const { code, status, title, type, traceId } = answer.body as ProblemBody;
		assert.ok(isProblemCode(code), `${what}: ${code} is not in the catalogue`);
		const known = problems[code];
		assert.deepEqual({ status, title, type }, { status: known.status, title: known.title, type: `/problems/${code}` });
		assert.equal(status, answer.status, what);
		if (!response || ofAnyRequest.has(code)) return;
		assert.ok(response["x-codes"]?.includes(code), `${what}: the document does not name ${code} there`);
		this.#checkResponse(response, answer, what);
		assert.equal(traceId, answer.headers["x-request-id"], `${what}: the trace id is not the header's`);
	}

	#checkSchema(schema: JsonSchema, value: unknown, what: string): void {
		const validator = this.#validator(schema);
		if (!validator.Check(value)) assert.fail(`${what}: ${JSON.stringify(validator.Errors(value)[0])}`);
	}

	#validator(schema: JsonSchema) {
		const known = this.#compiled.get(schema);
		if (known) return known;
		const { $ref } = schema;
		const target = typeof $ref === "string" ? this.#schemas[$ref.slice("#/components/schemas/".length)] : schema;
		assert.ok(target, `${$ref} is not in the document`);
		const compiled = Compile(target as TSchema);
		this.#compiled.set(schema, compiled);
		return compiled;
	}
}

/** Of requests that are none, and of what nobody foresaw. */
const ofAnyRequest: ReadonlySet<string> = new Set([
	"method_not_allowed",
	"payload_too_large",
	"headers_too_large",
	"request_timeout",
	"internal_error",
]);
/** As they concern whoever asks, they are not said of each answer. */
const saidByAll: ReadonlySet<string> = new Set(["Cache-Control", "X-Request-ID", "RateLimit", "RateLimit-Policy"]);

const pathOf = (target: string): string => target.split("?")[0] as string;
const typeOf = ({ headers }: Answer): string => (headers["content-type"] ?? "").split(";")[0] as string;

function fits(template: string, parts: readonly string[]): boolean {
	const wanted = template.split("/");
	return (
		wanted.length === parts.length &&
		wanted.every((part, index) => (part.startsWith("{") ? parts[index] !== "" : part === parts[index]))
	);
}

function checkHeaders({ path }: { readonly path: string }, { headers, status, text }: Answer, what: string): void {
	assert.equal(headers["x-content-type-options"], "nosniff", what);
	// Of several answers on one connection the path may be another's.
	const isForAll = status === 200 && (pathOf(path) === "/.well-known/jwks.json" || text.startsWith('{"keys":[{"kty"'));
	const isPhoto = status === 200 && headers["content-type"] === "image/jpeg";
	const ageS = isForAll ? 300 : isPhoto ? 31_536_000 : null;
	assert.equal(headers["cache-control"], ageS ? `public, max-age=${ageS}` : "no-store", what);
	assert.ok(headers["content-security-policy"], what);
	assert.equal(headers["x-powered-by"], undefined, what);
	assert.equal(headers["access-control-allow-origin"], undefined, what);
}

/** A stack's lines, and the paths that only the server has. */
const inside = /\n\s+at |\bat \S+ \(|node_modules|\/services\/|\/mixins\/|\.ts:\d+|file:\/\/|node:internal/;

function checkNothingLeaks({ text, headers }: Answer, what: string): void {
	if (headers["content-type"]?.includes("json")) assert.doesNotMatch(text, inside, what);
}
