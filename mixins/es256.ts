import { type KeyObject, sign, verify } from "node:crypto";
import { derToJose, joseToDer } from "ecdsa-sig-formatter";

// ES256 as JOSE and HTTP message signatures write it: r and s one behind the other (RFC 7518 3.4). Node writes that as well (`ieee-p1363`), but
// takes the key apart for each signature, which takes half as long as the signature itself; so it is asked for DER, which costs nothing more.

export const SIGNATURE_BYTES = 64;

export const signEs256 = (bytes: Buffer, key: KeyObject): Buffer =>
	Buffer.from(derToJose(sign("sha256", bytes, key), "ES256"), "base64url");

/** @param signature of 64 bytes */
export const isSignedEs256 = (bytes: Buffer, key: KeyObject, signature: Buffer): boolean =>
	signature.length === SIGNATURE_BYTES && verify("sha256", bytes, key, joseToDer(signature, "ES256"));
