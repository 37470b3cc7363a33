import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { calculateJwkThumbprint } from "jose";
import type { Documents } from "../../mixins/database.ts";
import { SqliteAdapter } from "../../mixins/sqlite-adapter.ts";
import { invite, type Pairing, type PublicJwk, pair, revoke, type Till, tillsOfStore } from "./till.ts";

const folder = mkdtempSync(join(tmpdir(), "hannip-till-"));
const path = join(folder, "hannip.sqlite");
const adapters = [
	new SqliteAdapter({ path, collection: "tills", indexes: [{ fields: ["pairing"], unique: true }] }),
	new SqliteAdapter({ path, collection: "pairings" }),
] as const;
const tills = adapters[0] as unknown as Documents<Till>;
const pairings = adapters[1] as unknown as Documents<Pairing>;
before(() => Promise.all(adapters.map((adapter) => adapter.connect())));
after(async () => {
	await Promise.all(adapters.map((adapter) => adapter.disconnect()));
	rmSync(folder, { recursive: true });
});

const T0 = 1_800_000_000_000;
const TEN_MINUTES_MS = 600_000;
const invalid = { type: "pairing_code_invalid" };

function newJwk(): PublicJwk {
	const { x, y } = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
	return { kty: "EC", crv: "P-256", x: String(x), y: String(y) };
}

let storesCount = 0;
async function newInvitation({ mayRefund = false, discountMaxPercent = 0 } = {}) {
	const storeId = `s_${storesCount++}`;
	return {
		storeId,
		...(await invite(pairings, { storeId, name: "Counter", mayRefund, discountMaxPercent, nowMs: T0 })),
	};
}

const joinBy = (pairingCode: string, publicJwk = newJwk(), nowMs = T0) =>
	pair({ tills, pairings }, { pairingCode, publicJwk, nowMs });
const idsIn = async (storeId: string) => (await tillsOfStore(tills, storeId)).map(({ _id }) => _id);

test("a code makes a till of its store with what its owner said, and the key that joined", async () => {
	for (const trust of [
		{ mayRefund: false, discountMaxPercent: 0 },
		{ mayRefund: true, discountMaxPercent: 20 },
	]) {
		const { storeId, pairingCode } = await newInvitation(trust);
		const publicJwk = newJwk();
		const till = await joinBy(pairingCode, publicJwk, T0 + 5);
		assert.match(till._id, /^t_[A-Za-z0-9_-]{16}$/);
		const { _id, pairing, ...rest } = till;
		const jkt = await calculateJwkThumbprint(publicJwk);
		const said = { storeId, name: "Counter", ...trust, publicJwk, jkt, pairedAtMs: T0 + 5, revokedAtMs: null };
		assert.deepEqual(rest, said);
		assert.deepEqual(await tillsOfStore(tills, storeId), [till]);
	}
});

test("codes are of characters that cannot be mistaken, all of them, and never the same", async () => {
	const codes = await Promise.all(Array.from({ length: 300 }, async () => (await newInvitation()).pairingCode));
	for (const code of codes) assert.match(code, /^[2-9A-HJKMNP-Z]{8}$/);
	assert.equal(new Set(codes).size, 300);
	assert.equal(new Set(codes.join("")).size, 31);
});

test("no code is kept in the clear", async () => {
	const { pairingCode } = await newInvitation();
	await joinBy(pairingCode);
	const kept = JSON.stringify([await pairings.find(), await tills.find()]);
	assert.ok(!kept.includes(pairingCode));
});

test("a code may be typed in any case, with or without the dash", async () => {
	for (const typed of [
		(code: string) => code.toLowerCase(),
		(code: string) => `${code.slice(0, 4)}-${code.slice(4)}`,
		(code: string) => `${code.slice(0, 4)}-${code.slice(4)}`.toLowerCase(),
	]) {
		const { storeId, pairingCode } = await newInvitation();
		assert.equal((await joinBy(typed(pairingCode))).storeId, storeId);
	}
});

test("a code is good for one key", async () => {
	const { storeId, pairingCode } = await newInvitation();
	const { _id } = await joinBy(pairingCode);
	await assert.rejects(joinBy(pairingCode), invalid);
	assert.deepEqual(await idsIn(storeId), [_id]);
});

test("of 64 keys at once one becomes a till", async () => {
	const { storeId, pairingCode } = await newInvitation();
	const answers = await Promise.allSettled(Array.from({ length: 64 }, () => joinBy(pairingCode)));
	const made = answers.filter((answer) => answer.status === "fulfilled");
	const refused = answers.filter((answer) => answer.status === "rejected");
	assert.equal(made.length, 1);
	assert.ok(refused.every(({ reason }) => reason.type === invalid.type));
	assert.deepEqual(
		await idsIn(storeId),
		made.map(({ value }) => value._id),
	);
});

test("the same key again is the same till, also 64 times at once, until the code is over", async () => {
	const { storeId, pairingCode } = await newInvitation();
	const jwk = newJwk();
	const made = await Promise.all(Array.from({ length: 64 }, () => joinBy(pairingCode, jwk)));
	assert.equal(new Set(made.map(({ _id }) => _id)).size, 1);
	assert.deepEqual(await joinBy(pairingCode, jwk, T0 + TEN_MINUTES_MS - 1), made[0]);
	await assert.rejects(joinBy(pairingCode, jwk, T0 + TEN_MINUTES_MS), invalid);
	assert.deepEqual(await idsIn(storeId), [made[0]?._id]);
});

test("a key may be let in twice, and is two tills then", async () => {
	const jwk = newJwk();
	const first = await joinBy((await newInvitation()).pairingCode, jwk);
	const second = await joinBy((await newInvitation()).pairingCode, jwk);
	assert.notEqual(first._id, second._id);
	assert.equal(first.jkt, second.jkt);
});

test("a code lasts ten minutes, not a millisecond more", async () => {
	const { storeId, pairingCode, expiresAtMs } = await newInvitation();
	assert.equal(expiresAtMs, T0 + TEN_MINUTES_MS);
	await assert.rejects(joinBy(pairingCode, newJwk(), expiresAtMs), invalid);
	assert.deepEqual(await idsIn(storeId), []);
	await joinBy(pairingCode, newJwk(), expiresAtMs - 1);
});

test("codes that are over are removed with the next invitation, others stay", async () => {
	await pairings.removeMany({});
	const { pairingCode } = await newInvitation();
	const later = { storeId: "s_later", name: "Counter", mayRefund: false, discountMaxPercent: 0 };
	await invite(pairings, { ...later, nowMs: T0 + TEN_MINUTES_MS - 1 });
	assert.equal(await pairings.count(), 2);
	await joinBy(pairingCode);
	await invite(pairings, { ...later, nowMs: T0 + TEN_MINUTES_MS });
	assert.equal(await pairings.count(), 2);
});

test("a code that nobody made is refused", async () => {
	await newInvitation();
	for (const code of ["22222222", "2222-2222", "", "00000000"]) await assert.rejects(joinBy(code), invalid);
});

test("what is no point of the curve, or not written as it should be, is no key, and uses no code up", async () => {
	const { pairingCode } = await newInvitation();
	const jwk = newJwk();
	const zero = Buffer.alloc(32).toString("base64url");
	const wrong = [
		{ ...jwk, x: newJwk().x },
		{ ...jwk, x: jwk.y, y: jwk.x },
		{ ...jwk, x: zero, y: zero },
		{ ...jwk, x: `${jwk.x}=` },
		{ ...jwk, y: `A${jwk.y}` },
		{ ...jwk, y: jwk.y.slice(1) },
		{ ...jwk, y: "" },
		{ ...jwk, crv: "P-384" as "P-256" },
		{ ...jwk, crv: "secp256k1" as "P-256" },
		{ ...jwk, kty: "OKP" as "EC" },
		{ ...jwk, kty: "oct" as "EC" },
	];
	for (const publicJwk of wrong)
		await assert.rejects(
			joinBy(pairingCode, publicJwk),
			{ type: "validation_failed", data: { errors: [{ at: "publicJwk", message: "is no P-256 key" }] } },
			JSON.stringify(publicJwk),
		);
	await joinBy(pairingCode, jwk);
});

test("nothing of a private half is kept, should somebody send one", async () => {
	const { pairingCode } = await newInvitation();
	const jwk = newJwk();
	const till = await joinBy(pairingCode, { ...jwk, d: jwk.x } as PublicJwk);
	assert.deepEqual((await tills.findById(till._id))?.publicJwk, jwk);
});

test("a till that was revoked is none any more, once, and its code does not bring it back", async () => {
	const { storeId, pairingCode } = await newInvitation();
	const jwk = newJwk();
	const { _id: tillId } = await joinBy(pairingCode, jwk);
	await assert.rejects(revoke(tills, { storeId: "s_other", tillId, nowMs: T0 + 1 }), { type: "not_found" });
	assert.deepEqual(await idsIn(storeId), [tillId]);
	await revoke(tills, { storeId, tillId, nowMs: T0 + 1 });
	assert.deepEqual(await idsIn(storeId), []);
	assert.equal((await tills.findById(tillId))?.revokedAtMs, T0 + 1);
	await assert.rejects(revoke(tills, { storeId, tillId, nowMs: T0 + 2 }), { type: "not_found" });
	assert.equal((await tills.findById(tillId))?.revokedAtMs, T0 + 1);
	await assert.rejects(joinBy(pairingCode, jwk), invalid);
});

test("of 64 that revoke it at once one does", async () => {
	const { storeId, pairingCode } = await newInvitation();
	const { _id: tillId } = await joinBy(pairingCode);
	const all = Array.from({ length: 64 }, (_, index) => revoke(tills, { storeId, tillId, nowMs: T0 + index }));
	const answers = await Promise.allSettled(all);
	assert.equal(answers.filter(({ status }) => status === "fulfilled").length, 1);
});

test("a store's tills are listed as they came, and no other store's", async () => {
	const storeId = "s_many";
	const made: string[] = [];
	for (const laterMs of [1, 2, 3]) {
		const trust = { mayRefund: false, discountMaxPercent: 0 };
		const invitation = { storeId, name: `Counter ${laterMs}`, ...trust, nowMs: T0 };
		const { pairingCode } = await invite(pairings, invitation);
		made.push((await joinBy(pairingCode, newJwk(), T0 + laterMs))._id);
	}
	await joinBy((await newInvitation()).pairingCode);
	assert.deepEqual(await idsIn(storeId), made);
});
