import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { before, test } from "node:test";
import { createVerifier, httpbis } from "http-message-signatures";
import { readSignature } from "../../services/api/request-signature.ts";
import { type DeviceKey, newDeviceKey } from "./device-key.ts";
import { RequestSigner, type Signable } from "./request-signer.ts";

const origin = "https://pay.example";
const keyId = "t_AAAAAAAAAAAAAAAA";
const accessToken = "eyJ.eyJ.c2ln";
const body = new Uint8Array(Buffer.from('{"code":"HN:1","note":"한닢"}'));

let key: DeviceKey;
let signer: RequestSigner;
before(async () => {
	key = await newDeviceKey();
	signer = new RequestSigner(key, { origin, keyId });
});

const publicKeyOf = ({ publicJwk }: DeviceKey) => createPublicKey({ key: publicJwk, format: "jwk" });

const requests: readonly Signable[] = [
	{ method: "POST", path: "/v1/stores/s_1/sales", accessToken, idempotencyKey: "01976d8e-0000", body },
	{ method: "POST", path: "/v1/tills/sessions" },
	{ method: "POST", path: "/v1/tills/sessions", body: new Uint8Array() },
	{ method: "POST", path: "/v1/tills", body },
	{ method: "GET", path: "/v1/stores/s_1/sales?limit=5&after=a%2Fb", accessToken },
	{ method: "DELETE", path: "/v1/stores/s_1/products/p_1", accessToken, idempotencyKey: "01976d8e-0001" },
];

function read(
	{ method, path, body = new Uint8Array() }: Signable,
	headers: Record<string, string>,
	nowMs = Date.now(),
) {
	const rawHeaders = Object.entries(headers).flat();
	return readSignature({ method, uri: origin + path, rawHeaders, body: Buffer.from(body), nowMs });
}

test("what a till signs is what the gateway reads", async () => {
	for (const request of requests) {
		const found = read(request, await signer.headersFor(request)) ?? assert.fail(JSON.stringify(request));
		assert.ok(await found.isBy(publicKeyOf(key)));
		assert.equal(found.keyId, keyId);
		assert.equal(await found.isBy(publicKeyOf(await newDeviceKey())), false);
	}
});

test("it is what another implementation reads, too", async () => {
	for (const request of requests) {
		const headers = await signer.headersFor(request);
		const isRight = await httpbis.verifyMessage(
			{
				keyLookup: async ({ keyid }) =>
					keyid === keyId ? { id: keyId, verify: createVerifier(publicKeyOf(key), "ecdsa-p256-sha256") } : null,
				all: true,
				requiredParams: ["created", "nonce", "keyid", "tag"],
				requiredFields: [
					"@method",
					"@target-uri",
					...Object.keys(headers).filter((name) => !name.startsWith("signature")),
				],
			},
			{ method: request.method, url: origin + request.path, headers },
		);
		assert.equal(isRight, true);
	}
});

test("the same request signed again is another one", async () => {
	const [request] = requests as [Signable];
	const all = await Promise.all(Array.from({ length: 100 }, () => signer.headersFor(request)));
	assert.equal(new Set(all.map((headers) => read(request, headers)?.nonce)).size, 100);
	assert.equal(new Set(all.map(({ signature }) => signature)).size, 100);
});

test("a key that is no till's yet signs under its thumbprint", async () => {
	const [, , , pairing] = requests as [Signable, Signable, Signable, Signable];
	const headers = await new RequestSigner(key, { origin }).headersFor(pairing);
	assert.equal(read(pairing, headers)?.keyId, key.thumbprint);
});

test("a till whose clock is wrong goes by the server's", async () => {
	const [request] = requests as [Signable];
	const wrong = new RequestSigner(key, { origin, keyId });
	const nowMs = Date.now() + 40 * 86_400_000;
	const said = (date: string | null) => wrong.learn({ headers: { get: (name) => (name === "date" ? date : null) } });
	assert.equal(read(request, await wrong.headersFor(request), nowMs), undefined);
	said(new Date(nowMs).toUTCString());
	for (const nothing of [null, "", "yesterday"]) said(nothing);
	assert.ok(await read(request, await wrong.headersFor(request), nowMs)?.isBy(publicKeyOf(key)));
});

test("the private half of its key cannot be read out", async () => {
	assert.equal(key.privateKey.extractable, false);
	await assert.rejects(crypto.subtle.exportKey("jwk", key.privateKey));
	await assert.rejects(crypto.subtle.exportKey("pkcs8", key.privateKey));
	assert.deepEqual(Object.keys(key.publicJwk).sort(), ["crv", "kty", "x", "y"]);
});
