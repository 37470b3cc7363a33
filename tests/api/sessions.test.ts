import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { after, before, describe, it } from "node:test";
import jwt from "jsonwebtoken";
import type { Service } from "moleculer";
import { documents } from "../../mixins/database.ts";
import { openSession, SESSION_TTL_MS, type Session } from "../../services/auth/session.ts";
import { type Client, newProver, PUBLIC_ORIGIN } from "./client.ts";
import type { Answer } from "./contract.ts";
import { newPerson, PASSWORD, type Person } from "./people.ts";
import { startTestPlatform, type TestPlatform } from "./platform.ts";

let platform: TestPlatform;
let anyone: Client;
let ada: Person;
before(async () => {
	platform = await startTestPlatform();
	anyone = platform.anyone.from(await newProver());
	ada = await newPerson(anyone);
});
after(() => platform.stop());

const refreshTokenIn = ({ headers }: Answer): string =>
	/^__Host-hannip-refresh=([^;]*)/.exec(String(headers["set-cookie"]))?.[1] ?? "";

async function logIn() {
	const answer = await anyone.call("auth.login", { handle: ada.handle, password: PASSWORD });
	assert.equal(answer.status, 201);
	const api = anyone.as(answer.body.accessToken);
	return { ...answer.body, api, answer, refreshToken: refreshTokenIn(answer) };
}

/** The cookie's attributes, in lower case and in order. */
const attributesOf = (cookie: string): string[] =>
	cookie
		.split("; ")
		.slice(1)
		.map((attribute) => attribute.toLowerCase())
		.sort();

describe("the refresh cookie", () => {
	it("is for this host only, over TLS only, out of reach for scripts and other sites", async () => {
		const { answer } = await logIn();
		const cookies = answer.headers["set-cookie"] ?? [];
		assert.equal(cookies.length, 1);
		assert.match(String(cookies[0]), /^__Host-hannip-refresh=n_[\w-]{16}\.[\w-]{43};/);
		assert.deepEqual(attributesOf(String(cookies[0])), [
			"httponly",
			"max-age=2592000",
			"path=/",
			"samesite=strict",
			"secure",
		]);
	});

	it("is the only place where the refresh token is said", async () => {
		const { answer, refreshToken } = await logIn();
		assert.ok(refreshToken.length > 50);
		assert.ok(!answer.text.includes(refreshToken));
		const refreshed = await anyone.call("auth.refresh", { refreshToken });
		assert.ok(!refreshed.text.includes(refreshTokenIn(refreshed)));
	});
});

describe("refresh", () => {
	it("gives a new access token and a new cookie for the same session", async () => {
		const { sessionId, accessToken, refreshToken } = await logIn();
		const answer = await anyone.call("auth.refresh", { refreshToken });
		assert.equal(answer.status, 200);
		assert.equal(answer.body.sessionId, sessionId);
		assert.notEqual(answer.body.accessToken, accessToken);
		assert.notEqual(refreshTokenIn(answer), refreshToken);
		assert.deepEqual(attributesOf(String(answer.headers["set-cookie"])).slice(2), [
			"path=/",
			"samesite=strict",
			"secure",
		]);
		const api = anyone.as(answer.body.accessToken);
		assert.equal((await api.ok("user.me", {})).userId, ada.userId);
	});

	it("gives two tabs, and whoever lost the reply, the same successor", async () => {
		const { refreshToken } = await logIn();
		const answers = await Promise.all(Array.from({ length: 8 }, () => anyone.call("auth.refresh", { refreshToken })));
		assert.deepEqual(
			answers.map(({ status }) => status),
			answers.map(() => 200),
		);
		assert.equal(new Set(answers.map(refreshTokenIn)).size, 1);
		const again = await anyone.call("auth.refresh", { refreshToken });
		assert.equal(refreshTokenIn(again), refreshTokenIn(answers[0] as Answer));
		await anyone.ok("auth.refresh", { refreshToken: refreshTokenIn(again) });
	});

	it("ends the session when a token older than the last two comes back", async () => {
		const { refreshToken } = await logIn();
		const second = refreshTokenIn(await anyone.call("auth.refresh", { refreshToken }));
		const third = refreshTokenIn(await anyone.call("auth.refresh", { refreshToken: second }));
		await anyone.refused("auth.refresh", { refreshToken }, "session_ended");
		await anyone.refused("auth.refresh", { refreshToken: third }, "session_ended");
	});

	it("wants the cookie, and a genuine one", async () => {
		const { sessionId, refreshToken } = await logIn();
		const path = "/v1/sessions/refresh";
		const answer = await anyone.raw({ method: "POST", path });
		assert.equal(answer.status, 401);
		const unknown = `n_${"A".repeat(16)}.${"A".repeat(43)}`;
		await anyone.refused("auth.refresh", { refreshToken: unknown }, "session_ended");
		// In the body, in the query or in another cookie it does not count.
		const elsewhere = [
			{ method: "POST", path, headers: { "content-type": "application/json" }, body: JSON.stringify({ refreshToken }) },
			{ method: "POST", path: `${path}?refreshToken=${refreshToken}` },
			{ method: "POST", path, headers: { cookie: `hannip-refresh=${refreshToken}` } },
			{ method: "POST", path, headers: { authorization: `DPoP ${refreshToken}` } },
		];
		for (const wire of elsewhere) assert.ok((await anyone.raw(wire)).status >= 400);
		await anyone.refused("auth.refresh", { refreshToken: `${sessionId}.${"A".repeat(43)}` }, "session_ended");
	});

	it("says that the session has ended to a cookie of another form", async () => {
		for (const refreshToken of ["x", "n_.", "a.b.c", "%22"]) {
			await anyone.refused("auth.refresh", { refreshToken }, "session_ended");
		}
	});

	it("is refused from other sites, and does not rotate then", async () => {
		const { refreshToken } = await logIn();
		const foreign = [
			{ origin: "http://evil.test" },
			{ origin: "null" },
			{ origin: "https://hannip.test" },
			{ origin: "http://hannip.test:8080" },
			{ origin: "http://hannip.test.evil.test" },
			{ "sec-fetch-site": "cross-site" },
			{ "sec-fetch-site": "same-site" },
			{ "sec-fetch-site": "cross-site", origin: PUBLIC_ORIGIN },
		];
		for (const headers of foreign) {
			await anyone.refused("auth.refresh", { refreshToken }, "cross_site_request", { headers });
		}
		for (const headers of [{ origin: PUBLIC_ORIGIN, "sec-fetch-site": "same-origin" }, { "sec-fetch-site": "none" }]) {
			const answer = await anyone.call("auth.refresh", { refreshToken }, { headers });
			assert.equal(answer.status, 200);
		}
	});
});

describe("sessions", () => {
	it("are listed, the current one marked, the last one used first, and none of anybody else", async () => {
		const bob = await newPerson(anyone, { name: "Bob" });
		const { sessionId, api } = await logIn();
		const { items } = await api.ok("auth.listSessions", {});
		assert.equal(items[0]?.id, sessionId);
		assert.deepEqual(
			items.filter(({ current }) => current).map(({ id }) => id),
			[sessionId],
		);
		assert.ok(!items.some(({ id }) => id === bob.sessionId));
		assert.deepEqual((await bob.api.ok("auth.listSessions", {})).items.length, 1);
	});

	it("that are over are neither listed, nor kept when their owner logs in again", async () => {
		const bob = await newPerson(anyone, { name: "Bob" });
		const kept = documents<Session>(platform.broker.getLocalService("auth") as Service, "sessions");
		const now = Date.now();
		const { session } = await openSession(kept, {
			userId: bob.userId,
			userAgent: "an old phone",
			jkt: "A".repeat(43),
			nowMs: now - SESSION_TTL_MS,
		});
		const { items } = await bob.api.ok("auth.listSessions", {});
		assert.deepEqual(
			items.map(({ id }) => id),
			[bob.sessionId],
		);
		await anyone.from(bob.prover).ok("auth.login", { handle: bob.handle, password: PASSWORD });
		assert.equal(await kept.findById(session._id), null);
		assert.equal((await kept.find({ query: { userId: bob.userId } })).length, 2);
	});

	it("end by log-out: the cookie is cleared and refreshes no more", async () => {
		const { api, refreshToken, sessionId } = await logIn();
		const answer = await api.call("auth.logout", {});
		assert.equal(answer.status, 204);
		assert.equal(answer.text, "");
		assert.match(String(answer.headers["set-cookie"]), /^__Host-hannip-refresh=; Max-Age=0; /);
		await anyone.refused("auth.refresh", { refreshToken }, "session_ended");
		const { items } = await ada.api.ok("auth.listSessions", {});
		assert.ok(!items.some(({ id }) => id === sessionId));
		await api.refused("auth.logout", {}, "unauthenticated");
	});

	it("can be ended from another device", async () => {
		const { refreshToken, sessionId } = await logIn();
		await ada.api.ok("auth.revokeSession", { sessionId });
		await anyone.refused("auth.refresh", { refreshToken }, "session_ended");
		await ada.api.refused("auth.revokeSession", { sessionId }, "not_found");
	});

	it("cannot be ended by anybody else, and nobody learns that they exist", async () => {
		const eve = await newPerson(anyone, { name: "Eve" });
		const { refreshToken, sessionId } = await logIn();
		const others = await eve.api.refused("auth.revokeSession", { sessionId }, "not_found");
		const unknown = await eve.api.refused("auth.revokeSession", { sessionId: `n_${"A".repeat(16)}` }, "not_found");
		assert.deepEqual({ ...others, traceId: "" }, { ...unknown, traceId: "" });
		for (const bad of ["x", "n_", { $ne: "" }]) {
			await eve.api.refused("auth.revokeSession", { sessionId: bad }, "validation_failed");
		}
		await anyone.ok("auth.refresh", { refreshToken });
	});
});

describe("the public keys", () => {
	it("verify access tokens and say nothing that is private", async () => {
		const { accessToken, sessionId } = await logIn();
		const { keys } = await anyone.ok("auth.jwks", {});
		const { header, payload } = jwt.decode(accessToken, { complete: true }) ?? assert.fail("not a JWT");
		assert.deepEqual({ alg: header.alg, typ: header.typ }, { alg: "ES256", typ: "at+jwt" });
		const key = keys.find(({ kid }) => kid === header.kid) ?? assert.fail("an unknown key id");
		assert.deepEqual(Object.keys(key).sort(), ["alg", "crv", "kid", "kty", "use", "x", "y"]);
		jwt.verify(accessToken, createPublicKey({ key, format: "jwk" }), { algorithms: ["ES256"], issuer: PUBLIC_ORIGIN });
		const { sub, sid, aud, iat = 0, exp = 0 } = payload as jwt.JwtPayload;
		assert.deepEqual(
			{ sub, sid, aud, lifeS: exp - iat },
			{ sub: ada.userId, sid: sessionId, aud: "hannip:public", lifeS: 300 },
		);
	});
});
