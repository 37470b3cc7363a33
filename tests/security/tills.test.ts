import assert from "node:assert/strict";
import { generateKeyPairSync, hash, type JsonWebKey } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { assertRefused, newKey, newSigner, type Wire, withoutTrace } from "../api/client.ts";
import { basketOf, newCode, newPerson, newShop, newTill, type Person, type Shop, type Till } from "../api/people.ts";
import { booksOf, startTestPlatform, type TestPlatform } from "../api/platform.ts";

let platform: TestPlatform;
let ada: Person;
let bob: Person;
let shop: Shop;
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone);
	bob = await newPerson(platform.anyone, { name: "Bob", credit: 1_000_000 });
	shop = await newShop(ada);
});
after(() => platform.stop());

const pairing = (more: { mayRefund?: boolean } = {}) =>
	ada.api.ok("store.createPairing", { storeId: shop.id, name: "Counter", ...more });

describe("a pairing code", () => {
	it("is shown in letters, as a link and as a picture, for ten minutes", async () => {
		const { pairingCode, link, image, expiresInMs } = await pairing();
		assert.match(pairingCode, /^[2-9A-HJKMNP-Z]{8}$/);
		assert.equal(link, `http://hannip.test/till#pair=${pairingCode}`);
		assert.match(image, /^data:image\/png;base64,/);
		assert.ok(expiresInMs > 590_000 && expiresInMs <= 600_000);
	});

	it("makes one till, however many try at once with keys of their own", async () => {
		const { pairingCode } = await pairing();
		const signers = await Promise.all(Array.from({ length: 64 }, () => newSigner()));
		const before = (await ada.api.ok("store.listTills", { storeId: shop.id })).items.length;
		const answers = await Promise.all(
			signers.map((signer) =>
				platform.anyone.from(signer).call("auth.pairTill", { pairingCode, publicJwk: signer.key.publicJwk }),
			),
		);
		assert.equal(answers.filter(({ status }) => status === 201).length, 1);
		assert.equal(answers.filter(({ status }) => status === 409).length, 63);
		assert.equal((await ada.api.ok("store.listTills", { storeId: shop.id })).items.length, before + 1);
	});

	it("gives the same till to the same key again, whose reply was lost, however it is typed", async () => {
		const { pairingCode } = await pairing();
		const signer = await newSigner();
		const till = platform.anyone.from(signer);
		const { publicJwk } = signer.key;
		const dashed = `${pairingCode.slice(0, 4)}-${pairingCode.slice(4)}`.toLowerCase();
		const first = await till.ok("auth.pairTill", { pairingCode, publicJwk });
		assert.deepEqual(await till.ok("auth.pairTill", { pairingCode: dashed, publicJwk }), first);
		const trust = { mayRefund: false, discountMaxPercent: 0 };
		assert.deepEqual(first, { tillId: first.tillId, storeId: shop.id, name: "Counter", ...trust });
	});

	it("is refused when it is none, and with what is no key", async () => {
		const { pairingCode } = await pairing();
		const signer = await newSigner();
		const { publicJwk } = signer.key;
		const till = platform.anyone.from(signer);
		await till.refused("auth.pairTill", { pairingCode: "22222222", publicJwk }, "pairing_code_invalid");
		await till.refused("auth.pairTill", { pairingCode: "x", publicJwk }, "validation_failed");
		const other = (await newSigner()).key.publicJwk;
		const bad = [
			other,
			{ ...publicJwk, x: other.x },
			{ ...publicJwk, crv: "P-384" },
			{ ...publicJwk, kty: "oct" },
			{},
			null,
		];
		for (const jwk of bad) await till.refused("auth.pairTill", { pairingCode, publicJwk: jwk }, "unauthenticated");
		const withPrivate = { ...publicJwk, d: publicJwk.x };
		await till.refused("auth.pairTill", { pairingCode, publicJwk: withPrivate }, "validation_failed");
		await platform.anyone.refused("auth.pairTill", { pairingCode, publicJwk }, "unauthenticated");
		await till.ok("auth.pairTill", { pairingCode, publicJwk });
	});

	it("lets in no key of another kind, though it says that it has signed", async () => {
		const { pairingCode } = await pairing();
		const keys = [
			generateKeyPairSync("ed25519"),
			generateKeyPairSync("x25519"),
			generateKeyPairSync("ec", { namedCurve: "P-384" }),
			generateKeyPairSync("rsa", { modulusLength: 2_048 }),
		];
		for (const { publicKey } of keys) {
			const answer = await platform.anyone.raw(joiningAs(publicKey.export({ format: "jwk" }), pairingCode));
			assertRefused(answer, "unauthenticated", String(publicKey.asymmetricKeyType));
		}
	});

	it("is for the owner to make", async () => {
		const { handle } = bob;
		await bob.api.refused("store.createPairing", { storeId: shop.id, name: "X" }, "not_found");
		await ada.api.ok("store.addStaff", { storeId: shop.id, handle });
		await bob.api.refused("store.createPairing", { storeId: shop.id, name: "X" }, "forbidden");
		await bob.api.refused("store.listTills", { storeId: shop.id }, "forbidden");
		await ada.api.ok("store.removeStaff", { storeId: shop.id, handle });
	});
});

/** Signed by nobody, in the name of the key that is in it. */
function joiningAs({ kty, crv, x, y = x }: JsonWebKey, pairingCode: string): Wire {
	const jkt = hash("sha256", `{"crv":"${crv}","kty":"${kty}","x":"${x}","y":"${y}"}`, "base64url");
	const body = JSON.stringify({ pairingCode, publicJwk: { kty, crv, x, y } });
	const created = Math.floor(Date.now() / 1_000);
	const headers = {
		"content-type": "application/json",
		"content-digest": `sha-256=:${hash("sha256", body, "base64")}:`,
		"signature-input": `till=("@method" "@target-uri" "content-digest");created=${created};nonce="${newKey()}";keyid="${jkt}";tag="hannip-till"`,
		signature: `till=:${Buffer.alloc(64, 1).toString("base64")}:`,
	};
	return { method: "POST", path: "/v1/tills", headers, body };
}

describe("a till", () => {
	it("sells, reads what it sold, and ends doubts, in its store", async () => {
		const till = await newTill(platform.anyone, shop);
		const code = await newCode(bob);
		const said = { storeId: shop.id, idempotencyKey: newKey(), code, items: basketOf(shop) };
		const sale = await till.api.ok("store.sell", said);
		assert.equal(sale.state, "posted");
		assert.deepEqual(await till.api.ok("store.sell", said), sale);
		assert.deepEqual(await till.api.ok("store.getSale", { storeId: shop.id, saleId: sale.id }), sale);
		assert.ok((await till.api.ok("store.listSales", { storeId: shop.id, limit: 5 })).items.length > 0);
		assert.equal((await till.api.ok("store.listProducts", { storeId: shop.id })).items.length, 1);
		assert.equal((await till.api.ok("store.get", { storeId: shop.id })).balance, null);
		await till.api.refused("store.refundSale", { storeId: shop.id, saleId: sale.id }, "forbidden");
		assert.equal((await till.api.ok("store.cancelSale", { storeId: shop.id, saleId: sale.id })).effect, "refunded");
	});

	it("refunds if its owner lets it", async () => {
		const till = await newTill(platform.anyone, shop, { mayRefund: true });
		const sale = await till.api.ok("store.sell", { storeId: shop.id, code: await newCode(bob), items: basketOf(shop) });
		const { refund } = await till.api.ok("store.refundSale", { storeId: shop.id, saleId: sale.id });
		assert.equal(refund.amount, 1_000);
	});

	it("is nothing in another store, and no person anywhere", async () => {
		const till = await newTill(platform.anyone, shop);
		const other = await newShop(bob);
		await till.api.refused("store.listProducts", { storeId: other.id }, "not_found");
		await till.api.refused("store.sell", { storeId: other.id, code: "HN:", items: basketOf(other) }, "not_found");
		for (const path of ["/v1/me", "/v1/stores", "/v1/sessions", "/v1/me/transactions"]) {
			assert.equal((await till.api.raw({ method: "GET", path })).status, 401, path);
		}
		await till.api.refused("store.createPairing", { storeId: shop.id, name: "X" }, "unauthenticated");
		await till.api.refused("user.charge", { amount: 1 }, "unauthenticated");
	});

	it("is over at once when it is revoked, with its token and its key", async () => {
		const till = await newTill(platform.anyone, shop);
		await till.api.ok("store.listProducts", { storeId: shop.id });
		const { items } = await ada.api.ok("store.listTills", { storeId: shop.id });
		assert.ok(items.some(({ id }) => id === till.id));
		await bob.api.refused("store.revokeTill", { storeId: shop.id, tillId: till.id }, "not_found");
		await ada.api.ok("store.revokeTill", { storeId: shop.id, tillId: till.id });
		const before = await booksOf(platform.operator, [shop.account]);
		const said = { storeId: shop.id, code: await newCode(bob), items: basketOf(shop) };
		await till.api.refused("store.sell", said, "unauthenticated");
		await platform.anyone.from(till.signer).refused("auth.signInTill", {}, "unauthenticated");
		assert.deepEqual(await booksOf(platform.operator, [shop.account]), before);
		await ada.api.refused("store.revokeTill", { storeId: shop.id, tillId: till.id }, "not_found");
		const left = await ada.api.ok("store.listTills", { storeId: shop.id });
		assert.ok(!left.items.some(({ id }) => id === till.id));
	});

	it("has each of its signatures accepted once, 64 times at once", async () => {
		const till = await newTill(platform.anyone, shop);
		const wire = { method: "GET", path: `/v1/stores/${shop.id}/products` };
		for (let round = 0; round < 5; round++) {
			const headers = await till.api.proofOf(wire);
			const answers = await Promise.all(Array.from({ length: 64 }, () => platform.anyone.raw({ ...wire, headers })));
			assert.equal(answers.filter(({ status }) => status === 200).length, 1);
			assert.equal(answers.filter(({ status }) => status === 401).length, 63);
		}
	});
});

describe("what a thief has of a till", () => {
	let till: Till;
	let sale: Wire & { readonly body: string };
	before(async () => {
		till = await newTill(platform.anyone, shop);
		sale = {
			method: "POST",
			path: `/v1/stores/${shop.id}/sales`,
			headers: { "content-type": "application/json", "idempotency-key": newKey() },
			body: JSON.stringify({ code: await newCode(bob), items: basketOf(shop) }),
		};
	});

	/** One answer for all, which tells nothing of what was wrong; and nobody pays. */
	async function getsNothing(requests: Readonly<Record<string, Wire>>): Promise<void> {
		const { balance } = await ada.api.ok("store.get", { storeId: shop.id });
		const nobody = withoutTrace(await platform.anyone.raw(sale));
		for (const [what, wire] of Object.entries(requests)) {
			const answer = await platform.anyone.raw(wire);
			assertRefused(answer, "unauthenticated", what);
			assert.deepEqual(withoutTrace(answer), nobody, what);
		}
		assert.equal((await ada.api.ok("store.get", { storeId: shop.id })).balance, balance);
	}
	const changed = (headers: object, wire: Wire = sale): Wire => ({ ...wire, headers: { ...wire.headers, ...headers } });
	const authorization = () => `Till ${till.accessToken}`;

	it("is worth nothing without its key", async () => {
		const another = await newTill(platform.anyone, shop);
		const elsewhere = await newTill(platform.anyone, await newShop(bob));
		const posing = await newSigner(till.id);
		const unknown = await newSigner("t_AAAAAAAAAAAAAAAA", till.signer.key);
		const unpaired = await newSigner();
		const { accessToken } = till;
		const signedBy = async (signer: typeof posing, token?: string) =>
			changed(await platform.anyone.from(signer, token).proofOf(sale));
		await getsNothing({
			"the token": changed({ authorization: authorization() }),
			"the token as another kind's": changed({ authorization: `Bearer ${accessToken}` }),
			"the token, with another key's signature": await signedBy(posing, accessToken),
			"the token, with the signature of another till of the store": await signedBy(another.signer, accessToken),
			"the token, with the signature of another store's till": await signedBy(elsewhere.signer, accessToken),
			"the token, with the signature of a key that is no till's": await signedBy(unpaired, accessToken),
			"the token, with the key under another name": await signedBy(unknown, accessToken),
			"the token, as a person": changed(await platform.anyone.from(bob.prover, accessToken).proofOf(sale)),
			"the key, with another till's token": await signedBy(till.signer, another.accessToken),
			"the key, with a person's token": await signedBy(till.signer, bob.accessToken),
			"the key, without a token": await signedBy(till.signer),
		});
		const signIn = { method: "POST", path: "/v1/tills/sessions" };
		await getsNothing({
			"the name": signIn,
			"the name, with another key's signature": changed(await platform.anyone.from(posing).proofOf(signIn), signIn),
			"the key under another name": changed(await platform.anyone.from(unknown).proofOf(signIn), signIn),
			"a key that is no till's": changed(await platform.anyone.from(unpaired).proofOf(signIn), signIn),
			"the token": changed({ authorization: authorization() }, signIn),
		});
	});

	it("is worth nothing with anything changed, and changes nothing for the till itself", async () => {
		const signed = changed(await till.api.proofOf(sale));
		const { "signature-input": input, signature, ...unsigned } = signed.headers as Record<string, string>;
		const body = sale.body.replace('"quantity":1', '"quantity":2');
		const digest = { "content-digest": `sha-256=:${hash("sha256", body, "base64")}:` };
		const said = String(input);
		const later = said.replace(/(?<=created=)\d+/, (created) => String(Number(created) + 1));
		await getsNothing({
			"another body": { ...signed, body },
			"another body, with its digest": changed(digest, { ...signed, body }),
			"another store": { ...signed, path: `/v1/stores/${(await newShop(bob)).id}/sales` },
			"another address": { ...signed, path: `${sale.path}/` },
			"a query": { ...signed, path: `${sale.path}?a=b` },
			"another method": { ...signed, method: "GET" },
			"another sale": changed({ "idempotency-key": newKey() }, signed),
			"another token": changed({ authorization: `Till ${(await newTill(platform.anyone, shop)).accessToken}` }, signed),
			"the scheme written in another way": changed({ authorization: `TILL ${till.accessToken}` }, signed),
			"another time": changed({ "signature-input": later }, signed),
			"another nonce": changed({ "signature-input": said.replace(/nonce="[^"]+/, `nonce="${newKey()}`) }, signed),
			"another form": changed({ "signature-input": said.replace("(", "( ") }, signed),
			"a second signature": changed(
				{ "signature-input": `${said}, b=();created=1`, signature: `${signature}, b=::` },
				signed,
			),
			"no signature": { ...signed, headers: unsigned },
			"no signature, but what it would cover": { ...signed, headers: { ...unsigned, "signature-input": said } },
		});
		const answer = await platform.anyone.raw(signed);
		assert.equal(answer.status, 201, answer.text);
		await getsNothing({ "the same again": signed });
	});
});
