import assert from "node:assert/strict";
import { generateKeySync } from "node:crypto";
import { test } from "node:test";
import { isFreshNonce, makeNonce } from "./nonce.ts";

const T0 = 1_800_000_000_000;
const newSecret = () => generateKeySync("hmac", { length: 256 });
const secret = newSecret();
const nonce = makeNonce(secret, T0);

test("a nonce is good for two minutes, not a millisecond longer, for whoever has the secret it was made with", () => {
	for (const laterMs of [0, 1, 119_999]) assert.equal(isFreshNonce(nonce, [secret], T0 + laterMs), true, `${laterMs}`);
	assert.equal(isFreshNonce(nonce, [secret], T0 + 120_000), false);
	assert.equal(isFreshNonce(nonce, [newSecret(), secret], T0), true);
	assert.equal(isFreshNonce(nonce, [newSecret()], T0), false);
	assert.equal(isFreshNonce(nonce, [], T0), false);
});

test("a clock that is a little behind takes it as well, one that is far behind does not", () => {
	assert.equal(isFreshNonce(nonce, [secret], T0 - 5_000), true);
	assert.equal(isFreshNonce(nonce, [secret], T0 - 5_001), false);
});

test("a nonce of which any bit was changed is none, and neither is one that is written otherwise", () => {
	const bytes = Buffer.from(nonce, "base64url");
	for (let bit = 0; bit < bytes.length * 8; bit++) {
		const changed = Buffer.from(bytes);
		changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
		assert.equal(isFreshNonce(changed.toString("base64url"), [secret], T0 + 1_000), false, `bit ${bit}`);
	}
	for (const other of ["", "x", `${nonce}=`, ` ${nonce}`, nonce.slice(0, -1), `${nonce}A`, "A".repeat(5_000)]) {
		assert.equal(isFreshNonce(other, [secret], T0), false, other.slice(0, 40));
	}
});
