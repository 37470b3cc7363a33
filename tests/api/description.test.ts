import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { docsPages } from "../../services/api/docs-page.ts";
import { internalRoutes } from "../../services/api/internal-routes.ts";
import { openApiOf, schemasOf } from "../../services/api/openapi.ts";
import { publicRoutes } from "../../services/api/routes.ts";
import { problems } from "../../services/errors.ts";
import { credentialsFor } from "../../services/rights.ts";
import { assertRefused, type Client, PUBLIC_ORIGIN } from "./client.ts";
import type { OpenApi } from "./contract.ts";
import { startTestPlatform, type TestPlatform } from "./platform.ts";

type Document = OpenApi & {
	readonly info: { readonly title: string; readonly version: string };
	readonly servers: readonly { readonly url: string }[];
	readonly components: OpenApi["components"] & { readonly securitySchemes: Record<string, object> };
};

let platform: TestPlatform;
let anyone: Client;
let document: Document;
before(async () => {
	platform = await startTestPlatform();
	anyone = platform.anyone;
	document = (await get("/openapi.json")).body as Document;
});
after(() => platform.stop());

async function get(path: string) {
	const answer = await anyone.raw({ method: "GET", path });
	assert.equal(answer.status, 200, `${path} answered ${answer.status}`);
	return answer;
}

describe("the OpenAPI document", () => {
	it("is OpenAPI 3.1 with what that must have", () => {
		assert.match(document.openapi, /^3\.1\.\d+$/);
		assert.ok(document.info.title && document.info.version);
		assert.deepEqual(document.servers, [{ url: PUBLIC_ORIGIN }]);
		const parts = ["components", "info", "openapi", "paths", "servers", "webhooks"];
		assert.deepEqual(Object.keys(document).sort(), parts);
	});

	it("is valid, by OpenAPI's own schema, and so is that of the operators' port", async () => {
		const internal = openApiOf(internalRoutes, schemasOf(platform.broker), { server: "http://x.test", build: "1" });
		for (const each of [document, JSON.parse(JSON.stringify(internal))]) {
			const { valid, errors } = await new Validator().validate(each);
			assert.ok(valid, JSON.stringify(errors));
		}
	});

	it("has an example for each body, which is right by its schema and by what validates", () => {
		let count = 0;
		for (const { path, operation } of operations()) {
			const { schema, example } = operation.requestBody?.content["application/json"] ?? {};
			if (!schema) continue;
			assert.ok(Compile(schema as TSchema).Check(example), `${path} ${JSON.stringify(example)}`);
			const { properties = {} } = schemasOf(platform.broker).get(operation.operationId)?.params ?? assert.fail(path);
			for (const [name, value] of Object.entries(example as object)) {
				assert.ok(Compile(properties[name] as TSchema).Check(value), `${path} ${name} ${JSON.stringify(value)}`);
			}
			count++;
		}
		assert.ok(count > 20);
	});

	it("has patterns that any language's regular expressions can read", () => {
		const patterns = [...JSON.stringify(document).matchAll(/"pattern":"((?:[^"\\]|\\.)*)"/g)].map(
			([, pattern]) => pattern,
		);
		assert.ok(patterns.length > 100);
		// JSON Schema 2020-12, core 6.4: no look-around, no classes of Unicode.
		for (const pattern of patterns) assert.doesNotMatch(String(pattern), /\(\?|\\p|\\P|\\u|\\s/);
	});

	it("says that an edit of nothing is none", () => {
		for (const path of ["/v1/me", "/v1/stores/{storeId}/webhooks/{webhookId}"]) {
			const schema = document.paths[path]?.patch?.requestBody?.content["application/json"]?.schema ?? assert.fail();
			assert.ok(!Compile(schema as TSchema).Check({}), path);
		}
	});

	it("says what is not to be guessed: sizes, an import's columns, that a 404 of an outcome is not final", () => {
		const { paths } = document as unknown as { paths: Record<string, Record<string, object>> };
		const said = (path: string, method: string) => JSON.stringify(paths[path]?.[method]);
		assert.match(said("/v1/me/charges", "post"), /16,384 bytes/);
		assert.match(said("/v1/stores/{storeId}/products/import", "post"), /1,000,000 bytes/);
		assert.match(said("/v1/stores/{storeId}/products/import", "post"), /sku, name, category and price.*5,000/);
		for (const path of ["/v1/me/charges/{id}", "/v1/stores/{storeId}/sales/{saleId}", "/v1/me/transfers/{id}"])
			assert.match(said(path, "get"), /\*yet\*/);
		assert.doesNotMatch(said("/v1/stores/{storeId}", "get"), /\*yet\*/);
		assert.match(said("/v1/me/approvals/{id}", "post"), /repeat the decision/);
	});

	it("has every public route and no other", () => {
		const described = Object.entries(document.paths).flatMap(([path, operations]) =>
			Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
		);
		const routed = publicRoutes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
		assert.deepEqual(described.sort(), routed.sort());
	});

	const operations = () =>
		Object.entries(document.paths).flatMap(([path, methods]) =>
			Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
		);

	it("names every operation once", () => {
		const ids = operations().map(({ operation }) => operation.operationId);
		assert.equal(new Set(ids).size, ids.length, `${ids}`);
	});

	it("describes every parameter of every path, each parameter once", () => {
		for (const { path, operation } of operations()) {
			const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
			const described = operation.parameters.filter((parameter) => parameter.in === "path");
			assert.deepEqual(
				described.map(({ name }) => name),
				inPath,
			);
			assert.ok(described.every(({ required }) => required));
			const names = operation.parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
			assert.equal(new Set(names).size, names.length);
		}
	});

	const proofs = { till: { tillKey: [] }, newTill: { tillKey: [] }, device: { deviceKey: [] } };
	it("wants a token where the table wants a person, and a key where credit moves", () => {
		for (const { method, path, action, binds, refreshCookie, idempotent } of publicRoutes) {
			const operation = document.paths[path.replace(/:(\w+)/g, "{$1}")]?.[method.toLowerCase()];
			const credentials = [...credentialsFor(action)].filter((credential) => credential !== "none");
			const cookie = refreshCookie === "rotate" && { refreshCookie: [] };
			const security = binds
				? [{ ...proofs[binds], ...cookie }]
				: credentials.map((credential) => ({ [credential]: [] }));
			assert.deepEqual(operation?.security ?? [], security, path);
			assert.equal("401" in (operation?.responses ?? {}), security.length > 0, path);
			const key = operation?.parameters.find(({ name }) => name === "Idempotency-Key");
			assert.equal(key?.required, idempotent ? true : undefined, path);
		}
		const schemes = ["person", "deviceKey", "refreshCookie", "till", "tillKey", "operator"];
		assert.deepEqual(Object.keys(document.components.securitySchemes), schemes);
	});

	it("describes one success of each operation, and problems as problems", () => {
		for (const { path, operation } of operations()) {
			const statuses = Object.keys(operation.responses);
			assert.equal(statuses.filter((status) => status.startsWith("2")).length, 1, path);
			for (const [status, { content }] of Object.entries(operation.responses)) {
				if (status.startsWith("2")) continue;
				assert.deepEqual(Object.keys(content ?? {}), ["application/problem+json"], `${path} ${status}`);
			}
			assert.ok(operation.responses.default && operation.responses["422"], path);
		}
	});

	const schemas = () =>
		operations().flatMap(({ operation: { parameters, responses } }) => [
			...parameters.map(({ schema }) => schema),
			...Object.values(responses).flatMap(({ content = {} }) => Object.values(content).map(({ schema }) => schema)),
		]);

	it("has schemas that compile, and references that lead somewhere", () => {
		for (const schema of schemas()) Compile(schema as TSchema);
		const { headers } = document.components;
		const there = [
			"#/components/schemas/Problem",
			...Object.keys(headers).map((name) => `#/components/headers/${name}`),
		];
		const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference);
		assert.deepEqual([...new Set(references)].sort(), there.sort());
	});

	it("takes closed bodies with bounds on everything", () => {
		for (const { path, operation } of operations()) {
			const body = operation.requestBody?.content["application/json"]?.schema;
			if (body) assert.deepEqual(unbounded(body), [], path);
		}
	});

	it("says nothing of what is inside", () => {
		const text = JSON.stringify(document);
		for (const secret of ["refreshToken", "credit.", "auth.keyring", "handleKey", "passwordHash", "/ledger"]) {
			assert.ok(!text.includes(secret), secret);
		}
	});
});

type Schema = {
	type?: string;
	enum?: unknown[];
	properties?: Record<string, Schema>;
	items?: Schema;
	additionalProperties?: unknown;
	maxLength?: number;
	pattern?: string;
	const?: unknown;
	maxItems?: number;
	maximum?: number;
	minimum?: number;
};

/** Where a schema would take something without end. */
function unbounded(schema: Schema, at = ""): string[] {
	const { type, properties = {}, items, maxLength, pattern, maxItems, maximum, minimum, additionalProperties } = schema;
	const found: string[] = [];
	if (type === "object" && additionalProperties !== false) found.push(`${at} takes any field`);
	if (
		type === "string" &&
		schema.const === undefined &&
		maxLength === undefined &&
		!(pattern?.startsWith("^") && pattern.endsWith("$"))
	) {
		found.push(`${at} takes any text`);
	}
	if ((type === "integer" || type === "number") && (maximum === undefined || minimum === undefined)) {
		found.push(`${at} takes any number`);
	}
	if (type === "array" && maxItems === undefined) found.push(`${at} takes any number of items`);
	for (const [name, inner] of Object.entries(properties)) found.push(...unbounded(inner, `${at}.${name}`));
	if (items) found.push(...unbounded(items, `${at}[]`));
	return found;
}

describe("the readable pages", () => {
	it("show the API from our own files only", async () => {
		const page = await get("/docs");
		assert.equal(page.headers["content-type"], "text/html; charset=utf-8");
		const csp = String(page.headers["content-security-policy"]);
		assert.match(csp, /default-src 'none'/);
		assert.match(csp, /script-src 'self'(;|$)/);
		assert.match(csp, /frame-ancestors 'none'/);
		const sources = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source as string);
		assert.ok(sources.length >= 3);
		for (const source of sources) {
			assert.match(source, /^\/docs\/[\w.-]+$/);
			assert.ok((await get(source)).bytes.length > 100);
		}
		assert.doesNotMatch(page.text, /<script(?![^>]*src=)/);
		assert.match((await get("/docs/start.js")).text, /\/openapi\.json/);
		assert.match(String((await get("/docs/swagger-ui.css")).headers["content-type"]), /^text\/css/);
	});

	it("are read from the disk once", () => {
		for (const file of ["swagger-ui.css", "swagger-ui-bundle.js"]) {
			const page = docsPages.get(file) ?? assert.fail(file);
			assert.ok(Buffer.isBuffer(page().body));
			assert.equal(page().body, page().body);
		}
	});

	it("have no other files", async () => {
		const paths = [
			"/docs/package.json",
			"/docs/index.html",
			"/docs/../main.ts",
			"/docs/..%2fmain.ts",
			"/docs/constructor",
		];
		for (const path of [...paths, "/docs/a/b", "/docs/%00", "/docs/swagger-ui.css%00.js"]) {
			assertRefused(await anyone.raw({ method: "GET", path }), "not_found", path);
		}
	});

	it("explain every problem of the catalogue, and only those", async () => {
		for (const [code, { title, status, remedy }] of Object.entries(problems)) {
			const { text, headers } = await get(`/problems/${code}`);
			assert.equal(headers["content-type"], "text/html; charset=utf-8");
			for (const part of [title, `HTTP ${status}`, remedy]) assert.ok(text.includes(part), `${code}: ${part}`);
		}
		for (const code of [
			"nothing",
			"constructor",
			"__proto__",
			"toString",
			"NOT_FOUND",
			"not_found/x",
			"%3Cscript%3E",
		]) {
			assertRefused(await anyone.raw({ method: "GET", path: `/problems/${code}` }), "not_found", code);
		}
	});

	it("take GET only, and say so", async () => {
		for (const path of ["/openapi.json", "/docs", "/problems/not_found"]) {
			const answer = await anyone.raw({ method: "POST", path });
			assertRefused(answer, "method_not_allowed", path);
			assert.match(String(answer.headers.allow), /GET/);
		}
	});
});
