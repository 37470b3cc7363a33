import { randomBytes } from "node:crypto";
import base45 from "base45";
import { newKey } from "../../api/client.ts";
import type { Answer } from "../../api/contract.ts";
import { basketOf, newCode, newShop } from "../../api/people.ts";
import type { Attack, World } from "./world.ts";

// Payment codes, and other people's things.

const attack = (
	name: string,
	refusals: Attack["refusals"],
	run: (world: World) => Promise<Answer | readonly Answer[]>,
): Attack => ({ name, refusals, run: async (world) => [await run(world)].flat() });

const sellWith = ({ eve, evesShop }: World, code: unknown): Promise<Answer> =>
	eve.api.call("store.sell", { storeId: evesShop.id, code: code as string, items: basketOf(evesShop) });

/** A code in the right form about which nothing is right. */
const ofBytes = (bytes: Buffer): string => `HN:${base45.encode(bytes)}`;
const bytesOf = (code: string): Buffer => Buffer.from(base45.decode(code.slice(3)));

async function eachBitOf(world: World, from: number, to: number): Promise<readonly Answer[]> {
	const bytes = bytesOf(await newCode(world.victim));
	const answers: Answer[] = [];
	for (let bit = from * 8; bit < to * 8; bit++) {
		const changed = Buffer.from(bytes);
		changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
		answers.push(await sellWith(world, ofBytes(changed)));
	}
	return answers;
}

export const codeAttacks: readonly Attack[] = [
	attack("code: every bit of what it says changed, one by one", ["code_invalid"], (world) => eachBitOf(world, 0, 35)),
	attack("code: every bit of its signature changed, one by one", ["code_invalid"], (world) => eachBitOf(world, 35, 99)),
	attack("code: of random bytes", ["code_invalid"], (world) =>
		Promise.all(Array.from({ length: 20 }, () => sellWith(world, ofBytes(randomBytes(99))))),
	),
	attack("code: that is something else", ["code_invalid", "validation_failed"], async (world) => {
		const code = await newCode(world.victim);
		const others = [
			"https://evil.test/pay",
			"HN:",
			code.toLowerCase(),
			` ${code}`,
			`${code} `,
			code.slice(0, -1),
			`${code}0`,
			"HN:한닢",
			"x".repeat(4_000),
			`${code}${code}`,
			"\0",
		];
		return Promise.all(others.map((other) => sellWith(world, other)));
	}),
	attack("code: that is no text", ["validation_failed"], (world) =>
		Promise.all([1, null, {}, [], true, { $ne: "" }].map((other) => sellWith(world, other))),
	),
	attack("code: in the owner's own store", ["own_store"], async (world) => sellWith(world, await newCode(world.eve))),
];

/** These move credit that is meant to move: only the number of successes is held against them. */
export const onceOnlyAttacks: readonly Attack[] = [
	attack("code: one in 64 sales at once at several stores", ["code_used"], async (world) => {
		const { anyone: _, eve, evesShop, victim, shop } = world;
		const others = [evesShop, await newShop(eve), await newShop(eve)];
		const { newPerson } = await import("../../api/people.ts");
		const payer = await newPerson(world.anyone, { name: "Payer", credit: 10_000 });
		const code = await newCode(payer);
		const answers = await Promise.all(
			Array.from({ length: 64 }, (__, index) => {
				const at = [shop, ...others][index % 4] as typeof shop;
				const owner = at === shop ? victim : eve;
				return owner.api.call("store.sell", { storeId: at.id, code, items: basketOf(at) });
			}),
		);
		const successes = answers.filter(({ status }) => status < 400);
		const { balance } = await payer.api.ok("user.me", {});
		return successes.length === 1 && balance === 9_000 ? answers.filter(({ status }) => status >= 400) : successes;
	}),
];

const asEve = (
	name: string,
	refusals: Attack["refusals"],
	run: (world: World) => Promise<Answer | readonly Answer[]>,
) => attack(`others' things: ${name}`, refusals, run);

const raw = (world: World, method: string, path: string, body?: object): Promise<Answer> =>
	world.eve.api.raw({
		method,
		path,
		headers: { "content-type": "application/json", "idempotency-key": newKey() },
		...(method !== "GET" && method !== "DELETE" && { body: JSON.stringify(body ?? {}) }),
	});

export const reachAttacks: readonly Attack[] = [
	asEve("a store", ["not_found"], async (world) => {
		const at = `/v1/stores/${world.shop.id}`;
		const product = `${at}/products/${world.shop.products[0]?.id}`;
		return Promise.all([
			raw(world, "GET", at),
			raw(world, "PATCH", at, { name: "Eve's" }),
			raw(world, "GET", `${at}/products`),
			raw(world, "POST", `${at}/products`, { sku: "x", name: "x", category: "x", price: 1 }),
			raw(world, "GET", product),
			raw(world, "PATCH", product, { version: 1, price: 1 }),
			raw(world, "GET", `${at}/sales`),
			raw(world, "GET", `${at}/reports/2026-01-01`),
			raw(world, "GET", `${at}/tills`),
			raw(world, "POST", `${at}/tills/pairings`, { name: "Eve's" }),
			raw(world, "DELETE", `${at}/tills/${world.till.id}`),
			raw(world, "GET", `${at}/staff`),
			raw(world, "POST", `${at}/staff`, { handle: world.eve.handle }),
			raw(world, "POST", `${at}/payouts`, { amount: 1 }),
		]);
	}),
	asEve("a sale, by its id in the attacker's store", ["not_found", "transfer_not_found"], async (world) => {
		const { victim, shop, eve, evesShop } = world;
		const { items } = await victim.api.ok("store.listSales", { storeId: shop.id });
		const saleId = items[0]?.id ?? newKey();
		const at = `/v1/stores/${evesShop.id}/sales/${saleId}`;
		return [
			await raw(world, "GET", at),
			await raw(world, "POST", `${at}/refunds`),
			await eve.api.raw({ method: "GET", path: `/v1/me/charges/${saleId}` }),
		];
	}),
	asEve("a session", ["not_found"], (world) => raw(world, "DELETE", `/v1/sessions/${world.victim.sessionId}`)),
	asEve("an approval", ["not_found"], async (world) => {
		const said = { storeId: world.shop.id, total: 1_000, decision: "confirm" };
		return raw(world, "POST", `/v1/me/approvals/${world.shop.id}.${newKey()}`, said);
	}),
	asEve("products of another store in a basket", ["product_unavailable"], async (world) => {
		const { eve, evesShop, shop, victim } = world;
		return eve.api.call("store.sell", { storeId: evesShop.id, code: await newCode(victim), items: basketOf(shop) });
	}),
	asEve("fields that nobody may set", ["validation_failed"], async (world) => {
		const fields = [
			{ balance: 9 },
			{ role: "operator" },
			{ userId: world.victim.userId },
			{ state: "open" },
			{ frozenByOwner: true },
			{ storeId: world.shop.id },
			{ caller: {} },
		];
		return Promise.all(fields.map((field) => raw(world, "PATCH", "/v1/me", { displayName: "Eve", ...field })));
	}),
	asEve("the query as a second body", ["validation_failed"], (world) =>
		Promise.all(
			["amount=500000", "to=eve", "__proto__[x]=1"].map((query) =>
				raw(world, "POST", `/v1/me/charges?${query}`, { amount: 1 }),
			),
		),
	),
	asEve("keys that reach prototypes", ["malformed_request"], (world) =>
		Promise.all(
			[
				'{"amount":1,"__proto__":{"x":1}}',
				'{"amount":1,"constructor":{"prototype":{"x":1}}}',
				'{"amount":1,"amount":2}',
			].map((body) =>
				world.eve.api.raw({
					method: "POST",
					path: "/v1/me/charges",
					headers: { "content-type": "application/json", "idempotency-key": newKey() },
					body,
				}),
			),
		),
	),
	asEve("operators of databases", ["validation_failed"], (world) =>
		Promise.all(
			[{ $gt: "" }, { $ne: null }, ["x"], { $where: "1" }].map((to) =>
				raw(world, "POST", "/v1/me/transfers", { to, amount: 1 }),
			),
		),
	),
	asEve("amounts that are none", ["validation_failed", "charge_limit_exceeded"], (world) =>
		Promise.all(
			[0, -1, 0.5, "1", null, [], {}, true, 2 ** 53, 1e300].map((amount) =>
				raw(world, "POST", "/v1/me/charges", { amount }),
			),
		),
	),
	asEve("another method by a header", ["not_found", "method_not_allowed"], (world) =>
		world.eve.api.raw({
			method: "POST",
			path: `/v1/sessions/${world.victim.sessionId}`,
			headers: { "x-http-method-override": "DELETE", "content-type": "application/json" },
			body: "{}",
		}),
	),
	asEve("actions that have no route", ["not_found"], (world) =>
		Promise.all(
			[
				"/credit/transfer",
				"/v1/credit/transfer",
				"/api/auth/keyring",
				"/auth.admit",
				"/~node/actions",
				"/v1/$node/list",
				"/ledger",
				"/ledger/audit",
				"/keys/rotations",
			].map((path) => raw(world, "POST", path)),
		),
	),
	{
		name: "forwarded headers: a proof for the address that they name",
		refusals: ["unauthenticated"],
		run: async ({ phone }) => {
			const claims = { htu: "https://evil.test/v1/me/charges" };
			const said = {
				host: "evil.test",
				"x-forwarded-host": "evil.test",
				"x-forwarded-proto": "https",
				forwarded: "host=evil.test;proto=https",
			};
			return [await phone.charge({ claims }, said)];
		},
	},
];
