import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ProblemBody } from "./contract.ts";
import { newPerson, newShop, type Person, type Shop } from "./people.ts";
import { startTestPlatform, type TestPlatform } from "./platform.ts";

// What is said of a mistake names what was sent as it was sent, and what to do instead.

let platform: TestPlatform;
let ada: Person;
let shop: Shop;
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone, { name: "Ada", credit: 1_000 });
	shop = await newShop(ada);
});
after(() => platform.stop());

const errorsOf = ({ errors }: ProblemBody) => errors?.map(({ at, message }) => `${at} ${message}`);

test("every missing field is named for itself", async () => {
	const problem = await platform.anyone.refused("user.signUp", {}, "validation_failed");
	assert.deepEqual(errorsOf(problem), ["handle is missing", "password is missing", "displayName is missing"]);
});

test("an edit of a webhook that changes nothing is told what could be changed", async () => {
	const { api } = ada;
	const storeId = shop.id;
	const events = ["sale.posted" as const];
	const { id: webhookId } = await api.ok("store.createWebhook", { storeId, url: "https://192.0.2.1/", events });
	const problem = await api.refused("store.editWebhook", { storeId, webhookId }, "validation_failed");
	assert.deepEqual(errorsOf(problem), ["(all) must have at least 1 of: url, events, description, enabled"]);
});

test("who is not there is said to be not there, and who need not be added is said to be one who need not", async () => {
	const sent = await ada.api.refused("user.send", { to: "no.such.person", amount: 1 }, "not_found");
	assert.equal(sent.detail, "Nobody has this handle");
	const named = { storeId: shop.id, handle: "no.such.person" };
	assert.equal((await ada.api.refused("store.addStaff", named, "not_found")).detail, "Nobody has this handle");
	const removed = await ada.api.refused("store.removeStaff", named, "not_found");
	assert.equal(removed.detail, "Nobody with this handle may sell here");
	const owner = await ada.api.refused("store.addStaff", { ...named, handle: ada.handle }, "validation_failed");
	assert.deepEqual(errorsOf(owner), ["handle is the owner's, who may sell anyway"]);
});

test("parameters and headers have the names by which they are sent", async () => {
	const events = await ada.api.refused("user.listEvents", { after: "nonsense" }, "validation_failed");
	assert.deepEqual(errorsOf(events), ["after is not a cursor of ours"]);
	const page = await ada.api.refused("user.listTransactions", { cursor: "nonsense" }, "validation_failed");
	assert.deepEqual(errorsOf(page), ["cursor is not a cursor of ours"]);
	const charge = await ada.api.refused("user.charge", { amount: 1, idempotencyKey: "short" }, "validation_failed");
	assert.deepEqual(
		charge.errors?.map(({ at }) => at),
		["Idempotency-Key"],
	);
});

test("an address that is not UTF-8 is said to be that", async () => {
	const answer = await platform.anyone.raw({ method: "GET", path: "/v1/photos/%E0%A4%A" });
	const { code, detail } = answer.body as ProblemBody;
	assert.deepEqual([answer.status, code], [400, "malformed_request"]);
	assert.equal(detail, "The address has a % that UTF-8 does not have there");
});
