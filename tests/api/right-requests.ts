import type { ProblemCode } from "../../services/errors.ts";
import { assertRefused, type Client, newKey, type Wire } from "./client.ts";
import type { Answer } from "./contract.ts";
import { basketOf, newCode, newPerson, newShop, type Person, type Product, type Shop, sell } from "./people.ts";
import { booksOf, type TestPlatform, unchanging } from "./platform.ts";

// Requests that are right, one of each kind that takes a body: the tests of bad input spoil one part of them.

export type Market = {
	readonly platform: TestPlatform;
	readonly ada: Person;
	readonly bob: Person;
	/** Of Ada, with one product. */
	readonly shop: Shop;
	readonly product: Product;
	/** Of Bob, not used yet. */
	readonly code: string;
};

/** Two who have credit, and a shop of one of them in which the other one bought `sale-0001`. */
export async function openMarket(platform: TestPlatform): Promise<Market> {
	const ada = await newPerson(platform.anyone, { name: "Ada", credit: 10_000 });
	const bob = await newPerson(platform.anyone, { name: "Bob", credit: 10_000 });
	const shop = await newShop(ada);
	await sell(shop, bob, "sale-0001");
	return { platform, ada, bob, shop, product: shop.products[0] as Product, code: await newCode(bob) };
}

/** Also the log is as long as before: what is refused at the gate never gets to the ledger. */
export const nothingChangesIn = (market: () => Market) =>
	unchanging(() => {
		const { platform, ada, bob, shop } = market();
		return booksOf(platform.operator, [ada.wallet, bob.wallet, shop.account]);
	});

export type Target = {
	readonly what: string;
	readonly client: () => Client;
	readonly path: () => string;
	readonly method?: string;
	/** A body that would be right. */
	readonly body: () => Record<string, unknown>;
};

/** @param market is asked when a request is sent: until the platform runs, there is none */
export function rightRequests(market: () => Market) {
	const charge: Target = {
		what: "a charge",
		client: () => market().bob.api,
		path: () => "/v1/me/charges",
		body: () => ({ amount: 100 }),
	};
	const transfer: Target = {
		what: "a transfer",
		client: () => market().bob.api,
		path: () => "/v1/me/transfers",
		body: () => ({ to: market().ada.handle, amount: 100 }),
	};
	const payout: Target = {
		what: "a payout",
		client: () => market().ada.api,
		path: () => `/v1/stores/${market().shop.id}/payouts`,
		body: () => ({ amount: 100 }),
	};
	const refund: Target = {
		what: "a refund",
		client: () => market().ada.api,
		path: () => `/v1/stores/${market().shop.id}/sales/sale-0001/refunds`,
		body: () => ({ amount: 100 }),
	};
	const sale: Target = {
		what: "a sale",
		client: () => market().ada.api,
		path: () => `/v1/stores/${market().shop.id}/sales`,
		body: () => ({ code: market().code, items: basketOf(market().shop), expectedTotal: 1_000 }),
	};
	const newProduct: Target = {
		what: "a product",
		client: () => market().ada.api,
		path: () => `/v1/stores/${market().shop.id}/products`,
		body: () => ({ sku: "new", name: "New", category: "x", price: 100 }),
	};
	const profile: Target = {
		what: "a profile",
		client: () => market().bob.api,
		path: () => "/v1/me",
		method: "PATCH",
		body: () => ({ displayName: "Bob" }),
	};
	const money = [charge, transfer, payout, refund, sale];
	const all = [...money, newProduct, profile];
	return { charge, transfer, payout, refund, sale, newProduct, profile, money, all };
}

/** Sends this text as the body of a request that is right otherwise. */
export const send = (
	{ client, path, method = "POST" }: Target,
	text: string,
	more: Partial<Wire> = {},
): Promise<Answer> =>
	client().raw({
		method,
		path: path(),
		body: text,
		...more,
		headers: { "content-type": "application/json", "idempotency-key": newKey(), ...more.headers },
	});

export async function refuses(
	target: Target,
	text: string,
	problem: ProblemCode,
	more: Partial<Wire> = {},
): Promise<void> {
	assertRefused(await send(target, text, more), problem, `${target.what} ${text.slice(0, 200)}`);
}

/** The body with one member more, or another value for one that is there, written by hand. */
export function withMember(body: object, name: string, text: string): string {
	const { [name]: _, ...rest } = body as Record<string, unknown>;
	const members = Object.entries(rest).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
	return `{${[...members, `"${name}":${text}`].join(",")}}`;
}
