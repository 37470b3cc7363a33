import { hash, type KeyObject, sign, verify } from "node:crypto";
import { promisify } from "node:util";
import { derToJose, joseToDer } from "ecdsa-sig-formatter";
import { thumbprintInput } from "./thumbprint.ts";

// ES256 as JOSE and HTTP message signatures write it: r and s one behind the other (RFC 7518 3.4). Node writes that as well (`ieee-p1363`), but
// takes the key apart for each signature, which takes half as long as the signature itself; so it is asked for DER, which costs nothing more.

export const SIGNATURE_BYTES = 64;

export const signEs256 = (bytes: Buffer, key: KeyObject): Buffer =>
	Buffer.from(derToJose(sign("sha256", bytes, key), "ES256"), "base64url");

/** A public key's thumbprint (RFC 7638), as base64url. */
export const thumbprintOf = (key: Parameters<typeof thumbprintInput>[0]): string =>
	hash("sha256", thumbprintInput(key), "base64url");

/**
 * Beside what the process does meanwhile: a check takes as long as the rest of a request's way through the gateway.
 *
 * @param signature of 64 bytes
 */
export const isSignedEs256 = async (bytes: Buffer, key: KeyObject, signature: Buffer): Promise<boolean> =>
	signature.length === SIGNATURE_BYTES && (await verified("sha256", bytes, key, joseToDer(signature, "ES256")));

const verified = promisify(verify) as (
	algorithm: string,
	bytes: Buffer,
	key: KeyObject,
	signature: Buffer,
) => Promise<boolean>;
