import { createPublicKey, hash, type KeyObject } from "node:crypto";
import jwt from "jsonwebtoken";
import { LRUCache } from "lru-cache";
import { thumbprintOf } from "../../mixins/es256.ts";
import { parseObject } from "./strict-json.ts";

/** A proof is about now: so much older, or by so much ahead, may it be. */
export const AGE_MAX_S = 60;
export const AHEAD_MAX_S = 10;

const PROOF_CHARS_MAX = 2_000;
const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86})$/;
/** 32 bytes. */
const COORDINATE = /^[A-Za-z0-9_-]{43}$/;

export type Proof = {
	/** The key's thumbprint (RFC 7638). */
	readonly jkt: string;
	readonly jti: string;
	/** What the server gave for it, if the client says so. */
	readonly nonce: string | undefined;
};

export type Proven = {
	readonly method: string;
	/** The address that was asked, as the platform names it: never from Host, and without the query. */
	readonly uri: string;
	/** None when there is none yet. */
	readonly accessToken?: string | undefined;
	readonly nowMs: number;
};

/**
 * Checks what a DPoP header claims: all of RFC 9449 4.3 but what needs more than the request (whether the nonce is ours, whether the
 * proof was used before, whether the token is bound to this key). Addresses are compared as they stand and not normalised, so there is
 * one right `htu`.
 *
 * @returns nothing if anything is wrong: what it was is for nobody to know
 */
export function readProof(header: string, { method, uri, accessToken, nowMs }: Proven): Proof | undefined {
	const parts = header.length <= PROOF_CHARS_MAX ? COMPACT.exec(header)?.slice(1) : undefined;
	if (!parts?.every(isCanonical)) return undefined;
	const [head, claims] = parts.slice(0, 2).map((part) => parseObject(Buffer.from(part, "base64url").toString()));
	const key = keyIn(head);
	if (!key || !claims || !isSigned(header, key.publicKey, nowMs)) return undefined;
	const { htm, htu, ath, iat, jti, nonce } = claims as Record<string, unknown>;
	if (htm !== method || htu !== uri) return undefined;
	if (ath !== (accessToken === undefined ? undefined : hash("sha256", accessToken, "base64url"))) return undefined;
	if (!isNow(iat, nowMs) || !isShortText(jti) || !(nonce === undefined || isShortText(nonce))) return undefined;
	return { jkt: key.jkt, jti, nonce };
}

/** One text for one value: Node's decoder takes others as well. */
const isCanonical = (part: string): boolean => Buffer.from(part, "base64url").toString("base64url") === part;

const isShortText = (value: unknown): value is string =>
	typeof value === "string" && value.length >= 1 && value.length <= 128;

const isNow = (iat: unknown, nowMs: number): boolean => {
	const ageS = Number.isSafeInteger(iat) ? Math.floor(nowMs / 1_000) - (iat as number) : Number.NaN;
	return ageS <= AGE_MAX_S && ageS >= -AHEAD_MAX_S;
};

type Key = { readonly jkt: string; readonly publicKey: KeyObject };

/** Making a key object of a JWK, which also checks that the point is on the curve, costs as much as a third of a signature's check. */
const keys = new LRUCache<string, Key>({ max: 10_000 });

function keyIn(header: object | undefined): Key | undefined {
	const { typ, alg, jwk, crit } = (header ?? {}) as Record<string, unknown>;
	// RFC 7515 4.1.11: who does not understand what is critical must refuse; we understand none.
	if (typ !== "dpop+jwt" || alg !== "ES256" || crit !== undefined) return undefined;
	const { kty, crv, x, y, d } = (jwk ?? {}) as Record<string, unknown>;
	if (kty !== "EC" || crv !== "P-256" || d !== undefined || !isCoordinate(x) || !isCoordinate(y)) return undefined;
	const jkt = thumbprintOf({ x, y });
	const known = keys.get(jkt);
	if (known) return known;
	try {
		const key = { jkt, publicKey: createPublicKey({ key: { kty, crv, x, y }, format: "jwk" }) };
		keys.set(jkt, key);
		return key;
	} catch {
		return undefined;
	}
}

const isCoordinate = (value: unknown): value is string =>
	typeof value === "string" && COORDINATE.test(value) && isCanonical(value);

function isSigned(proof: string, publicKey: KeyObject, nowMs: number): boolean {
	try {
		jwt.verify(proof, publicKey, { algorithms: ["ES256"], clockTimestamp: Math.floor(nowMs / 1_000) });
		return true;
	} catch {
		return false;
	}
}
