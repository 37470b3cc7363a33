import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seal, sealingKeyFrom, unseal } from "./sealing.ts";

const key = sealingKeyFrom("a secret of at least 32 characters");
const plain = JSON.stringify({ privateKey: "-----BEGIN PRIVATE KEY-----", handleKey: "한닢" });

test("what was sealed comes out as it went in, whatever it is", () => {
	fc.assert(
		fc.property(fc.string({ unit: "grapheme" }), fc.string(), (text, name) => {
			assert.equal(unseal(seal(text, { key, name }), { key, name }), text);
		}),
	);
});

test("a seal shows nothing of what is in it, and is never the same twice", () => {
	const seals = Array.from({ length: 100 }, () => seal(plain, { key, name: "1" }));
	assert.equal(new Set(seals.map((sealed) => sealed.slice(0, 16))).size, 100, "a nonce came twice");
	for (const sealed of seals) assert.ok(!Buffer.from(sealed, "base64url").includes("PRIVATE KEY"));
});

test("with any one bit flipped it does not open", () => {
	const bytes = Buffer.from(seal(plain, { key, name: "1" }), "base64url");
	for (let bit = 0; bit < bytes.length * 8; bit++) {
		const flipped = Buffer.from(bytes);
		flipped[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
		assert.equal(unseal(flipped.toString("base64url"), { key, name: "1" }), undefined, `bit ${bit}`);
	}
	assert.equal(unseal(bytes.toString("base64url"), { key, name: "1" }), plain);
});

test("cut off or made longer it does not open", () => {
	const bytes = Buffer.from(seal(plain, { key, name: "1" }), "base64url");
	for (let length = 0; length < bytes.length; length++) {
		assert.equal(unseal(bytes.subarray(0, length).toString("base64url"), { key, name: "1" }), undefined, `${length}`);
	}
	for (const other of ["", "x", "=", "🙂", Buffer.concat([bytes, Buffer.alloc(1)]).toString("base64url")]) {
		assert.equal(unseal(other, { key, name: "1" }), undefined);
	}
});

test("one key's seal does not open as another's", () => {
	const sealed = seal(plain, { key, name: "1" });
	for (const name of ["2", "11", "", "1 ", "01"]) assert.equal(unseal(sealed, { key, name }), undefined, name);
});

test("another secret does not open it, be it ever so similar", () => {
	const sealed = seal(plain, { key, name: "1" });
	for (const secret of ["a secret of at least 32 characterS", "a secret of at least 32 characters ", ""]) {
		assert.equal(unseal(sealed, { key: sealingKeyFrom(secret), name: "1" }), undefined, secret);
	}
	assert.equal(unseal(sealed, { key: sealingKeyFrom("a secret of at least 32 characters"), name: "1" }), plain);
});
