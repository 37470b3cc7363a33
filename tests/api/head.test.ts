import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import { after, before, describe, it } from "node:test";
import { publicRoutes } from "../../services/api/routes.ts";
import type { Client } from "./client.ts";
import { newPerson, newShop, type Person } from "./people.ts";
import { startTestPlatform, type TestPlatform } from "./platform.ts";
import { Wire } from "./wire.ts";

let platform: TestPlatform;
let ada: Person;
let storeId: string;
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone);
	storeId = (await newShop(ada)).id;
});
after(() => platform.stop());

const pages = ["/", "/docs", "/docs/start.js", "/docs/swagger-ui.css", "/openapi.json", "/problems/not_found"];

/** Every address that can be read, with what is there, or not there, behind its parameters. */
function addresses(): string[] {
	const reads = publicRoutes.filter(({ method }) => method === "GET").map(({ path }) => path);
	const known: Record<string, string> = { handle: ada.handle, storeId };
	return [...pages, ...reads.map((path) => path.replace(/:(\w+)/g, (_, name: string) => known[name] ?? "x"))];
}

/** What RFC 9110 9.3.2 leaves open, and what differs from one request to the next. */
function comparable({ ...headers }: IncomingHttpHeaders): IncomingHttpHeaders {
	for (const name of ["content-length", "transfer-encoding", "date", "x-request-id", "dpop-nonce", "ratelimit"])
		delete headers[name];
	return headers;
}

async function assertSame(client: Client, path: string): Promise<number> {
	const [get, head] = [await client.raw({ method: "GET", path }), await client.raw({ method: "HEAD", path })];
	assert.equal(head.status, get.status, path);
	assert.deepEqual(comparable(head.headers), comparable(get.headers), path);
	assert.equal(head.text, "", path);
	return head.status;
}

describe("HEAD", () => {
	it("is answered like GET, without the content, at every address", async () => {
		let found = 0;
		for (const path of addresses()) if ((await assertSame(ada.api, path)) < 400) found++;
		assert.ok(found > 15, `only ${found} were found`);
		assert.equal(await assertSame(platform.operator, "/ledger"), 200);
	});

	it("needs the same rights", async () => {
		for (const path of addresses()) await assertSame(platform.anyone, path);
		assert.equal(await assertSame(platform.anyone, "/v1/me"), 401);
		assert.equal(await assertSame(platform.anyone, "/.well-known/jwks.json"), 200);
	});

	it("is not allowed where GET is not", async () => {
		const { status, headers } = await ada.api.raw({ method: "HEAD", path: "/v1/me/charges" });
		assert.deepEqual([status, headers.allow], [405, "POST"]);
	});

	it("leaves the connection as it should be for the next request", async () => {
		const wire = await Wire.open(platform.anyone);
		const next = "GET /nowhere HTTP/1.1\r\nHost: hannip.test\r\n\r\n";
		wire.socket.write(`HEAD /v1/me HTTP/1.1\r\nHost: hannip.test\r\n\r\n${next}`);
		const received: string[] = [];
		for await (const chunk of wire.socket) {
			received.push(String(chunk));
			if (received.join("").endsWith("}")) break;
		}
		const [first = "", second = "", ...rest] = received.join("").split("\r\n\r\n");
		assert.match(first, /^HTTP\/1\.1 401 /);
		assert.match(second, /^HTTP\/1\.1 404 /);
		assert.equal(rest.length, 1);
	});
});
