import assert from "node:assert/strict";
import { createSecretKey, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { test } from "node:test";
import jwt from "jsonwebtoken";
import type { Result } from "../services/actions.ts";
import { ACCESS, Keyring, TILL } from "./keyring.ts";
import { makeCode } from "./payment-code.ts";

type Ring = Result<"auth.keyring">["keys"];
type State = Ring[number]["state"];

const ISSUER = "http://hannip.test";

/** What `auth` has: some keys, of which it tells the public halves, and how often it was asked. */
class Auth {
	readonly privateKeys = new Map<string, KeyObject>();
	ring: Ring = [];
	asked = 0;
	isDown = false;

	readonly load = async () => {
		this.asked++;
		if (this.isDown) throw new Error("auth is down");
		return { keys: this.ring };
	};

	add(kid: string): void {
		const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
		const { x, y } = publicKey.export({ format: "jwk" });
		const jwk = { kty: "EC", crv: "P-256", x: String(x), y: String(y), kid, use: "sig", alg: "ES256" } as const;
		this.privateKeys.set(kid, privateKey);
		const states: State[] = ["next", "active"];
		this.ring = [
			...this.ring,
			{ kid, state: "next" as State, jwk, handleKey: randomBytes(32).toString("base64url") },
		].map((key, index, { length }) => ({ ...key, state: states[length - 1 - index] ?? "previous" }));
	}

	/** As if this key did not sign any more since then. */
	retire(kid: string, agoMs: number): void {
		this.ring = this.ring.map((key) => (key.kid === kid ? { ...key, retiredAtMs: Date.now() - agoMs } : key));
	}

	token(kid: string, signer = this.privateKeys.get(kid) as KeyObject, kind = ACCESS): string {
		return jwt.sign({ sid: "n_1", store: "s_1", cnf: { jkt: "phone" } }, signer, {
			algorithm: "ES256",
			keyid: kid,
			header: { alg: "ES256", typ: kind.typ },
			subject: "u_ada",
			audience: kind.audience,
			issuer: ISSUER,
			expiresIn: 60,
		});
	}

	code(kid: string): string {
		const handleKey = createSecretKey(this.ring.find((key) => key.kid === kid)?.handleKey ?? "", "base64url");
		const request = { userId: `u_${"A".repeat(16)}`, nowMs: Date.now(), ttlS: 60, cap: 1 };
		return makeCode(request, { kid: Number(kid), privateKey: this.privateKeys.get(kid) as KeyObject, handleKey }).code;
	}
}

async function newRing(kids: readonly string[]) {
	const auth = new Auth();
	for (const kid of kids) auth.add(kid);
	const keyring = new Keyring(auth.load);
	await keyring.reload();
	return { auth, keyring };
}

test("what any of the keys signed is read: next, active and previous", async () => {
	const { auth, keyring } = await newRing(["1", "2", "3", "4"]);
	for (const kid of ["1", "2", "3", "4"]) {
		assert.equal((await keyring.readAccessToken(auth.token(kid), ISSUER))?.userId, "u_ada");
		assert.equal((await keyring.readCode(auth.code(kid)))?.kid, Number(kid));
	}
	assert.equal(auth.asked, 1);
});

test("a thousand unknown key ids at once, and a thousand after one another, load the ring no more often than once", async () => {
	const { auth, keyring } = await newRing(["1", "2"]);
	const eve = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
	const tokens = Array.from({ length: 1_000 }, (_, index) => auth.token(String(index + 10), eve));
	for (const token of tokens) assert.equal(await keyring.readAccessToken(token, ISSUER), undefined);
	await Promise.all(tokens.map((token) => keyring.readAccessToken(`${token}x`, ISSUER)));
	assert.equal(auth.asked, 1);
});

test("whoever asks while the ring is loaded waits for it, also the first thousand", async () => {
	const auth = new Auth();
	for (const kid of ["1", "2"]) auth.add(kid);
	const keyring = new Keyring(auth.load);
	const token = auth.token("1");
	const people = await Promise.all(Array.from({ length: 1_000 }, () => keyring.readAccessToken(token, ISSUER)));
	assert.ok(people.every((person) => person?.userId === "u_ada"));
	assert.equal(auth.asked, 1);
});

test("a ring that cannot be loaded is not asked for with every token either", async () => {
	const { auth, keyring } = await newRing(["1", "2"]);
	auth.isDown = true;
	await assert.rejects(keyring.refresh(), /auth is down/);
	for (let kid = 10; kid < 1_010; kid++)
		await keyring.readAccessToken(auth.token(String(kid), auth.privateKeys.get("1")), ISSUER);
	assert.equal(auth.asked, 2);
	assert.ok(await keyring.readAccessToken(auth.token("1"), ISSUER), "what was known stays known");
});

test("a refresh brings new keys at once, and takes away those that are gone", async () => {
	const { auth, keyring } = await newRing(["1", "2"]);
	auth.add("3");
	assert.equal(await keyring.readCode(auth.code("3")), undefined);
	await keyring.refresh();
	assert.equal((await keyring.readCode(auth.code("3")))?.kid, 3);
	const old = auth.code("1");
	auth.ring = auth.ring.slice(1);
	await keyring.refresh();
	assert.equal(await keyring.readCode(old), undefined);
});

test("the first of the secrets is the active key's, which those who heard of the newest and those who did not have", async () => {
	const { auth, keyring } = await newRing(["1", "2", "3"]);
	const secretOf = (kid: string) => Buffer.from(auth.ring.find((key) => key.kid === kid)?.handleKey ?? "", "base64url");
	assert.deepEqual(
		keyring.secrets.map((secret) => secret.export()),
		["2", "1", "3"].map(secretOf),
	);
});

const MINUTE_MS = 60_000;

test("what a key signed is read for as long as it can live after the key was rotated away, and no longer", async () => {
	const { auth, keyring } = await newRing(["1", "2", "3"]);
	const till = () => auth.token("1", auth.privateKeys.get("1"), TILL);
	const readAfter = async (agoMs: number) => {
		auth.retire("1", agoMs);
		await keyring.refresh();
		const [code, person, shop] = await Promise.all([
			keyring.readCode(auth.code("1")),
			keyring.readAccessToken(auth.token("1"), ISSUER),
			keyring.readTillToken(till(), ISSUER),
		]);
		return { code: !!code, person: !!person, till: !!shop };
	};
	assert.deepEqual(await readAfter(9 * MINUTE_MS), { code: true, person: true, till: true });
	assert.deepEqual(await readAfter(11 * MINUTE_MS), { code: false, person: false, till: true });
	assert.deepEqual(await readAfter((12 * 60 + 4) * MINUTE_MS), { code: false, person: false, till: true });
	assert.deepEqual(await readAfter((12 * 60 + 6) * MINUTE_MS), { code: false, person: false, till: false });
});

test("a token that was read before is refused with its key: what was found right is not right for ever", async () => {
	const { auth, keyring } = await newRing(["1", "2", "3"]);
	const [retired, gone] = [auth.token("1"), auth.token("2")];
	for (const token of [retired, gone]) assert.ok(await keyring.readAccessToken(token, ISSUER));
	auth.retire("1", 11 * MINUTE_MS);
	auth.ring = auth.ring.filter(({ kid }) => kid !== "2");
	await keyring.refresh();
	for (const token of [retired, gone]) assert.equal(await keyring.readAccessToken(token, ISSUER), undefined);
});

test("a key that was rotated away is none of the secrets any more when nothing can be left that it made", async () => {
	const { auth, keyring } = await newRing(["1", "2", "3"]);
	auth.retire("1", 8 * MINUTE_MS);
	await keyring.refresh();
	assert.equal(keyring.secrets.length, 2);
});
