import { type CryptoKey, calculateJwkThumbprint, exportJWK } from "jose";

/** The key of one browser or till. Its private half cannot be read out, by nobody's script: WebCrypto only lends it. */
export type DeviceKey = {
	readonly privateKey: CryptoKey;
	/** RFC 7517. */
	readonly publicJwk: { readonly kty: "EC"; readonly crv: "P-256"; readonly x: string; readonly y: string };
	/** RFC 7638, SHA-256. */
	readonly thumbprint: string;
};

/** A browser keeps it in IndexedDB, which can hold a CryptoKey that nobody can export. */
export async function newDeviceKey(): Promise<DeviceKey> {
	const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
	const { x, y } = await exportJWK(pair.publicKey);
	const publicJwk = { kty: "EC", crv: "P-256", x: String(x), y: String(y) } as const;
	return { privateKey: pair.privateKey, publicJwk, thumbprint: await calculateJwkThumbprint(publicJwk) };
}
