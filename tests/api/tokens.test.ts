import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { after, before, describe, it } from "node:test";
import jwt from "jsonwebtoken";
import { type Client, PUBLIC_ORIGIN } from "./client.ts";
import { codeKeyOf, newPerson, type Person } from "./people.ts";
import { booksOf, startTestPlatform, type TestPlatform } from "./platform.ts";

let platform: TestPlatform;
let anyone: Client;
let ada: Person;
let kid: string;
let privateKey: KeyObject;
let claims: jwt.JwtPayload;
before(async () => {
	platform = await startTestPlatform();
	anyone = platform.anyone;
	ada = await newPerson(anyone, { name: "Ada", credit: 1_000 });
	const key = codeKeyOf(platform.broker);
	kid = String(key.kid);
	privateKey = key.privateKey;
	claims = jwt.decode(ada.accessToken) as jwt.JwtPayload;
});
after(() => platform.stop());

const nothingChanges = (work: () => Promise<void>) => async () => {
	const before = await booksOf(platform.operator, [ada.wallet]);
	await work();
	assert.deepEqual(await booksOf(platform.operator, [ada.wallet]), before);
};

/** A token of any shape, signed with the platform's own key unless told otherwise. */
function forge({
	header = {},
	payload = {},
	key = privateKey,
}: {
	header?: object;
	payload?: object;
	key?: KeyObject;
} = {}) {
	const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
	const head = { alg: "ES256", typ: "at+jwt", kid, ...header };
	const signed = `${part(head)}.${part({ ...claims, ...payload })}`;
	return `${signed}.${sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

async function refuses(tokens: readonly string[]): Promise<void> {
	for (const token of tokens) {
		const api = anyone.from(ada.prover, token);
		const read = await api.raw({ method: "GET", path: "/v1/me" });
		const move = await api.raw({
			method: "POST",
			path: "/v1/me/charges",
			headers: { "content-type": "application/json", "idempotency-key": "forged-key" },
			body: '{"amount":1}',
		});
		for (const answer of [read, move]) {
			assert.equal(answer.status, 401, `${token.slice(0, 80)} ${answer.text}`);
			assert.deepEqual(
				{ ...(answer.body as object), traceId: "" },
				{
					type: "/problems/unauthenticated",
					title: "A valid access token is needed, and a proof that it is yours",
					status: 401,
					code: "unauthenticated",
					traceId: "",
				},
			);
		}
	}
}

const nowS = () => Math.floor(Date.now() / 1_000);

describe("an access token", () => {
	it("of ours is good", async () => {
		const api = anyone.from(ada.prover, forge());
		assert.equal((await api.ok("user.me", {})).userId, ada.userId);
	});

	it(
		"that has expired, or is for later, is not",
		nothingChanges(() =>
			refuses([
				forge({ payload: { iat: nowS() - 301, exp: nowS() - 1 } }),
				forge({ payload: { exp: 0 } }),
				forge({ payload: { exp: "tomorrow" } }),
				forge({ payload: { nbf: nowS() + 60 } }),
			]),
		),
	);

	it("that has expired is said to be that, in the header alone, and nothing is said of any other (RFC 6750 3.1)", async () => {
		const saidOf = async (token: string, path = "/v1/me") => {
			const { headers } = await anyone.from(ada.prover, token).raw({ method: "GET", path });
			assert.equal(headers["dpop-nonce"], undefined);
			return headers["www-authenticate"];
		};
		const ended = { exp: nowS() - 1 };
		const why = 'error="invalid_token", error_description="The access token has expired"';
		assert.equal(await saidOf(forge({ payload: ended })), `DPoP algs="ES256", ${why}`);
		const store = "/v1/stores/s_AAAAAAAAAAAAAAAA";
		assert.equal(await saidOf(forge({ payload: ended }), store), `DPoP algs="ES256", ${why}, Till ${why}`);
		const { privateKey: other } = generateKeyPairSync("ec", { namedCurve: "P-256" });
		for (const token of [
			forge({ payload: ended, key: other }),
			forge({ payload: { ...ended, aud: "hannip:till" } }),
			forge({ payload: { ...ended, iss: "http://other.test" } }),
			forge({ payload: ended, header: { typ: "till+jwt" } }),
			forge({ payload: { exp: "yesterday" } }),
			forge({ payload: { nbf: nowS() + 60 } }),
			`${forge({ payload: ended })}x`,
		]) {
			assert.equal(await saidOf(token), 'DPoP algs="ES256"', token.slice(-300, -100));
		}
	});

	it(
		"without an end is not",
		nothingChanges(() => {
			const { exp: _, ...rest } = claims;
			claims = rest;
			return refuses([forge()]).finally(() => {
				claims = { ...rest, exp: nowS() + 300 };
			});
		}),
	);

	it(
		"for something else is not",
		nothingChanges(() =>
			refuses([
				forge({ payload: { aud: "hannip:store" } }),
				forge({ payload: { aud: "" } }),
				forge({ payload: { iss: "http://other.test" } }),
				forge({ payload: { iss: `${PUBLIC_ORIGIN}/` } }),
				forge({ header: { typ: "JWT" } }),
				forge({ header: { typ: "dpop+jwt" } }),
				forge({ header: { typ: undefined } }),
			]),
		),
	);

	it(
		"without a signature is not",
		nothingChanges(() => {
			const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
			const algorithms = ["none", "None", "NONE", "nOnE", ""];
			const unsigned = algorithms.map((alg) => `${part({ alg, typ: "at+jwt", kid })}.${part(claims)}.`);
			const [head, body] = forge().split(".");
			return refuses([...unsigned, `${head}.${body}.`, `${head}.${body}`, `${head}.${body}.${"A".repeat(86)}`]);
		}),
	);

	it(
		"signed with the public key as a secret is not",
		nothingChanges(async () => {
			const [jwk] = (await anyone.ok("auth.jwks", {})).keys;
			const publicKey = createPublicKey({ key: jwk as never, format: "jwk" });
			const secrets = [
				publicKey.export({ format: "pem", type: "spki" }).toString(),
				publicKey.export({ format: "der", type: "spki" }).toString("latin1"),
				JSON.stringify(jwk),
				String(jwk?.x),
				"",
			];
			const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
			const { createHmac } = await import("node:crypto");
			for (const alg of ["HS256", "HS384", "HS512"]) {
				const signed = `${part({ alg, typ: "at+jwt", kid })}.${part(claims)}`;
				await refuses(
					secrets.map((secret) => {
						const mac = createHmac(`sha${alg.slice(2)}`, secret)
							.update(signed)
							.digest("base64url");
						return `${signed}.${mac}`;
					}),
				);
			}
		}),
	);

	it(
		"signed by somebody else is not, wherever it says that the key is",
		nothingChanges(async () => {
			const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
			const jwk = other.publicKey.export({ format: "jwk" });
			const { privateKey: rsa } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
			await refuses([
				forge({ key: other.privateKey }),
				forge({ key: other.privateKey, header: { jwk } }),
				forge({ key: other.privateKey, header: { jku: "http://127.0.0.1:1/jwks.json" } }),
				forge({ key: other.privateKey, header: { x5u: "http://127.0.0.1:1/cert" } }),
				jwt.sign({ sid: ada.sessionId }, rsa, { algorithm: "RS256", keyid: kid, subject: ada.userId }),
			]);
		}),
	);

	it(
		"that names a key in a strange way is not",
		nothingChanges(() =>
			refuses(
				[
					undefined,
					null,
					1,
					"",
					"0",
					"2",
					"01",
					" 1",
					"../../etc/passwd",
					"__proto__",
					"constructor",
					{ $ne: null },
					["1"],
					"x".repeat(5_000),
				].map((strange) => forge({ header: { kid: strange } })),
			),
		),
	);

	it(
		"that was altered in any one character is not",
		nothingChanges(async () => {
			const { accessToken } = ada;
			const places = Array.from({ length: 60 }, (_, index) => Math.floor((index * accessToken.length) / 60));
			const altered = places.map((at) => {
				const swapped = accessToken[at] === "A" ? "B" : "A";
				return accessToken.slice(0, at) + swapped + accessToken.slice(at + 1);
			});
			await refuses(altered.filter((token) => token !== accessToken));
		}),
	);

	it(
		"of another platform is not",
		nothingChanges(async () => {
			const other = await startTestPlatform();
			try {
				await refuses([(await newPerson(other.anyone)).accessToken]);
			} finally {
				await other.stop();
			}
		}),
	);

	it(
		"that is something else altogether is not",
		nothingChanges(() =>
			refuses(
				[
					"x",
					"a.b.c",
					"...",
					`${ada.accessToken}.x`,
					ada.accessToken.slice(1),
					ada.sessionId,
					"null",
					"undefined",
					"e30.e30.e30",
					"=",
					"🙂",
				].map((token) => encodeURI(token)),
			),
		),
	);

	it(
		"is taken from one header only, in one way",
		nothingChanges(async () => {
			const { accessToken: token } = ada;
			const places = [
				{ path: `/v1/me?access_token=${token}` },
				{ path: `/v1/me?token=${token}` },
				{ path: "/v1/me", headers: { cookie: `access_token=${token}; authorization=DPoP ${token}` } },
				{ path: "/v1/me", headers: { "x-access-token": token } },
				{ path: "/v1/me", headers: { authorization: token } },
				{ path: "/v1/me", headers: { authorization: `Token ${token}` } },
				{ path: "/v1/me", headers: { authorization: `Basic ${Buffer.from(`${token}:`).toString("base64")}` } },
				{ path: "/v1/me", headers: { authorization: `DPoP\t${token}` } },
				{ path: "/v1/me", headers: { authorization: "DPoP" } },
				{ path: "/v1/me", headers: { authorization: `DPoP,${token}` } },
				{ path: "/v1/me", headers: { "proxy-authorization": `DPoP ${token}` } },
				{ path: "/v1/me", headers: { authorization: `Bearer ${token}` } },
			];
			for (const place of places) {
				const wire = { method: "GET", ...place };
				const { dpop } = await ada.api.proofOf(wire);
				const answer = await anyone.raw({ ...wire, headers: { dpop, ...place.headers } });
				assert.equal(answer.status, 401, JSON.stringify(place).slice(0, 80));
			}
		}),
	);

	it("is good for nobody's wallet but its owner's", async () => {
		const ghost = { sub: `u_${"A".repeat(16)}` };
		const api = anyone.from(ada.prover, forge({ payload: ghost }));
		// Signed by our key, and still: the session is another person's.
		await api.refused("user.me", {}, "unauthenticated");
		await api.refused("user.charge", { amount: 1 }, "unauthenticated");
		for (const sub of ["", "x", "wallet:x", "system:funding", { $ne: "" }, null]) {
			const strange = anyone.from(ada.prover, forge({ payload: { sub } }));
			for (const path of ["/v1/me", "/v1/stores", "/v1/sessions", "/v1/me/transactions"]) {
				const { status } = await strange.raw({ method: "GET", path });
				assert.ok(status < 500, `${path} for ${JSON.stringify(sub)} answered ${status}`);
			}
		}
	});
});

describe("the signing key", () => {
	it("is not what the public keys say", async () => {
		const [jwk] = (await anyone.ok("auth.jwks", {})).keys;
		assert.throws(() => createPrivateKey({ key: jwk as never, format: "jwk" }));
	});
});
