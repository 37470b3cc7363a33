import { createHmac, type KeyObject, timingSafeEqual } from "node:crypto";

/** How long a nonce is good: longer than a proof, so that whoever has just got one does not have to ask again. */
export const NONCE_TTL_MS = 120_000;
const TIME_BYTES = 6;
const MAC_BYTES = 16;

/**
 * A nonce that any gateway process can make and any other one can check, without keeping it: the time and its HMAC (RFC 9449 8 leaves
 * the form open). It says that a proof was not made before that time, whatever the client's clock says.
 */
export function makeNonce(secret: KeyObject, nowMs: number): string {
	const time = Buffer.alloc(TIME_BYTES);
	time.writeUIntBE(nowMs, 0, TIME_BYTES);
	return Buffer.concat([time, macOf(secret, time)]).toString("base64url");
}

/** Whether it was made with one of these secrets, and not too long ago. */
export function isFreshNonce(nonce: string, secrets: readonly KeyObject[], nowMs: number): boolean {
	const bytes = Buffer.from(nonce, "base64url");
	if (bytes.length !== TIME_BYTES + MAC_BYTES || bytes.toString("base64url") !== nonce) return false;
	const time = bytes.subarray(0, TIME_BYTES);
	const ageMs = nowMs - time.readUIntBE(0, TIME_BYTES);
	// Made by another process, whose clock may be a little ahead.
	if (ageMs >= NONCE_TTL_MS || ageMs < -5_000) return false;
	return secrets.some((secret) => timingSafeEqual(macOf(secret, time), bytes.subarray(TIME_BYTES)));
}

const macOf = (secret: KeyObject, time: Buffer): Buffer =>
	createHmac("sha256", secret).update("hannip dpop nonce\n").update(time).digest().subarray(0, MAC_BYTES);
