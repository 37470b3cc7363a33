import { generateKeyPairSync, hash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { newKey, newSigner, type Wire } from "../../api/client.ts";
import type { Answer } from "../../api/contract.ts";
import { basketOf, newCode, newTill } from "../../api/people.ts";
import type { RawTill, Signing } from "./raw-till.ts";
import type { Attack, World } from "./world.ts";

// Requests of tills: signed by somebody else, or changed after they were signed (RFC 9421).

const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;

async function sale({ shop, eve }: World): Promise<Wire> {
	const body = JSON.stringify({ code: await newCode(eve), items: basketOf(shop) });
	return {
		method: "POST",
		path: `/v1/stores/${shop.id}/sales`,
		body,
		headers: { ...json, "idempotency-key": newKey() },
	};
}

const attack = (
	name: string,
	run: (world: World) => Promise<Answer | readonly Answer[]>,
	refusals: Attack["refusals"] = ["unauthenticated"],
): Attack => ({ name: `till: ${name}`, refusals, run: async (world) => [await run(world)].flat() });

/** A sale that was signed like this. */
const signed = (name: string, signing: (world: World, till: RawTill) => Signing): Attack =>
	attack(name, async (world) => {
		const till = world.rawTill;
		return till.send(await sale(world), signing(world, till));
	});

/** A sale of which this is changed after it was signed. */
const changed = (name: string, change: (wire: Wire, world: World) => Partial<Wire>): Attack =>
	attack(
		name,
		async (world) => {
			const wire = await sale(world);
			return world.rawTill.send(wire, {}, change(wire, world));
		},
		["unauthenticated", "idempotency_key_missing"],
	);

const json = { "content-type": "application/json" };
const nowS = () => Math.floor(Date.now() / 1_000);
const list = (world: World): Wire => ({ method: "GET", path: `/v1/stores/${world.shop.id}/products` });

const onceOnly = (answers: readonly Answer[]): readonly Answer[] => {
	const successes = answers.filter(({ status }) => status < 400);
	return successes.length === 1 ? answers.filter(({ status }) => status >= 400) : successes;
};

export const tillAttacks: readonly Attack[] = [
	attack("its token alone", async (world) => {
		const headers = { authorization: `Till ${world.till.accessToken}` };
		return world.anyone.raw({ ...list(world), headers });
	}),
	attack("its token as a Bearer token", async (world) =>
		world.anyone.raw({ ...list(world), headers: { authorization: `Bearer ${world.till.accessToken}` } }),
	),
	attack("its token as a person's", async (world) =>
		world.phone.send(list(world), {
			authorization: `DPoP ${world.till.accessToken}`,
			dpop: world.phone.proof(list(world)),
		}),
	),
	attack("a person's token as a till's", async (world) => {
		const till = world.rawTill;
		const wire = list(world);
		const authorization = `Till ${world.phone.accessToken}`;
		return till.send(wire, { values: { authorization } }, { headers: { authorization } });
	}),
	attack("its signature without its token", async (world) =>
		world.rawTill.send(list(world), {}, { headers: { authorization: undefined } }),
	),
	attack("its token with another till's signature", async (world) => {
		const signer = world.evesTill.signer;
		return world.anyone.from(signer, world.till.accessToken).raw(list(world));
	}),
	attack("of another store", async (world) => world.evesTill.api.raw(list(world)), ["not_found"]),
	attack("of another store sells", async (world) => world.evesTill.api.raw(await sale(world)), ["not_found"]),
	attack(
		"its right to refund, which it has not",
		async (world) => {
			const path = `/v1/stores/${world.shop.id}/sales/${newKey()}/refunds`;
			const wire = {
				method: "POST",
				path,
				body: "{}",
				headers: { "idempotency-key": newKey(), "content-type": "application/json" },
			};
			return world.till.api.raw(wire);
		},
		["forbidden"],
	),
	attack("where only people may go", async (world) =>
		Promise.all(["/v1/me", "/v1/stores", "/v1/sessions"].map((path) => world.till.api.raw({ method: "GET", path }))),
	),
	changed("more of everything", (wire) => ({ body: String(wire.body).replace('"quantity":1', '"quantity":9') })),
	changed("another code", (wire) => ({ body: String(wire.body).replace("HN:", "HN:0") })),
	changed("a space more in the body", (wire) => ({ body: `${wire.body} ` })),
	changed("the body gone", () => ({ body: "" })),
	changed("another idempotency key", () => ({ headers: { "idempotency-key": newKey() } })),
	changed("no idempotency key", () => ({ headers: { "idempotency-key": undefined } })),
	changed("another store", (wire, { evesShop }) => ({ path: wire.path.replace(/s_[^/]+/, evesShop.id) })),
	changed("a query", (wire) => ({ path: `${wire.path}?x=1` })),
	changed("the body and its digest", (wire) => {
		const body = `${wire.body} `;
		return { body, headers: { "content-digest": `sha-256=:${hash("sha256", body, "base64")}:` } };
	}),
	changed("no digest", () => ({ headers: { "content-digest": undefined } })),
	changed("a digest of another kind", (wire) => ({
		headers: { "content-digest": `md5=:${hash("md5", String(wire.body), "base64")}:` },
	})),
	changed("a packed body", (wire) => ({ body: gzipSync(String(wire.body)), headers: { "content-encoding": "gzip" } })),
	changed("two digests", (wire) => ({
		headers: { "content-digest": [`sha-256=:${hash("sha256", String(wire.body), "base64")}:`, "sha-256=:AAAA:"] },
	})),
	changed("no signature", () => ({ headers: { signature: undefined } })),
	changed("no signature input", () => ({ headers: { "signature-input": undefined } })),
	changed("an empty signature", () => ({ headers: { signature: "till=::" } })),
	changed("a signature of zeros", () => ({ headers: { signature: `till=:${Buffer.alloc(64).toString("base64")}:` } })),
	changed("a signature under another label", () => ({
		headers: { signature: `other=:${Buffer.alloc(64).toString("base64")}:` },
	})),
	changed("a signature that is none", () => ({ headers: { signature: "x" } })),
	attack("two signatures", async (world) => {
		const till = world.rawTill;
		const wire = await sale(world);
		const one = till.sign(wire);
		const two = till.sign(wire);
		const both = (name: string) => `${one[name]}, ${two[name]?.replace("till=", "too=")}`;
		return till.send(
			wire,
			{},
			{ headers: { "signature-input": both("signature-input"), signature: both("signature") } },
		);
	}),
	attack("the signature in two headers", async (world) => {
		const till = world.rawTill;
		const wire = await sale(world);
		const one = till.sign(wire);
		return till.send(wire, {}, { headers: { ...one, signature: [String(one.signature), String(one.signature)] } });
	}),
	attack("what was signed for another method", async (world) => {
		const till = world.rawTill;
		const wire = await sale(world);
		return till.send(wire, { values: { "@method": "GET" } });
	}),
	signed("another key", () => ({ key: stranger })),
	signed("another till's name", ({ evesTill }) => ({ keyId: evesTill.id })),
	signed("the name of a till that never was", () => ({ keyId: "t_AAAAAAAAAAAAAAAA" })),
	signed("a strange name", () => ({ keyId: "../../keys" })),
	signed("another host", () => ({ values: { "@target-uri": "https://evil.test/" } })),
	signed("the body not covered", () => ({
		components: ["@method", "@target-uri", "authorization", "idempotency-key"],
	})),
	signed("the token not covered", () => ({
		components: ["@method", "@target-uri", "idempotency-key", "content-digest"],
	})),
	signed("the idempotency key not covered", () => ({
		components: ["@method", "@target-uri", "authorization", "content-digest"],
	})),
	signed("the method not covered", () => ({
		components: ["@target-uri", "authorization", "idempotency-key", "content-digest"],
	})),
	signed("the address not covered", () => ({
		components: ["@method", "authorization", "idempotency-key", "content-digest"],
	})),
	signed("only the path covered", () => ({
		components: ["@method", "@path", "authorization", "idempotency-key", "content-digest"],
	})),
	signed("nothing covered", () => ({ components: [] })),
	signed("something twice", () => ({
		components: ["@method", "@method", "@target-uri", "authorization", "idempotency-key", "content-digest"],
	})),
	signed("a component with a parameter", () => ({
		components: ["@method", "@target-uri", "authorization", "idempotency-key", '"content-digest";req'],
	})),
	...[nowS() - 120, nowS() + 120, `${nowS()}.5`, `"${nowS()}"`, "x", nowS() * 1_000, -1].map((created) =>
		signed(`created=${created}`, () => ({ created: String(created) })),
	),
	signed("without a nonce", () => ({ nonce: null })),
	...["", "short", "x".repeat(65), "with a space in it!"].map((nonce) =>
		signed(`nonce ${JSON.stringify(nonce).slice(0, 24)}`, () => ({ nonce })),
	),
	signed("without a tag", () => ({ tag: null })),
	signed("made for something else", () => ({ tag: "web-bot-auth" })),
	signed("another algorithm", () => ({ more: ';alg="hmac-sha256"' })),
	signed("an unknown parameter", () => ({ more: ";x=1" })),
	signed("a time that is over", () => ({ more: `;expires=${nowS() - 1}` })),
	signed("in another format", () => ({ format: "der" })),
	attack("a signature used again", async (world) => {
		const till = world.rawTill;
		const headers = till.sign(list(world));
		const send = () => world.anyone.raw({ ...list(world), headers });
		return onceOnly([await send(), await send()]);
	}),
	attack("a signature used 64 times at once", async (world) => {
		const headers = world.rawTill.sign(list(world));
		return onceOnly(await Promise.all(Array.from({ length: 64 }, () => world.anyone.raw({ ...list(world), headers }))));
	}),
	attack("after it was revoked", async (world) => {
		const till = await newTill(world.anyone, world.shop);
		await world.victim.api.ok("store.revokeTill", { storeId: world.shop.id, tillId: till.id });
		return [
			await till.api.raw(await sale(world)),
			await till.api.raw(list(world)),
			await world.anyone.from(till.signer).call("auth.signInTill", {}),
		];
	}),
	attack("that was never paired", async ({ anyone }) => {
		const signer = await newSigner("t_AAAAAAAAAAAAAAAA", undefined, anyone.origin);
		return anyone.from(signer).call("auth.signInTill", {});
	}),
	attack(
		"with a pairing code that is guessed",
		async ({ anyone }) => {
			const signer = await newSigner(undefined, undefined, anyone.origin);
			return anyone.from(signer).call("auth.pairTill", { pairingCode: "ABCD2345", publicJwk: signer.key.publicJwk });
		},
		["pairing_code_invalid"],
	),
	attack("with another's key when pairing", async ({ anyone, till }) => {
		const signer = await newSigner(undefined, undefined, anyone.origin);
		return anyone.from(signer).call("auth.pairTill", { pairingCode: "ABCD2345", publicJwk: till.signer.key.publicJwk });
	}),
];
