import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { assertRefused, withoutTrace } from "./client.ts";
import type { Answer } from "./contract.ts";
import { startTestPlatform, type TestPlatform } from "./platform.ts";
import { type Market, nothingChangesIn, openMarket, refuses, rightRequests } from "./right-requests.ts";

// Whatever is wrong with the query of an address or an id in it: it is refused with the right status and code, and nothing has changed.

let platform: TestPlatform;
let market: Market;
before(async () => {
	platform = await startTestPlatform();
	market = await openMarket(platform);
});
after(() => platform.stop());

const nothingChanges = nothingChangesIn(() => market);
const { all } = rightRequests(() => market);

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
		["a statement", () => market.bob.api, () => "/v1/me/transactions"],
		["products", () => market.ada.api, () => `/v1/stores/${market.shop.id}/products`],
		["sales", () => market.ada.api, () => `/v1/stores/${market.shop.id}/sales`],
		["an operator's statement", () => platform.operator, () => `/ledger/accounts/${market.bob.wallet}/statement`],
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
				const answer = await market.bob.api.raw({ method: "GET", path: `/v1/me/transactions?${query}` });
				assertRefused(answer, "validation_failed", query);
			}
		}),
	);

	it(
		"means nothing where nothing can be asked",
		nothingChanges(async () => {
			const paths = [
				"/v1/me",
				"/v1/stores",
				"/v1/sessions",
				`/v1/stores/${market.shop.id}`,
				`/v1/users/${market.ada.handle}`,
			];
			for (const path of paths) {
				for (const query of ["x=1", "handle=x", "storeId=x", "userId=x", "admin=true"]) {
					assertRefused(
						await market.ada.api.raw({ method: "GET", path: `${path}?${query}` }),
						"validation_failed",
						path + query,
					);
				}
			}
			const deletion = { method: "DELETE", path: "/v1/sessions/current?x=1" };
			assertRefused(await market.ada.api.raw(deletion), "validation_failed", deletion.path);
		}),
	);
});

describe("ids", () => {
	const places = () =>
		[
			["/v1/stores/{}", "s_", market.ada.api, market.bob.api, market.shop.id],
			["/v1/stores/{}/products", "s_", market.ada.api, market.bob.api, market.shop.id],
			[`/v1/stores/${market.shop.id}/products/{}`, "p_", market.ada.api, market.bob.api, market.product.id],
			["/v1/stores/{}/sales", "s_", market.ada.api, market.bob.api, market.shop.id],
			[`/v1/stores/${market.shop.id}/sales/{}`, "", market.ada.api, market.bob.api, "sale-0001"],
			["/v1/stores/{}/reports/2026-01-01", "s_", market.ada.api, market.bob.api, market.shop.id],
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
					const answer = await market.ada.api.raw({ method: "GET", path: path.replace("{}", value) });
					assert.ok([400, 404].includes(answer.status), `${path} ${value} ${answer.status}`);
				}
			}
		}),
	);
});
