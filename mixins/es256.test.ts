import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes, sign, verify } from "node:crypto";
import { test } from "node:test";
import { calculateJwkThumbprint } from "jose";
import { isSignedEs256, SIGNATURE_BYTES, signEs256, thumbprintOf } from "./es256.ts";

const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const text = Buffer.from("한닢");

test("what it signs Node takes, and the reverse, whatever zeros r and s begin with", async () => {
	// One in 128 begins with a byte of zeros.
	for (let n = 0; n < 1_000; n++) {
		const bytes = Buffer.concat([text, randomBytes(4)]);
		const signature = signEs256(bytes, privateKey);
		assert.equal(signature.length, SIGNATURE_BYTES);
		assert.ok(verify("sha256", bytes, { key: publicKey, dsaEncoding: "ieee-p1363" }, signature));
		assert.ok(
			await isSignedEs256(bytes, publicKey, sign("sha256", bytes, { key: privateKey, dsaEncoding: "ieee-p1363" })),
		);
	}
});

test("nothing else is a signature: other bytes, another key's, other lengths, zeros, numbers beyond the curve's", async () => {
	const signature = signEs256(text, privateKey);
	assert.equal(await isSignedEs256(Buffer.from("한닢!"), publicKey, signature), false);
	const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
	assert.equal(await isSignedEs256(text, other.publicKey, signature), false);
	for (let at = 0; at < SIGNATURE_BYTES; at++) {
		const changed = Buffer.from(signature);
		changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
		assert.equal(await isSignedEs256(text, publicKey, changed), false);
	}
	for (const length of [0, 1, 63, 65, 72, 128])
		assert.equal(await isSignedEs256(text, publicKey, Buffer.alloc(length, 1)), false);
	for (const byte of [0x00, 0x01, 0x7f, 0x80, 0xff])
		assert.equal(await isSignedEs256(text, publicKey, Buffer.alloc(SIGNATURE_BYTES, byte)), false);
	for (const half of [0, 32]) {
		const zero = Buffer.from(signature).fill(0, half, half + 32);
		assert.equal(await isSignedEs256(text, publicKey, zero), false);
	}
});

test("a key has the thumbprint that jose gives it", async () => {
	const jwk = publicKey.export({ format: "jwk" });
	assert.equal(thumbprintOf(jwk as { x: string; y: string }), await calculateJwkThumbprint(jwk));
});
