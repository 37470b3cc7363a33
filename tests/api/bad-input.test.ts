import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { ProblemCode } from "../../services/errors.ts";
import { assertRefused, type Client, newKey, type Wire, withoutTrace } from "./client.ts";
import type { Answer } from "./contract.ts";
import { basketOf, newCode, newPerson, newShop, type Person, type Product, type Shop, sell } from "./people.ts";
import { booksOf, startTestPlatform, type TestPlatform, unchanging } from "./platform.ts";

// Whatever is wrong with a request: it is refused with the right status and code, and nothing has changed.

let platform: TestPlatform;
let ada: Person;
let bob: Person;
let shop: Shop;
let product: Product;
let code: string;
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone, { name: "Ada", credit: 10_000 });
	bob = await newPerson(platform.anyone, { name: "Bob", credit: 10_000 });
	shop = await newShop(ada);
	product = shop.products[0] as Product;
	await sell(shop, bob, "sale-0001");
	code = await newCode(bob);
});
after(() => platform.stop());

/** Also the log is as long as before: what is refused at the gate never gets to the ledger. */
const nothingChanges = unchanging(() => booksOf(platform.operator, [ada.wallet, bob.wallet, shop.account]));

type Target = {
	readonly what: string;
	readonly client: () => Client;
	readonly path: () => string;
	readonly method?: string;
	/** A body that would be right. */
	readonly body: () => Record<string, unknown>;
};

const charge: Target = {
	what: "a charge",
	client: () => bob.api,
	path: () => "/v1/me/charges",
	body: () => ({ amount: 100 }),
};
const transfer: Target = {
	what: "a transfer",
	client: () => bob.api,
	path: () => "/v1/me/transfers",
	body: () => ({ to: ada.handle, amount: 100 }),
};
const payout: Target = {
	what: "a payout",
	client: () => ada.api,
	path: () => `/v1/stores/${shop.id}/payouts`,
	body: () => ({ amount: 100 }),
};
const refund: Target = {
	what: "a refund",
	client: () => ada.api,
	path: () => `/v1/stores/${shop.id}/sales/sale-0001/refunds`,
	body: () => ({ amount: 100 }),
};
const sale: Target = {
	what: "a sale",
	client: () => ada.api,
	path: () => `/v1/stores/${shop.id}/sales`,
	body: () => ({ code, items: basketOf(shop), expectedTotal: 1_000 }),
};
const newProduct: Target = {
	what: "a product",
	client: () => ada.api,
	path: () => `/v1/stores/${shop.id}/products`,
	body: () => ({ sku: "new", name: "New", category: "x", price: 100 }),
};
const profile: Target = {
	what: "a profile",
	client: () => bob.api,
	path: () => "/v1/me",
	method: "PATCH",
	body: () => ({ displayName: "Bob" }),
};
const money = [charge, transfer, payout, refund, sale];
const all = [...money, newProduct, profile];

/** Sends this text as the body of a request that is right otherwise. */
const send = ({ client, path, method = "POST" }: Target, text: string, more: Partial<Wire> = {}): Promise<Answer> =>
	client().raw({
		method,
		path: path(),
		body: text,
		...more,
		headers: { "content-type": "application/json", "idempotency-key": newKey(), ...more.headers },
	});

async function refuses(target: Target, text: string, problem: ProblemCode, more: Partial<Wire> = {}): Promise<void> {
	assertRefused(await send(target, text, more), problem, `${target.what} ${text.slice(0, 200)}`);
}

/** The body with one member more, or another value for one that is there, written by hand. */
function withMember(body: object, name: string, text: string): string {
	const { [name]: _, ...rest } = body as Record<string, unknown>;
	const members = Object.entries(rest).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
	return `{${[...members, `"${name}":${text}`].join(",")}}`;
}

describe("an amount", () => {
	const amounts = [
		"0",
		"-1",
		"-0",
		"0.5",
		"99.99",
		"1e400",
		"-1e400",
		"1e-1",
		'"100"',
		'"١٠٠"',
		'""',
		"true",
		"null",
		"[]",
		"{}",
		"[100]",
		'{"$gt":0}',
		"9007199254740992",
		"9007199254740993",
		"9223372036854775808",
		"1000000000001",
		"1e300",
	];
	const fields = [
		[charge, "amount"],
		[transfer, "amount"],
		[payout, "amount"],
		[refund, "amount"],
		[sale, "expectedTotal"],
		[newProduct, "price"],
	] as const;

	for (const [target, field] of fields) {
		it(
			`of ${target.what} is a whole number from 1 to 10^12`,
			nothingChanges(async () => {
				for (const amount of amounts) {
					const text = withMember(target.body(), field, amount);
					const answer = await send(target, text);
					assertRefused(answer, "validation_failed", text);
					const { errors } = answer.body as { errors: { at: string }[] };
					assert.equal(errors[0]?.at, field, text);
				}
			}),
		);
	}

	it(
		"that JSON does not have is not JSON",
		nothingChanges(async () => {
			for (const target of money) {
				for (const amount of [
					"NaN",
					"Infinity",
					"-Infinity",
					"0x10",
					"1_000",
					"01",
					"+1",
					".5",
					"1.",
					"１００",
					"undefined",
				]) {
					await refuses(target, withMember(target.body(), "amount", amount), "malformed_request");
				}
			}
		}),
	);

	it(
		"of 2^31 is a number like others, but above the limit of a charge",
		nothingChanges(async () => {
			await refuses(charge, '{"amount":2147483648}', "charge_limit_exceeded");
			await refuses(charge, '{"amount":1e12}', "charge_limit_exceeded");
		}),
	);

	it(
		"said twice is not taken for either",
		nothingChanges(async () => {
			await refuses(charge, '{"amount":1,"amount":2}', "malformed_request");
			await refuses(charge, '{"amount":1,"\\u0061mount":1}', "malformed_request");
			const [line] = basketOf(shop);
			const twice = `{"productId":"${line?.productId}","quantity":1,"quantity":2}`;
			await refuses(sale, withMember(sale.body(), "items", `[${twice}]`), "malformed_request");
		}),
	);

	it(
		"is not found twice in words that only look so",
		nothingChanges(async () => {
			for (const text of ['["a",":b"]', '["a",": b",":"]', '{"":[":",":"]}']) {
				await refuses(charge, withMember(charge.body(), "x", text), "validation_failed");
			}
		}),
	);

	it(
		"may be said beside texts with colons and quotes",
		nothingChanges(async () => {
			for (const note of ['x": 1', 'x: ","a": 1', '{"amount":1}', "x\\", 'x\\": "y', '"amount":']) {
				await refuses(transfer, JSON.stringify({ to: "no.such.body", note, amount: 1 }), "not_found");
			}
		}),
	);
});

describe("an amount in scientific notation", () => {
	it("is the number that it is", async () => {
		const before = await bob.api.ok("user.me", {});
		const answer = await send(charge, '{"amount":1e3}');
		assert.equal(answer.status, 201);
		assert.equal((await bob.api.ok("user.me", {})).balance, before.balance + 1_000);
	});
});

describe("a field that nobody asked for", () => {
	const members = [
		["balance", "1000000"],
		["userId", '"u_AAAAAAAAAAAAAAAA"'],
		["role", '"operator"'],
		["state", '"posted"'],
		["debitAccountId", '"system:funding"'],
		["idempotencyKey", '"another-key-1"'],
		["caller", '{"userId":"u_AAAAAAAAAAAAAAAA"}'],
		["meta", "{}"],
		["$where", '"1"'],
		["$set", '{"balance":1}'],
		["constructor", "1"],
		["prototype", "{}"],
		["toString", '"x"'],
		["hasOwnProperty", "1"],
		["", "1"],
		[" amount", "1"],
		["amount ", "1"],
		["Amount", "1"],
		["\\u0000", "1"],
		["a.b", "1"],
	] as const;
	for (const target of all) {
		it(
			`in ${target.what} is refused`,
			nothingChanges(async () => {
				for (const [name, value] of members) {
					await refuses(target, withMember(target.body(), name, value), "validation_failed");
				}
			}),
		);
	}

	it(
		"that would reach an object's prototype is refused, however it is written",
		nothingChanges(async () => {
			const texts = [
				'"__proto__":{"amount":1}',
				'"__proto__":null',
				'"\\u005f\\u005fproto\\u005f\\u005f":{"admin":true}',
				'"\\u005F_proto__":{"admin":true}',
				'"constructor":{"prototype":{"admin":true}}',
				'"constr\\u0075ctor":{"prototyp\\u0065":{"admin":true}}',
			];
			for (const target of all) {
				for (const text of texts) {
					await refuses(target, `{${text}}`, "malformed_request");
					await refuses(target, `{"x":{${text}}}`, "malformed_request");
					await refuses(target, `{"x":[[{${text}}]]}`, "malformed_request");
				}
			}
			assert.equal(({} as { admin?: boolean }).admin, undefined);
		}),
	);
});

describe("operators of databases", () => {
	const operators = [
		'{"$ne":null}',
		'{"$gt":""}',
		'{"$regex":".*"}',
		'{"$in":["x"]}',
		'{"$where":"1"}',
		'["x"]',
		"null",
		"7",
	];

	it(
		"are no text",
		nothingChanges(async () => {
			const places = [
				[transfer, "to"],
				[sale, "code"],
				[sale, "note"],
				[newProduct, "sku"],
				[newProduct, "name"],
				[refund, "reason"],
				[profile, "displayName"],
			] as const;
			for (const [target, field] of places) {
				for (const operator of operators) {
					await refuses(target, withMember(target.body(), field, operator), "validation_failed");
				}
			}
		}),
	);

	it(
		"are no log-in",
		nothingChanges(async () => {
			const login: Target = {
				what: "a log-in",
				client: () => ada.api,
				path: () => "/v1/sessions",
				body: () => ({ handle: bob.handle, password: "wrong" }),
			};
			for (const field of ["handle", "password"]) {
				for (const operator of operators) {
					await refuses(login, withMember(login.body(), field, operator), "validation_failed");
				}
			}
		}),
	);
});

describe("the Idempotency-Key", () => {
	it(
		"is missing",
		nothingChanges(async () => {
			for (const target of money) {
				const { client, path, method = "POST", body } = target;
				const headers = { "content-type": "application/json" };
				const answer = await client().raw({ method, path: path(), headers, body: JSON.stringify(body()) });
				assertRefused(answer, "idempotency_key_missing", target.what);
				await refuses(target, JSON.stringify(body()), "idempotency_key_missing", {
					headers: { "idempotency-key": "" },
				});
			}
		}),
	);

	it(
		"is none",
		nothingChanges(async () => {
			const keys = [
				"short",
				"x".repeat(65),
				"with space",
				"with.dot1",
				"with/slash",
				"../../etc",
				"%2e%2e%2f",
				'{"$ne":1}',
				"key,key12",
				"\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9",
			];
			for (const target of money) {
				for (const key of keys) {
					const text = JSON.stringify(target.body());
					await refuses(target, text, "validation_failed", { headers: { "idempotency-key": key } });
				}
				const twice = { headers: { "idempotency-key": [newKey(), newKey()] } };
				await refuses(target, JSON.stringify(target.body()), "validation_failed", twice);
			}
		}),
	);

	it(
		"is in the body, or in the query",
		nothingChanges(async () => {
			for (const target of money) {
				const { client, path, body } = target;
				const key = newKey();
				const headers = { "content-type": "application/json" };
				const inBody = JSON.stringify({ ...body(), idempotencyKey: key });
				const answer = await client().raw({ method: "POST", path: path(), headers, body: inBody });
				assertRefused(answer, "idempotency_key_missing", target.what);
				const inQuery = { path: `${path()}?idempotencyKey=${key}` };
				await refuses(target, JSON.stringify(body()), "validation_failed", inQuery);
			}
		}),
	);

	it("was used for something else", async () => {
		const key = newKey();
		const first = await send(charge, '{"amount":10}', { headers: { "idempotency-key": key } });
		assert.equal(first.status, 201);
		for (const text of ['{"amount":11}', '{"amount":1}']) {
			await refuses(charge, text, "idempotency_key_reused", { headers: { "idempotency-key": key } });
		}
		const sent = JSON.stringify(transfer.body());
		await refuses(transfer, sent, "idempotency_key_reused", { headers: { "idempotency-key": key } });
	});
});

describe("the query", () => {
	it(
		"cannot say what belongs into the body",
		nothingChanges(async () => {
			for (const target of all) {
				const body = target.body();
				for (const name of [...Object.keys(body), "x", "amount[]", "amount[$gt]"]) {
					const more = { path: `${target.path()}?${name}=1` };
					await refuses(target, JSON.stringify(body), "validation_failed", more);
					await refuses(target, "{}", "validation_failed", more);
				}
			}
		}),
	);

	const lists = [
		["a statement", () => bob.api, () => "/v1/me/transactions"],
		["products", () => ada.api, () => `/v1/stores/${shop.id}/products`],
		["sales", () => ada.api, () => `/v1/stores/${shop.id}/sales`],
		["an operator's statement", () => platform.operator, () => `/ledger/accounts/${bob.wallet}/statement`],
	] as const;
	for (const [what, client, path] of lists) {
		it(
			`of ${what} has a limit from 1 to 100, once`,
			nothingChanges(async () => {
				const bad = [
					"0",
					"-1",
					"101",
					"1e9",
					"1000000000",
					"1.5",
					"",
					" 1",
					"1 ",
					"+1",
					"0x10",
					"１",
					"true",
					"null",
					"NaN",
				];
				const queries = [
					...bad.map((limit) => `limit=${encodeURIComponent(limit)}`),
					"limit=1&limit=2",
					"limit=1&limit=1",
					"limit[]=1",
					"limit[0]=1",
					"limit[$gt]=1",
					"limit[a][b]=1",
					"limit",
					"limit=1&x=2",
					"x[$ne]=1",
					"LIMIT=1",
					"limit=1&cursor=",
					"cursor=%00",
					"cursor=%ZZ",
					"cursor=a&cursor=b",
					"cursor[$ne]=",
					"storeId=s_AAAAAAAAAAAAAAAA",
					"$where=1",
					"fromMs=-1",
					"fromMs[$gt]=0",
					"toMs=1e3",
					"fromMs=99999999999999999999",
				];
				for (const query of queries) {
					const answer = await client().raw({ method: "GET", path: `${path()}?${query}` });
					assertRefused(answer, "validation_failed", `${what} ?${query}`);
				}
			}),
		);
	}

	it(
		"says names of prototypes like any other",
		nothingChanges(async () => {
			for (const query of ["__proto__=1", "__proto__[limit]=1", "constructor=1", "toString=1", "hasOwnProperty=1"]) {
				const answer = await bob.api.raw({ method: "GET", path: `/v1/me/transactions?${query}` });
				assertRefused(answer, "validation_failed", query);
			}
		}),
	);

	it(
		"means nothing where nothing can be asked",
		nothingChanges(async () => {
			const paths = ["/v1/me", "/v1/stores", "/v1/sessions", `/v1/stores/${shop.id}`, `/v1/users/${ada.handle}`];
			for (const path of paths) {
				for (const query of ["x=1", "handle=x", "storeId=x", "userId=x", "admin=true"]) {
					assertRefused(
						await ada.api.raw({ method: "GET", path: `${path}?${query}` }),
						"validation_failed",
						path + query,
					);
				}
			}
			const deletion = { method: "DELETE", path: "/v1/sessions/current?x=1" };
			assertRefused(await ada.api.raw(deletion), "validation_failed", deletion.path);
		}),
	);
});

describe("ids", () => {
	const places = () =>
		[
			["/v1/stores/{}", "s_", ada.api, bob.api, shop.id],
			["/v1/stores/{}/products", "s_", ada.api, bob.api, shop.id],
			[`/v1/stores/${shop.id}/products/{}`, "p_", ada.api, bob.api, product.id],
			["/v1/stores/{}/sales", "s_", ada.api, bob.api, shop.id],
			[`/v1/stores/${shop.id}/sales/{}`, "", ada.api, bob.api, "sale-0001"],
			["/v1/stores/{}/reports/2026-01-01", "s_", ada.api, bob.api, shop.id],
		] as const;

	it(
		"that are unknown and that are somebody else's are answered alike",
		nothingChanges(async () => {
			for (const [path, prefix, , stranger, id] of places()) {
				const ask = (value: string) => stranger.raw({ method: "GET", path: path.replace("{}", value) });
				const others = await ask(id);
				const unknown = await ask(`${prefix}${"A".repeat(16)}`);
				assertRefused(others, "not_found", path);
				assert.deepEqual(withoutTrace(others), withoutTrace(unknown), path);
				const headersOf = ({ headers }: Answer) => Object.keys(headers).sort();
				assert.deepEqual(headersOf(others), headersOf(unknown));
			}
		}),
	);

	it(
		"that are none are refused",
		nothingChanges(async () => {
			const junk = [
				"x",
				"%00",
				"%0a",
				"..%2f..%2f",
				"%2e%2e",
				"s_%24ne",
				"%7B%22%24ne%22%3A1%7D",
				"a".repeat(500),
				"%F0%9F%92%A9",
				"'--",
				"*",
			];
			for (const [path, , owner] of places()) {
				for (const value of junk) {
					const answer = await owner.raw({ method: "GET", path: path.replace("{}", value) });
					assertRefused(answer, "validation_failed", path + value);
				}
			}
		}),
	);

	it(
		"that are not even an address are malformed",
		nothingChanges(async () => {
			const paths = places().map(([path]) => path);
			for (const path of [...paths, "/v1/users/{}", "/problems/{}", "/docs/{}"]) {
				for (const value of ["%ZZ", "%", "%C3%28", "%E0%A4%A", "%ff"]) {
					const answer = await ada.api.raw({ method: "GET", path: path.replace("{}", value) });
					assert.ok([400, 404].includes(answer.status), `${path} ${value} ${answer.status}`);
				}
			}
		}),
	);
});
