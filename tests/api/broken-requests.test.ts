import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import type { ProblemCode } from "../../services/errors.ts";
import { assertRefused, newKey } from "./client.ts";
import type { Answer } from "./contract.ts";
import { headerLinesOf, newPerson, newShop, type Person } from "./people.ts";
import { booksOf, startTestPlatform, type TestPlatform, unchanging } from "./platform.ts";
import { Wire } from "./wire.ts";

let platform: TestPlatform;
let ada: Person;
let storeId: string;
const adasLines: Record<string, () => string[]> = { "/nowhere": () => [] };
/** Begun first, since a server waits for headers much longer than these tests take. */
let slow: Wire;
before(async () => {
	platform = await startTestPlatform();
	slow = await Wire.open(platform.anyone);
	slow.socket.write("GET /v1/me HTTP/1.1\r\nHost: hannip.test\r\nX-Slow: ");
	ada = await newPerson(platform.anyone, { credit: 1_000 });
	storeId = (await newShop(ada)).id;
	for (const path of ["/v1/me/charges", `/v1/stores/${storeId}/products/import`]) {
		adasLines[path] = await headerLinesOf(ada, { method: "POST", path });
	}
});
after(() => platform.stop());

const nothingChanges = unchanging(() => booksOf(platform.operator, [ada.wallet, `store:${storeId}`]));

const charging = (...lines: string[]): string => posting("/v1/me/charges", "Content-Type: application/json", ...lines);
const posting = (path: string, ...lines: string[]): string =>
	[
		`POST ${path} HTTP/1.1`,
		"Host: hannip.test",
		...(adasLines[path]?.() ?? assert.fail(path)),
		`Idempotency-Key: ${newKey()}`,
		...lines,
		"",
		"",
	].join("\r\n");
const chunkOf = (bytes: Buffer | string): Buffer =>
	Buffer.concat([
		Buffer.from(`${Buffer.byteLength(bytes).toString(16)}\r\n`),
		Buffer.from(bytes as string),
		Buffer.from("\r\n"),
	]);

async function said(bytes: string): Promise<Answer[]> {
	const wire = await Wire.open(platform.anyone);
	wire.socket.write(bytes);
	return wire.all();
}

function assertClosedWith(answer: Answer | undefined, code: ProblemCode, what: string): void {
	assert.ok(answer, `no answer to ${what}`);
	assertRefused(answer, code, what);
	assert.equal(answer.headers["content-type"], "application/problem+json", what);
	assert.equal(answer.headers.connection, "close", what);
}

describe("a body without end", () => {
	const unlimited: { name: string; head(): string; chunk: Buffer }[] = [
		{ name: "of JSON", head: () => charging("Transfer-Encoding: chunked"), chunk: chunkOf("y".repeat(4_096)) },
		{
			name: "of nothing, packed",
			head: () => charging("Transfer-Encoding: chunked", "Content-Encoding: gzip"),
			chunk: chunkOf(Buffer.concat(Array.from({ length: 50 }, () => gzipSync("")))),
		},
		{
			name: "of CSV",
			head: () =>
				posting(`/v1/stores/${storeId}/products/import`, "Content-Type: text/csv", "Transfer-Encoding: chunked"),
			chunk: chunkOf("y".repeat(65_536)),
		},
		{
			name: "of JSON that says how large it is",
			head: () => charging("Content-Length: 4294967296"),
			chunk: Buffer.alloc(4_096, "y"),
		},
	];
	for (const { name, head, chunk } of unlimited) {
		it(
			`${name} is refused while it still comes, and the connection closed`,
			nothingChanges(async () => {
				const wire = await Wire.open(platform.anyone);
				wire.socket.write(head());
				let isOver = false;
				const sending = (async () => {
					while (!isOver && wire.socket.writable) {
						if (!wire.socket.write(chunk)) {
							await Promise.race([once(wire.socket, "drain"), once(wire.socket, "close")]).catch(() => {});
						}
						await new Promise(setImmediate);
					}
				})();
				const answers = await wire.all();
				isOver = true;
				await sending;
				assert.equal(answers.length, 1);
				assertClosedWith(answers[0], "payload_too_large", name);
			}),
		);

		it(
			`${name} is refused when it passes the limit and then stops`,
			nothingChanges(async () => {
				const wire = await Wire.open(platform.anyone);
				wire.socket.write(head());
				const bytesMax = name === "of CSV" ? 1_000_000 : 16_384;
				for (let sent = 0; sent <= bytesMax; sent += chunk.length - 8) wire.socket.write(chunk);
				const answers = await wire.all();
				assert.equal(answers.length, 1);
				assertClosedWith(answers[0], "payload_too_large", name);
			}),
		);
	}
});

const GOOD = "GET /.well-known/jwks.json HTTP/1.1\r\nHost: hannip.test\r\n\r\n";
const LOST = "GET /nowhere HTTP/1.1\r\nHost: hannip.test\r\n\r\n";

describe("what cannot be read", () => {
	const broken: Record<string, readonly [ProblemCode, () => string]> = {
		"no request line": ["malformed_request", () => "nonsense\r\n\r\n"],
		"a method that is none": ["malformed_request", () => "FOO / HTTP/1.1\r\nHost: x\r\n\r\n"],
		"a version that is none": ["malformed_request", () => "GET / HTTP/9.1\r\nHost: x\r\n\r\n"],
		"a header without a name": ["malformed_request", () => "GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n"],
		TLS: ["malformed_request", () => "\u0016\u0003\u0001\u0002\u0000\u0001"],
		"two lengths": ["malformed_request", () => charging("Content-Length: 2", "Content-Length: 3")],
		"a long header": ["headers_too_large", () => `GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(20_000)}\r\n\r\n`],
		"a long address": ["headers_too_large", () => `GET /${"x".repeat(40_000)} HTTP/1.1\r\nHost: x\r\n\r\n`],
		"chunks that are none": ["malformed_request", () => `${charging("Transfer-Encoding: chunked")}zz\r\n`],
		"chunks with endless remarks": [
			"payload_too_large",
			() => `${charging("Transfer-Encoding: chunked")}1;${"x".repeat(20_000)}\r\n`,
		],
	};
	for (const [what, [code, bytes]] of Object.entries(broken)) {
		it(
			`is ${code} and the end of the connection: ${what}`,
			nothingChanges(async () => {
				const answers = await said(bytes());
				assert.equal(answers.length, 1);
				assertClosedWith(answers[0], code, what);
			}),
		);
	}

	it(
		"is answered when the client says that nothing more comes",
		nothingChanges(async () => {
			for (const bytes of ["GET / HT", `${charging("Content-Length: 12")}{"amount"`]) {
				const wire = await Wire.open(platform.anyone);
				wire.socket.end(bytes);
				const answers = await wire.all();
				assert.equal(answers.length, 1);
				assertClosedWith(answers[0], "malformed_request", bytes);
			}
		}),
	);

	it("is answered after what was asked before it on the connection", async () => {
		const answers = await said(`${GOOD}${LOST}${GOOD}nonsense\r\n\r\n`);
		assert.deepEqual(
			answers.map(({ status }) => status),
			[200, 404, 200, 400],
		);
		assertClosedWith(answers.at(-1), "malformed_request", "nonsense");
	});

	it("is answered on a connection that was good until then", async () => {
		const wire = await Wire.open(platform.anyone);
		wire.socket.write(GOOD);
		await wire.answers(1);
		for (const part of ["nonsense", "\r\n\r\n", "more"]) wire.socket.write(part);
		const answers = await wire.all();
		assert.deepEqual(
			answers.map(({ status }) => status),
			[200, 400],
		);
		assertClosedWith(answers[1], "malformed_request", "nonsense");
	});

	it("gives no second answer to a request that has one", async () => {
		const wire = await Wire.open(platform.anyone);
		wire.socket.write(posting("/nowhere", "Transfer-Encoding: chunked"));
		await wire.answers(1);
		wire.socket.write("zz\r\n");
		const answers = await wire.all();
		assert.deepEqual(
			answers.map(({ status }) => status),
			[404],
		);
	});

	it("does not matter to others, nor does a connection that is reset", async () => {
		for (const bytes of ["GET / HT", charging("Content-Length: 12"), `${GOOD}nonsense\r\n\r\n`]) {
			const wire = await Wire.open(platform.anyone);
			wire.socket.write(bytes);
			wire.socket.resetAndDestroy();
		}
		await ada.api.ok("user.me", {});
	});

	it("is what comes too slowly", async () => {
		const answers = await slow.all();
		assert.equal(answers.length, 1);
		assertClosedWith(answers[0], "request_timeout", "headers without end");
	});
});

describe("what Node would answer by itself", () => {
	it("a request without a Host is malformed", async () => {
		const wire = await Wire.open(platform.anyone);
		wire.socket.write("GET /v1/me HTTP/1.1\r\n\r\n");
		assertRefused((await wire.answers(1))[0] as Answer, "malformed_request", "without a Host");
		wire.socket.destroy();
	});

	it("an expectation that nobody knows is passed over", async () => {
		const answer = await platform.anyone.raw({ method: "GET", path: "/v1/me", headers: { expect: "the-unexpected" } });
		assertRefused(answer, "unauthenticated", "Expect");
	});
});
