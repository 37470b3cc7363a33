import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { assertRefused } from "./client.ts";
import { basketOf } from "./people.ts";
import { startTestPlatform, type TestPlatform } from "./platform.ts";
import {
	type Market,
	nothingChangesIn,
	openMarket,
	refuses,
	rightRequests,
	send,
	withMember,
} from "./right-requests.ts";

// Whatever is wrong with an amount: it is refused with the right status and code, and nothing has changed.

let platform: TestPlatform;
let market: Market;
before(async () => {
	platform = await startTestPlatform();
	market = await openMarket(platform);
});
after(() => platform.stop());

const nothingChanges = nothingChangesIn(() => market);
const { charge, transfer, payout, refund, sale, newProduct, money } = rightRequests(() => market);

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
			const [line] = basketOf(market.shop);
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
		const before = await market.bob.api.ok("user.me", {});
		const answer = await send(charge, '{"amount":1e3}');
		assert.equal(answer.status, 201);
		assert.equal((await market.bob.api.ok("user.me", {})).balance, before.balance + 1_000);
	});
});
