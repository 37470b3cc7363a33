import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { deflateSync, gzipSync } from "node:zlib";
import type { ProblemCode } from "../../services/errors.ts";
import { assertRefused, newKey, type Wire } from "./client.ts";
import type { Answer } from "./contract.ts";
import { headerLinesOf, newPerson, newShop, type Person } from "./people.ts";
import { booksOf, startTestPlatform, type TestPlatform, unchanging } from "./platform.ts";

let platform: TestPlatform;
let ada: Person;
let storeId: string;
let adasLines: () => string[];
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone, { name: "Ada", credit: 10_000 });
	storeId = (await newShop(ada)).id;
	adasLines = await headerLinesOf(ada, { method: "POST", path: CHARGE });
});
after(() => platform.stop());

const nothingChanges = unchanging(() => booksOf(platform.operator, [ada.wallet, `store:${storeId}`]));

const CHARGE = "/v1/me/charges";
/** Routes that take a body, of each kind. */
const targets = () =>
	[
		["POST", CHARGE],
		["POST", `/v1/stores/${storeId}/payouts`],
		["POST", `/v1/stores/${storeId}/products`],
		["POST", "/v1/users"],
		["POST", "/v1/sessions"],
		["PATCH", "/v1/me"],
	] as const;

const json = { "content-type": "application/json" };
const send = (method: string, path: string, more: Partial<Wire> = {}): Promise<Answer> =>
	ada.api.raw({ method, path, ...more, headers: { ...json, "idempotency-key": newKey(), ...more.headers } });

async function refusedEverywhere(bodies: readonly (string | Buffer)[], code: ProblemCode, headers = {}): Promise<void> {
	for (const [method, path] of targets()) {
		for (const body of bodies) {
			const answer = await send(method, path, { body, headers });
			assertRefused(answer, code, `${method} ${path} ${body.toString().slice(0, 60)}`);
		}
	}
}

/** What the server writes back until it closes the connection, or says nothing for a while. */
async function exchange(bytes: string | Buffer, { port = platform.anyone.port, quietMs = 300 } = {}): Promise<string> {
	const socket = connect({ host: "127.0.0.1", port });
	const chunks: Buffer[] = [];
	socket.on("data", (chunk) => chunks.push(chunk));
	socket.on("error", () => {});
	socket.setTimeout(quietMs, () => socket.destroy());
	socket.write(bytes);
	await once(socket, "close");
	return Buffer.concat(chunks).toString();
}

const head = (lines: readonly string[]): string =>
	[`POST ${CHARGE} HTTP/1.1`, "Host: hannip.test", ...adasLines(), ...lines, "", ""].join("\r\n");
const charging = (lines: readonly string[]): string =>
	head(["Content-Type: application/json", `Idempotency-Key: ${newKey()}`, ...lines]);
const statusOf = (text: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);

describe("a body", () => {
	it(
		"that is broken JSON is malformed",
		nothingChanges(async () => {
			const broken = [
				"{",
				"}",
				'{"amount":1',
				'{"amount":1,}',
				"{amount:1}",
				"{'amount':1}",
				'{"amount":1}x',
				'{"amount":1}{}',
			];
			const bodies = [...broken, "[", '"', "nul", "\u0000", "{}\u0000", '{"a":"\n"}', '{"a":"\\x"}', "/**/{}"];
			await refusedEverywhere(bodies, "malformed_request");
			await refusedEverywhere([Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), Buffer.from([0xc3, 0x28])], "malformed_request");
		}),
	);

	it(
		"that is JSON but no object is malformed",
		nothingChanges(() =>
			refusedEverywhere(["[]", '[{"amount":1}]', "null", '"amount"', "1", "true", "[[]]"], "malformed_request"),
		),
	);

	it(
		"that is missing or empty lacks its fields",
		nothingChanges(async () => {
			for (const [method, path] of targets()) {
				for (const body of [undefined, "", "{}", " { } "]) {
					assertRefused(await send(method, path, { body }), "validation_failed", `${method} ${path} ${body}`);
				}
			}
		}),
	);

	it(
		"nested deeply is refused like any other",
		nothingChanges(async () => {
			const deep = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);
			const bodies = [
				deep(8_000, "[", "]"),
				'{"a":'.repeat(2_000),
				`{"a":${deep(8_000, "[", "]")}}`,
				`{"amount":${'{"a":'.repeat(2_500)}1${"}".repeat(2_500)}}`,
				`{"a":${deep(17, "[", "]")}}`,
			];
			await refusedEverywhere(bodies, "malformed_request");
			await refusedEverywhere([`{"a":${deep(16, "[", "]")}}`], "validation_failed");
		}),
	);

	it(
		"of another type is not read",
		nothingChanges(async () => {
			const types = [
				"text/plain",
				"text/json",
				"application/x-www-form-urlencoded",
				"multipart/form-data; boundary=x",
				"application/xml",
				"application/jsonx",
				"application/merge-patch+json",
				"application",
				"",
				";",
				"application/json, text/plain",
			];
			for (const type of types)
				await refusedEverywhere(['{"amount":1}'], "unsupported_media_type", { "content-type": type });
			const missing = { method: "POST", path: CHARGE, headers: { "idempotency-key": newKey() }, body: '{"amount":1}' };
			assertRefused(await ada.api.raw(missing), "unsupported_media_type", "without a type");
		}),
	);
});

describe("a body of JSON", () => {
	it("may say its charset, in any case, and come with a byte order mark", async () => {
		const types = ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8; x=y"];
		for (const type of types) {
			assert.equal(
				(await send("POST", CHARGE, { body: '{"amount":1}', headers: { "content-type": type } })).status,
				201,
			);
		}
		assert.equal((await send("POST", CHARGE, { body: '\ufeff{"amount":1}' })).status, 201);
	});
});

describe("a body that is too large", () => {
	const large = `{"amount":1,"x":"${"y".repeat(17_000)}"}`;

	it(
		"is refused by its length",
		nothingChanges(async () => {
			await refusedEverywhere([large, "x".repeat(200_000)], "payload_too_large");
			const importing = { body: "x".repeat(1_100_000), headers: { "content-type": "text/csv" } };
			const answer = await send("POST", `/v1/stores/${storeId}/products/import`, importing);
			assertRefused(answer, "payload_too_large", "an import");
		}),
	);

	it(
		"is refused when it comes in chunks, without a length",
		nothingChanges(async () => {
			const chunk = `${(4_096).toString(16)}\r\n${"y".repeat(4_096)}\r\n`;
			const text = await exchange(`${charging(["Transfer-Encoding: chunked"])}${chunk.repeat(8)}0\r\n\r\n`);
			assert.equal(statusOf(text), 413, text);
			assert.match(text, /payload_too_large/);
		}),
	);

	it(
		"is refused when it comes in chunks without end, before they end",
		nothingChanges(async () => {
			const chunk = `${(16_384).toString(16)}\r\n${"y".repeat(16_384)}\r\n`;
			const text = await exchange(`${charging(["Transfer-Encoding: chunked"])}${chunk.repeat(4)}`);
			assert.equal(statusOf(text), 413, text);
			assert.match(text, /payload_too_large/);
		}),
	);

	it(
		"is refused when it only says so, without waiting for it",
		nothingChanges(async () => {
			for (const length of [20_000, 4_294_967_296, Number.MAX_SAFE_INTEGER]) {
				const text = await exchange(`${charging([`Content-Length: ${length}`])}{"amount":1}`);
				assert.equal(statusOf(text), 413, text);
			}
		}),
	);

	it(
		"is refused in whatever it is packed",
		nothingChanges(async () => {
			const bomb = Buffer.alloc(10_000_000, "x");
			for (const [encoding, body] of [
				["gzip", gzipSync(bomb)],
				["deflate", deflateSync(bomb)],
			] as const) {
				const answer = await send("POST", CHARGE, { body, headers: { "content-encoding": encoding } });
				assertRefused(answer, "payload_too_large", encoding);
			}
		}),
	);

	it(
		"never is accepted",
		nothingChanges(async () => {
			for (const body of [large, `{"amount":1}${" ".repeat(17_000)}`]) {
				const { status } = await send("POST", CHARGE, { body });
				assert.ok(status >= 400 && status < 500, `${status}`);
			}
		}),
	);

	it("starts behind 16,384 bytes", async () => {
		const body = `{"amount":1${" ".repeat(16_384 - 12)}}`;
		assert.equal(body.length, 16_384);
		assert.equal((await send("POST", CHARGE, { body })).status, 201);
	});
});

describe("a body that is packed", () => {
	it("may be, with gzip or deflate", async () => {
		for (const [encoding, body] of [
			["gzip", gzipSync('{"amount":1}')],
			["deflate", deflateSync('{"amount":1}')],
		] as const) {
			assert.equal((await send("POST", CHARGE, { body, headers: { "content-encoding": encoding } })).status, 201);
		}
	});

	it(
		"in a way that nobody knows, or not really, is refused",
		nothingChanges(async () => {
			const unknown = { body: '{"amount":1}', headers: { "content-encoding": "zip" } };
			assertRefused(await send("POST", CHARGE, unknown), "unsupported_media_type", "zip");
			for (const encoding of ["gzip", "deflate", "br"]) {
				const broken = { body: "not packed", headers: { "content-encoding": encoding } };
				assertRefused(await send("POST", CHARGE, broken), "malformed_request", encoding);
			}
		}),
	);
});

describe("framing", () => {
	it(
		"that contradicts itself ends the connection and books nothing",
		nothingChanges(async () => {
			const requests = [
				`${charging(["Content-Length: 12", "Transfer-Encoding: chunked"])}0\r\n\r\n`,
				`${charging(["Content-Length: 12", "Content-Length: 13"])}{"amount":1}x`,
				`${charging(["Content-Length: -1"])}{"amount":1}`,
				`${charging(["Content-Length: 1e1"])}{"amount":1}`,
				`${charging(["Content-Length: +12"])}{"amount":1}`,
				`${charging(["Transfer-Encoding: chunked, identity"])}{"amount":1}`,
				`${charging(["Transfer-Encoding: xchunked"])}{"amount":1}`,
				`${charging(["Transfer-Encoding: chunked"])}zz\r\n{"amount":1}\r\n0\r\n\r\n`,
				`${charging([" Content-Length: 12"])}{"amount":1}`,
				`${charging(["Content-Length : 12"])}{"amount":1}`,
				`${charging(["Content-Length: 12"]).replaceAll("\r\n", "\n")}{"amount":1}`,
				`${charging(["Content-Length: 12", "X: a\u0000b"])}{"amount":1}`,
				`${charging(["Content-Length: 12", "X: a\rIdempotency-Key: another-one"])}{"amount":1}`,
			];
			for (const request of requests) {
				const text = await exchange(request);
				assert.ok([0, 400].includes(statusOf(text)), `${request}\n${text}`);
			}
		}),
	);

	it(
		"that promises more than comes is no request, and books nothing",
		nothingChanges(async () => {
			const text = await exchange(`${charging(["Content-Length: 13"])}{"amount":1}`);
			assert.ok([0, 400, 408].includes(statusOf(text)), text);
			const chunked = await exchange(`${charging(["Transfer-Encoding: chunked"])}c\r\n{"amount":1}\r\n`);
			assert.ok([0, 400, 408].includes(statusOf(chunked)), chunked);
		}),
	);

	it("that promises less than comes: what is behind it is no second request", async () => {
		const { balance } = await ada.api.ok("user.me", {});
		const text = await exchange(`${charging(["Content-Length: 12"])}{"amount":1}{"amount":5}`);
		assert.match(text, /HTTP\/1\.1 400/);
		// What was begun before the connection broke may still be on its way; this charge comes after it.
		await send("POST", CHARGE, { body: '{"amount":100}' });
		const booked = (await ada.api.ok("user.me", {})).balance - balance - 100;
		assert.ok(booked === 0 || booked === 1, `${booked}`);
	});
});

describe("headers", () => {
	it(
		"that hold another header, or a line for the log, are refused or meaningless",
		nothingChanges(async () => {
			const marker = "X-Injected: yes";
			const requests = [
				`GET /v1/users/x%0d%0a${marker.replace(" ", "%20")} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
				`GET /problems/not_found%0d%0a${marker.replace(" ", "%20")} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
				`GET /v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-ID: a\r\n b\r\n\r\n`,
				`GET /v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-ID: <script>\r\nX-Correlation-ID: evil\r\n\r\n`,
			];
			for (const request of requests) {
				const text = await exchange(request);
				assert.ok(statusOf(text) >= 400 && statusOf(text) < 500, text);
				const [headers = ""] = text.split("\r\n\r\n");
				assert.doesNotMatch(headers, /injected|evil|script/i);
			}
		}),
	);

	it("that a proxy would set mean nothing", async () => {
		const headers = {
			"x-forwarded-for": "10.0.0.1",
			"x-forwarded-host": "evil.test",
			"x-forwarded-proto": "https",
			forwarded: "for=10.0.0.1;host=evil.test",
			"x-original-url": "/ledger",
			"x-rewrite-url": "/ledger",
			"x-http-method-override": "DELETE",
			"x-user-id": "u_AAAAAAAAAAAAAAAA",
			"x-request-id": "chosen-by-me",
		};
		const answer = await ada.api.raw({ method: "GET", path: "/v1/me", headers });
		assert.equal((answer.body as { userId: string }).userId, ada.userId);
		assert.ok(!JSON.stringify([answer.headers, answer.body]).match(/evil\.test|chosen-by-me/));
		const document = await platform.anyone.raw({
			method: "GET",
			path: "/openapi.json",
			headers: { host: "evil.test" },
		});
		assert.ok(!document.text.includes("evil.test"));
	});

	it(
		"without end are refused",
		nothingChanges(async () => {
			const long = await exchange(charging(["Content-Length: 12", `X: ${"x".repeat(20_000)}`]));
			assert.equal(statusOf(long), 431, long);
			const many = Array.from({ length: 3_000 }, (_, index) => `X-${index}: y`);
			assert.equal(statusOf(await exchange(charging(many))), 431);
		}),
	);
});

describe("addresses", () => {
	it(
		"that are very long are refused",
		nothingChanges(async () => {
			for (const length of [1_000, 8_000, 15_000]) {
				const paths = [
					`/v1/users/${"x".repeat(length)}`,
					`/${"x/".repeat(length / 2)}`,
					`/v1/me?${"x".repeat(length)}`,
				];
				for (const path of paths) {
					const { status } = await platform.anyone.raw({ method: "GET", path });
					assert.ok(status === 404 || status === 401, `${path.slice(0, 20)} ${status}`);
				}
			}
			const text = await exchange(`GET /${"x".repeat(40_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
			assert.equal(statusOf(text), 431);
		}),
	);

	it(
		"with thousands of parameters are refused, soon",
		nothingChanges(async () => {
			const queries = ["a=1&".repeat(3_000), "a[]=1&".repeat(2_000), `a${"[b]".repeat(4_000)}=1`, "&".repeat(10_000)];
			for (const query of queries.slice(0, 3)) {
				const { status } = await ada.api.raw({ method: "GET", path: `/v1/me?${query}` });
				assert.equal(status, 422);
			}
			assert.equal((await ada.api.raw({ method: "GET", path: `/v1/me?${queries[3]}` })).status, 200);
		}),
	);

	it(
		"spelled otherwise are other addresses, or the same: never more",
		nothingChanges(async () => {
			const spellings = [
				"//v1/me",
				"/v1//me",
				"/v1/./me",
				"/v1/x/../me",
				"/v1/me;x=1",
				"/v1%2fme",
				"/%76%31/me",
				"/v1/me%20",
				"/v1/me/x",
			];
			for (const path of [...spellings, "http://evil.test/v1/me", "/v1/me#x", "*", "/v1/me%2f"]) {
				const answer = await ada.api.raw({ method: "GET", path });
				assertRefused(answer, "not_found", path);
			}
		}),
	);

	it("that are none are said to be none, whoever asks and wherever they are", async () => {
		for (const path of [
			"/v1/nowhere",
			"/v1/stores/x/nowhere",
			"/v1/storesX",
			`/v1/stores/${storeId}/products/import/x`,
		]) {
			assertRefused(await platform.anyone.raw({ method: "POST", path }), "not_found", path);
		}
		const wrong = await platform.anyone.raw({ method: "PUT", path: `/v1/stores/${storeId}` });
		assertRefused(wrong, "method_not_allowed", "PUT");
	});

	it("are told apart by case", async () => {
		for (const path of ["/V1/ME", "/v1/Me", "/OPENAPI.JSON"]) {
			assertRefused(await ada.api.raw({ method: "GET", path }), "not_found", path);
		}
	});
});

describe("methods", () => {
	it(
		"that a route does not have are not allowed, and Allow says which are",
		nothingChanges(async () => {
			const wrong = [
				["PUT", "/v1/me", ["GET", "HEAD", "PATCH"]],
				["DELETE", "/v1/me", ["GET", "HEAD", "PATCH"]],
				["GET", CHARGE, ["POST"]],
				["PUT", CHARGE, ["POST"]],
				["POST", `/v1/stores/${storeId}`, ["GET", "HEAD", "PATCH"]],
				["DELETE", `/v1/stores/${storeId}/sales/x`, ["GET", "HEAD"]],
				["TRACE", "/v1/me", ["GET", "HEAD", "PATCH"]],
			] as const;
			for (const [method, path, allowed] of wrong) {
				const answer = await send(method, path, method === "TRACE" ? {} : { body: "{}" });
				assertRefused(answer, "method_not_allowed", `${method} ${path}`);
				assert.deepEqual(String(answer.headers.allow).split(", ").sort(), allowed);
			}
		}),
	);

	it(
		"that do not exist are no HTTP",
		nothingChanges(async () => {
			for (const method of ["FOO", "get", "POST\u0000", ""]) {
				const text = await exchange(`${method} /v1/me HTTP/1.1\r\nHost: x\r\n\r\n`);
				assert.ok([0, 400].includes(statusOf(text)), `${method} ${text}`);
			}
		}),
	);

	it(
		"HEAD and OPTIONS do nothing and say nothing of a person",
		nothingChanges(async () => {
			for (const path of ["/v1/me", CHARGE, "/v1/stores", "/v1/sessions"]) {
				for (const method of ["HEAD", "OPTIONS"]) {
					const answer = await platform.anyone.raw({ method, path });
					assert.ok(answer.status >= 400 && answer.status < 500, `${method} ${path} ${answer.status}`);
				}
				const head = await ada.api.raw({ method: "HEAD", path });
				assert.equal(head.text, "");
			}
		}),
	);

	it(
		"that a browser asks about first get no permission for other sites",
		nothingChanges(async () => {
			const headers = {
				origin: "http://evil.test",
				"access-control-request-method": "PATCH",
				"access-control-request-headers": "authorization, idempotency-key",
			};
			for (const path of ["/v1/me", "/v1/users", CHARGE, "/openapi.json"]) {
				const answer = await platform.anyone.raw({ method: "OPTIONS", path, headers });
				const permissions = Object.keys(answer.headers).filter((name) => name.startsWith("access-control-"));
				assert.deepEqual(permissions, [], path);
				assert.ok(answer.status >= 400, `${path} ${answer.status}`);
			}
		}),
	);
});
