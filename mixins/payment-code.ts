import { createCipheriv, type KeyObject, randomBytes } from "node:crypto";
import base45 from "base45";
import { isSignedEs256, SIGNATURE_BYTES, signEs256 } from "./es256.ts";

/**
 * The payment code that a customer shows (design §6): 99 bytes, base45 behind a prefix, 152 characters of QR's alphanumeric
 * mode: version 6-M, 41 × 41 modules, the largest that an old phone's camera reads at once.
 *
 *     version 1 | key id 1 | wallet handle 12 | jti 12 | issued at 4 (s) | time to live 1 (s) | cap 4 | ES256 64
 *
 * The handle is the wallet's id under a key stream of its own for every code (AES of jti and time): whoever photographs two
 * codes cannot tell that they are the same person's. ES256 signatures are malleable, so a code is used up by its jti and never
 * by its bytes.
 */
export type CodeClaims = {
	readonly kid: number;
	readonly userId: string;
	readonly jti: string;
	readonly issuedAtMs: number;
	readonly expiresAtMs: number;
	readonly cap: number;
};

/** The largest cap that 4 bytes hold. */
export const CODE_CAP_MAX = 0xffff_ffff;
/** The longest life of a code: Korea's QR payment standard of 2018 (FSC). */
export const CODE_TTL_MAX_S = 180;
/** So long before it is good a code may be made, for a phone that will be offline. */
export const CODE_AHEAD_MAX_S = 120;

const PREFIX = "HN:";
const VERSION = 1;
const SIGNED_BYTES = 35;
const CODE_BYTES = SIGNED_BYTES + SIGNATURE_BYTES;
const AT = { kid: 1, handle: 2, jti: 14, issuedAt: 26, ttl: 30, cap: 31 };

export type CodeRequest = {
	readonly userId: string;
	readonly nowMs: number;
	readonly ttlS: number;
	readonly cap: number;
};
export type CodeKey = { readonly kid: number; readonly privateKey: KeyObject; readonly handleKey: KeyObject };

export function makeCode(request: CodeRequest, key: CodeKey): { code: string; claims: CodeClaims } {
	const { userId, nowMs, ttlS, cap } = request;
	const issuedAtS = Math.floor(nowMs / 1_000);
	const bytes = Buffer.alloc(SIGNED_BYTES);
	bytes.writeUInt8(VERSION, 0);
	bytes.writeUInt8(key.kid & 0xff, AT.kid);
	randomBytes(12).copy(bytes, AT.jti);
	bytes.writeUInt32BE(issuedAtS, AT.issuedAt);
	bytes.writeUInt8(ttlS, AT.ttl);
	bytes.writeUInt32BE(cap, AT.cap);
	mask(Buffer.from(userId.slice(2), "base64url"), bytes, key.handleKey).copy(bytes, AT.handle);
	const code = PREFIX + base45.encode(Buffer.concat([bytes, signEs256(bytes, key.privateKey)]));
	return { code, claims: claimsOf(bytes, key.handleKey) };
}

export type VerifyingKey = { readonly publicKey: KeyObject; readonly handleKey: KeyObject };

/**
 * What a code says, if it was signed by the key that it names. Whether it was used only the ledger knows. Whether it has
 * expired `store` says before anybody is asked to confirm it, and the ledger, by its own clock, has the last word.
 *
 * @param keyOf the key of an id that nobody vouches for yet
 */
export async function openCode(
	code: string,
	keyOf: (kid: number) => Promise<VerifyingKey | undefined>,
): Promise<CodeClaims | undefined> {
	const bytes = decode(code);
	const key = bytes && (await keyOf(bytes.readUInt8(AT.kid)));
	if (!bytes || !key) return undefined;
	const signed = bytes.subarray(0, SIGNED_BYTES);
	return (await isSignedEs256(signed, key.publicKey, bytes.subarray(SIGNED_BYTES)))
		? claimsOf(signed, key.handleKey)
		: undefined;
}

function claimsOf(bytes: Buffer, handleKey: KeyObject): CodeClaims {
	const issuedAtMs = bytes.readUInt32BE(AT.issuedAt) * 1_000;
	const ttlS = Math.min(bytes.readUInt8(AT.ttl), CODE_TTL_MAX_S);
	return {
		kid: bytes.readUInt8(AT.kid),
		userId: `u_${mask(bytes.subarray(AT.handle, AT.jti), bytes, handleKey).toString("base64url")}`,
		jti: bytes.subarray(AT.jti, AT.issuedAt).toString("base64url"),
		issuedAtMs,
		expiresAtMs: issuedAtMs + ttlS * 1_000,
		cap: bytes.readUInt32BE(AT.cap),
	};
}

/** XOR with AES-256 of the 16 bytes jti | issued at, which are never the same twice. Its own inverse. */
function mask(id: Buffer, bytes: Buffer, handleKey: KeyObject): Buffer {
	const cipher = createCipheriv("aes-256-ecb", handleKey, null).setAutoPadding(false);
	const stream = cipher.update(bytes.subarray(AT.jti, AT.ttl));
	return Buffer.from(id.map((byte, index) => byte ^ (stream[index] as number)));
}

function decode(code: string): Buffer | undefined {
	if (!code.startsWith(PREFIX) || code.length > PREFIX.length + 160) return undefined;
	try {
		const bytes = Buffer.from(base45.decode(code.slice(PREFIX.length)));
		// Base45 has one way to write a value, but decoders are lenient; a code has exactly one text.
		const isCanonical = PREFIX + base45.encode(bytes) === code;
		return isCanonical && bytes.length === CODE_BYTES && bytes[0] === VERSION ? bytes : undefined;
	} catch {
		return undefined;
	}
}
