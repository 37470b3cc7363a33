import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertRefused, newKey } from "./client.ts";
import { newPerson, newShop, type Person } from "./people.ts";
import { startTestPlatform, type TestPlatform } from "./platform.ts";

// What is sent in another form than it is said to have, or with a typing error, is not guessed at.

let platform: TestPlatform;
let ada: Person;
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone, { name: "Ada", credit: 1_000 });
});
after(() => platform.stop());

test("a second question mark belongs to a parameter's name, which nobody knows", async () => {
	const path = "/v1/me/transactions?";
	assertRefused(await ada.api.raw({ method: "GET", path: `${path}?limit=1` }), "validation_failed", path);
	assert.equal((await ada.api.raw({ method: "GET", path: `${path}limit=1` })).status, 200);
});

test("a body in another charset than UTF-8 is not read", async () => {
	const { id } = await newShop(ada, { prices: [] });
	const bodies = [
		["/v1/me/charges", "application/json", '{"amount":1}'],
		[`/v1/stores/${id}/products/import`, "text/csv", "sku,name,category,price\na,A,B,1"],
	] as const;
	for (const [path, type, body] of bodies) {
		const send = (charset: string) => {
			const headers = { "content-type": `${type}${charset}`, "idempotency-key": newKey() };
			return ada.api.raw({ method: "POST", path, headers, body });
		};
		for (const charset of ["; charset=iso-8859-1", ";charset=UTF-16", '; x=y; Charset="euc-kr"', "; charset="])
			assertRefused(await send(charset), "unsupported_media_type", `${path} ${charset}`);
		for (const charset of ["", "; charset=utf-8", '; charset="UTF-8"', "; charset=utf8"])
			assert.ok((await send(charset)).status < 300, `${path} ${charset}`);
	}
});
