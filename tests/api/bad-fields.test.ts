import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startTestPlatform, type TestPlatform } from "./platform.ts";
import {
	type Market,
	nothingChangesIn,
	openMarket,
	refuses,
	rightRequests,
	type Target,
	withMember,
} from "./right-requests.ts";

// Whatever is wrong with the fields of a body: it is refused with the right status and code, and nothing has changed.

let platform: TestPlatform;
let market: Market;
before(async () => {
	platform = await startTestPlatform();
	market = await openMarket(platform);
});
after(() => platform.stop());

const nothingChanges = nothingChangesIn(() => market);
const { transfer, refund, sale, newProduct, profile, all } = rightRequests(() => market);

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
				client: () => market.ada.api,
				path: () => "/v1/sessions",
				body: () => ({ handle: market.bob.handle, password: "wrong" }),
			};
			for (const field of ["handle", "password"]) {
				for (const operator of operators) {
					await refuses(login, withMember(login.body(), field, operator), "validation_failed");
				}
			}
		}),
	);
});
