import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { assertRefused } from "./client.ts";
import { newPerson, type Person } from "./people.ts";
import { startTestPlatform, type TestPlatform } from "./platform.ts";
import { Wire } from "./wire.ts";

// What RFC 9110 and 9112 say that a server must do, where Node leaves it to us.

let platform: TestPlatform;
let ada: Person;
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone, { name: "Ada", credit: 1_000 });
});
after(() => platform.stop());

async function answerTo(target: string, lines: readonly string[], body = "") {
	const wire = await Wire.open(platform.anyone);
	wire.socket.write([`GET ${target} HTTP/1.1`, ...lines, "Connection: close", "", body].join("\r\n"));
	const [answer] = await wire.all();
	return answer ?? assert.fail("there was no answer");
}

const KEYS = "/.well-known/jwks.json";

describe("Host", () => {
	it("is one, and a host (RFC 9112 3.2)", async () => {
		const wrong = [
			["Host: a", "Host: a"],
			["Host: a", "HOST: b"],
			["Host: a b/c"],
			["Host: a/b"],
			["Host: a@b"],
			["Host:"],
			["Host: [::1"],
			["Host: a:b"],
		];
		for (const lines of wrong) assertRefused(await answerTo(KEYS, lines), "malformed_request", lines.join());
		for (const host of ["a", "a.test:80", "127.0.0.1:1", "[::1]:4200", "xn--a_b"])
			assert.equal((await answerTo(KEYS, [`Host: ${host}`])).status, 200, host);
	});
});

describe("a whole address instead of a path", () => {
	it("is taken when it is one of ours, whatever Host says (RFC 9112 3.2.2)", async () => {
		const origin = `http://127.0.0.1:${platform.anyone.port}`;
		const host = ["Host: other.test"];
		for (const target of [origin + KEYS, `HTTP${origin.slice(4)}${KEYS}`, `${origin}${KEYS}?`])
			assert.equal((await answerTo(target, host)).status, 200, target);
		for (const target of [`http://evil.test${KEYS}`, `https${origin.slice(4)}${KEYS}`, `http://127.0.0.1:1${KEYS}`])
			assertRefused(await answerTo(target, host), "not_found", target);
	});
});

describe("Transfer-Encoding", () => {
	it("other than chunked is not taken for the body (RFC 9112 6.1)", async () => {
		for (const coding of ["gzip, chunked", "identity, chunked"]) {
			const lines = ["Host: a", `Transfer-Encoding: ${coding}`];
			assertRefused(await answerTo(KEYS, lines, "0\r\n\r\n"), "malformed_request", coding);
		}
		assert.equal((await answerTo(KEYS, ["Host: a", "Transfer-Encoding: Chunked"], "0\r\n\r\n")).status, 200);
	});
});

describe("If-Match", () => {
	it("of an edit fails when it names a tag, since nothing has one, and nothing is changed (RFC 9110 13.1.1)", async () => {
		const edit = (tag: string, displayName: string) =>
			ada.api.raw({
				method: "PATCH",
				path: "/v1/me",
				headers: { "content-type": "application/json", "if-match": tag },
				body: JSON.stringify({ displayName }),
			});
		for (const tag of ['"1"', 'W/"1"', '"a", "b"', ""])
			assertRefused(await edit(tag, "Eve"), "precondition_failed", tag);
		assert.equal((await ada.api.ok("user.me", {})).displayName, "Ada");
		assert.equal((await edit("*", "Ada L.")).status, 200);
	});
});

describe("Accept", () => {
	it("that does not want a stream gets none (RFC 9110 12.5.1)", async () => {
		for (const accept of ["text/event-stream;q=0", "application/json, text/event-stream; q=0.000"]) {
			const answer = await ada.api.raw({ method: "GET", path: "/v1/me/events", headers: { accept } });
			assert.match(String(answer.headers["content-type"]), /^application\/json/, accept);
		}
	});
});

describe("Authorization", () => {
	it("may have several spaces behind its scheme (RFC 9110 11.4)", async () => {
		const wire = { method: "GET", path: "/v1/me" };
		const headers = (await ada.api.proofOf(wire)) as Record<string, string>;
		const name = Object.keys(headers).find((each) => each.toLowerCase() === "authorization") ?? assert.fail();
		const spaced = { ...headers, [name]: String(headers[name]).replace(" ", "   ") };
		assert.equal((await platform.anyone.raw({ ...wire, headers: spaced })).status, 200);
	});
});
