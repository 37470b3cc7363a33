import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { assertRefused, newKey } from "./client.ts";
import { startTestPlatform, type TestPlatform } from "./platform.ts";
import { type Market, nothingChangesIn, openMarket, refuses, rightRequests, send } from "./right-requests.ts";

// Whatever is wrong with the key that makes a request safe to repeat: it is refused with the right status and code, and nothing has
// changed.

let platform: TestPlatform;
let market: Market;
before(async () => {
	platform = await startTestPlatform();
	market = await openMarket(platform);
});
after(() => platform.stop());

const nothingChanges = nothingChangesIn(() => market);
const { charge, transfer, money } = rightRequests(() => market);

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
