import assert from "node:assert/strict";
import { test } from "node:test";
import { commandOf, keyOf } from "./command-id.ts";

const idempotencyKey = "0123456789abcdef";
const charge = { scope: "u_ada", action: "user.charge" };

test("ids and fingerprints stay what they were: a retry is compared with what was stored when it was asked first", () => {
	const items = [
		{ productId: "p_1", quantity: 2 },
		{ productId: "p_2", quantity: 1 },
	];
	const sale = { storeId: "s_nip", idempotencyKey, code: "HN:CODE", items, expectedTotal: 9_500 };
	const refund = { storeId: "s_nip", idempotencyKey, saleId: "sale-1", reason: undefined };
	assert.deepEqual(commandOf(charge, { amount: 5_000, idempotencyKey } as { idempotencyKey: string }), {
		id: "u_ada.0123456789abcdef",
		fingerprint: "AJC-EOFPg3jmHhEalxqVIS",
	});
	assert.deepEqual(commandOf({ scope: "s_nip", action: "store.sell" }, sale), {
		id: "s_nip.0123456789abcdef",
		fingerprint: "sFZb4fY6ZneE1auT0lFmhR",
	});
	const { fingerprint } = commandOf({ scope: "s_nip", action: "store.refundSale" }, refund);
	assert.equal(fingerprint, "hDkZEai3ClA8-qLhdSF00l");
});

test("two ways to write one request are one, another request is another one", () => {
	const fingerprintOf = (params: object) => commandOf(charge, { idempotencyKey, ...params }).fingerprint;
	const asked = { to: "bob", lines: [{ a: 1, b: 2 }] };
	assert.equal(fingerprintOf(asked), fingerprintOf({ lines: [{ b: 2, a: 1 }], to: "bob" }));
	assert.notEqual(fingerprintOf(asked), fingerprintOf({ ...asked, to: "eve" }));
	const other = commandOf({ ...charge, action: "user.send" }, { idempotencyKey, ...asked });
	assert.notEqual(fingerprintOf(asked), other.fingerprint);
});

test("the client's part of an id is the key as it came", () => {
	assert.equal(keyOf(commandOf(charge, { idempotencyKey: "with.a.dot" }).id), "with.a.dot");
});
