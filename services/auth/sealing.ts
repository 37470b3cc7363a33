import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from "node:crypto";

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The key under which something is sealed, derived from a secret that is not kept with it (HKDF, RFC 5869). */
export const sealingKeyFrom = (secret: string): KeyObject =>
	createSecretKey(Buffer.from(hkdfSync("sha256", secret, "", "hannip: signing keys at rest, 1", 32)));

/**
 * Encrypts and authenticates with AES-256-GCM (NIST SP 800-38D): nonce, ciphertext and tag, as base64url. The nonces are drawn, which is
 * safe for 2³² seals under one key; there is one for each signing key.
 *
 * @param name what is sealed: under another name it cannot be opened
 */
export function seal(plain: string, { key, name }: { key: KeyObject; name: string }): string {
	const nonce = randomBytes(NONCE_BYTES);
	const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(name));
	return Buffer.concat([nonce, cipher.update(plain, "utf8"), cipher.final(), cipher.getAuthTag()]).toString(
		"base64url",
	);
}

/** What was sealed, or nothing: it was altered, has another name, or was sealed under another key. Which one, nobody can tell. */
export function unseal(sealed: string, { key, name }: { key: KeyObject; name: string }): string | undefined {
	const bytes = Buffer.from(sealed, "base64url");
	if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
	const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
	decipher.setAAD(Buffer.from(name)).setAuthTag(bytes.subarray(-TAG_BYTES));
	try {
		const plain = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
		return Buffer.concat([plain, decipher.final()]).toString();
	} catch {
		return undefined;
	}
}
