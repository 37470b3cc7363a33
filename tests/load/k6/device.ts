// What a phone or a till signs, in k6's own WebCrypto. k6 runs no npm packages, so `clients/sdk` cannot be used here, only what of it needs none;
// that the rest is right is what the platform says, which takes no request without a proof.
import type { webcrypto } from "node:crypto";
import { sha256 } from "k6/crypto";
import encoding from "k6/encoding";
import { thumbprintInput } from "../../../mixins/thumbprint.ts";
import { signatureBase, TILL_TAG } from "../../../services/api/signature-base.ts";

const ECDSA = { name: "ECDSA", hash: { name: "SHA-256" } };
const P256 = { name: "ECDSA", namedCurve: "P-256" };

/** The key of one phone or till. It can be handed from `setup` to the virtual users, so it is extractable, which no client's is. */
export type DeviceKey = { readonly privateKey: webcrypto.CryptoKey; readonly x: string; readonly y: string };
export type StoredKey = webcrypto.JsonWebKey;

export async function newStoredKey(): Promise<StoredKey> {
	for (;;) {
		const { privateKey } = (await crypto.subtle.generateKey(P256, true, ["sign", "verify"])) as webcrypto.CryptoKeyPair;
		const jwk = await crypto.subtle.exportKey("jwk", privateKey);
		// k6 leaves leading zeros out, which RFC 7518 6.2.1.2 forbids, and the platform refuses.
		if ([jwk.x, jwk.y].every((coordinate) => coordinate?.length === 43)) return jwk;
	}
}

export async function readKey(stored: StoredKey): Promise<DeviceKey> {
	const privateKey = await crypto.subtle.importKey("jwk", stored, P256, true, ["sign"]);
	return { privateKey, x: String(stored.x), y: String(stored.y) };
}

export const newKey = async (): Promise<DeviceKey> => readKey(await newStoredKey());

export const publicJwkOf = ({ x, y }: Pick<DeviceKey, "x" | "y">) => ({ kty: "EC", crv: "P-256", x, y }) as const;

/** RFC 7638. */
export const thumbprintOf = (key: Pick<DeviceKey, "x" | "y">): string => sha256(thumbprintInput(key), "base64rawurl");

/** k6 has no TextEncoder. */
function utf8(text: string): Uint8Array<ArrayBuffer> {
	const bytes = unescape(encodeURIComponent(text));
	const out = new Uint8Array(bytes.length);
	for (let index = 0; index < bytes.length; index++) out[index] = bytes.charCodeAt(index);
	return out;
}

const sign = (key: DeviceKey, text: string): Promise<ArrayBuffer> =>
	crypto.subtle.sign(ECDSA, key.privateKey, utf8(text));

export type Asked = { readonly method: string; readonly origin: string; readonly path: string };

/** A proof for one request (RFC 9449 4.2). */
export async function proofOf(
	key: DeviceKey,
	{ method, origin, path, nonce, accessToken }: Asked & { readonly nonce?: string; readonly accessToken?: string },
): Promise<string> {
	const header = { alg: "ES256", typ: "dpop+jwt", jwk: publicJwkOf(key) };
	const claims = {
		jti: crypto.randomUUID(),
		htm: method,
		htu: origin + path.split("?")[0],
		iat: Math.floor(Date.now() / 1_000),
		...(nonce !== undefined && { nonce }),
		...(accessToken !== undefined && { ath: sha256(accessToken, "base64rawurl") }),
	};
	const signed = [header, claims].map((part) => encoding.b64encode(JSON.stringify(part), "rawurl")).join(".");
	return `${signed}.${encoding.b64encode(await sign(key, signed), "rawurl")}`;
}

type Signed = Asked & {
	readonly keyId: string;
	readonly body?: string;
	readonly headers: Readonly<Record<string, string>>;
};

/** A till's signature over one request, with everything it covers (RFC 9421, RFC 9530). */
export async function signatureOf(key: DeviceKey, { method, origin, path, keyId, body, headers }: Signed) {
	const digest = body === undefined ? undefined : `sha-256=:${sha256(body, "base64")}:`;
	const covered: Record<string, string> = {
		...headers,
		...(digest !== undefined && { "content-digest": digest }),
	};
	const values = new Map([["@method", method], ["@target-uri", origin + path], ...Object.entries(covered)]);
	const nonce = crypto.randomUUID().replaceAll("-", "");
	const created = Math.floor(Date.now() / 1_000);
	const names = [...values.keys()];
	const list = names.map((name) => `"${name}"`).join(" ");
	const input = `(${list});created=${created};nonce="${nonce}";keyid="${keyId}";tag="${TILL_TAG}"`;
	const signature = encoding.b64encode(await sign(key, signatureBase(names, values, input)), "std");
	return { ...covered, "signature-input": `till=${input}`, signature: `till=:${signature}:` };
}
