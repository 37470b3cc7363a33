import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { Service, ServiceBroker } from "moleculer";
import type { Prover } from "../../clients/sdk/prover.ts";
import type { RequestSigner } from "../../clients/sdk/request-signer.ts";
import type { makeCode } from "../../mixins/payment-code.ts";
import type { Result } from "../../services/actions.ts";
import { type Client, newProver, newSigner } from "./client.ts";

export const PASSWORD = "correct horse battery";

export type Person = {
	readonly userId: string;
	readonly handle: string;
	readonly displayName: string;
	readonly sessionId: string;
	readonly accessToken: string;
	/** The phone. */
	readonly prover: Prover;
	/** The wallet's account in the ledger. */
	readonly wallet: string;
	/** The public port with this person's access token and phone. */
	readonly api: Client;
};

/** Signs somebody up, logs them in and gives them some credit. */
export async function newPerson(
	anyone: Client,
	{ name = "Ada", credit = 0, handle = `${name.toLowerCase()}.${randomBytes(6).toString("hex")}` } = {},
): Promise<Person> {
	const { userId, displayName } = await anyone.ok("user.signUp", { handle, password: PASSWORD, displayName: name });
	const prover = await newProver(anyone.origin);
	const { sessionId, accessToken } = await anyone.from(prover).ok("auth.login", { handle, password: PASSWORD });
	const api = anyone.from(prover, accessToken);
	if (credit > 0) await api.ok("user.charge", { amount: credit });
	return { userId, handle, displayName, sessionId, accessToken, prover, wallet: `wallet:${userId}`, api };
}

/** The header lines that make requests this person's, as many times as they are asked for: each may be sent once. */
export async function headerLinesOf(person: Person, wire: { method: string; path: string }, count = 300) {
	const proofs = await Promise.all(Array.from({ length: count }, () => person.api.proofOf(wire)));
	return (): string[] => {
		const headers = proofs.pop() ?? assert.fail("all proofs were used");
		return Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
	};
}

export type Product = Result<"store.createProduct">;
export type Shop = {
	readonly owner: Person;
	readonly id: string;
	/** The store's account in the ledger. */
	readonly account: string;
	readonly products: readonly Product[];
};

/** Opens a store with one product for each price. */
export async function newShop(owner: Person, { prices = [1_000] }: { prices?: readonly number[] } = {}): Promise<Shop> {
	const { id } = await owner.api.ok("store.create", { name: `${owner.displayName}'s store` });
	const products: Product[] = [];
	for (const [index, price] of prices.entries()) {
		const fields = { sku: `sku-${index}`, name: `Product ${index}`, category: "Things", price };
		products.push(await owner.api.ok("store.createProduct", { storeId: id, ...fields }));
	}
	return { owner, id, account: `store:${id}`, products };
}

export type Till = {
	readonly id: string;
	readonly shop: Shop;
	readonly accessToken: string;
	readonly signer: RequestSigner;
	/** The public port with this till's token and key. */
	readonly api: Client;
};

/** Pairs a till with a store, and signs it in. */
export async function newTill(anyone: Client, shop: Shop, { mayRefund = false } = {}): Promise<Till> {
	const asked = { storeId: shop.id, name: "Counter", mayRefund };
	const { pairingCode } = await shop.owner.api.ok("store.createPairing", asked);
	const first = await newSigner(undefined, undefined, anyone.origin);
	const { tillId } = await anyone.from(first).ok("auth.pairTill", { pairingCode, publicJwk: first.key.publicJwk });
	const signer = await newSigner(tillId, first.key, anyone.origin);
	const { accessToken } = await anyone.from(signer).ok("auth.signInTill", {});
	return { id: tillId, shop, accessToken, signer, api: anyone.from(signer, accessToken) };
}

export const newCode = async (customer: Person, cap?: number): Promise<string> =>
	(await customer.api.ok("user.issueCode", cap === undefined ? {} : { cap })).code;

/** One of each, by default: what the store sells first. */
export const basketOf = (shop: Shop, ...quantities: readonly number[]) =>
	(quantities.length > 0 ? quantities : [1]).map((quantity, index) => ({
		productId: (shop.products[index] as Product).id,
		quantity,
	}));

/** A sale to a customer, with a fresh code. */
export async function sell(shop: Shop, customer: Person, idempotencyKey: string): Promise<Result<"store.sell">> {
	const code = await newCode(customer);
	return shop.owner.api.ok("store.sell", { storeId: shop.id, idempotencyKey, code, items: basketOf(shop) });
}

type Key = Parameters<typeof makeCode>[1];

/** The key that this platform signs codes with, to make codes that it would not make. */
export function codeKeyOf(broker: ServiceBroker): Key {
	const { signingKeys } = broker.getLocalService("auth") as Service & {
		signingKeys: { readonly active: Omit<Key, "kid"> & { readonly kid: string } };
	};
	return { ...signingKeys.active, kid: Number(signingKeys.active.kid) };
}
