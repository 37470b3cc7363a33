import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Client, newKey } from "./client.ts";
import { basketOf, newCode, newPerson, newShop, type Person, type Shop, sell } from "./people.ts";
import { booksOf, startTestPlatform, type TestPlatform } from "./platform.ts";

let platform: TestPlatform;
let ada: Person;
let bob: Person;
let shop: Shop;
let till: Client;
let storeId: string;
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone, { name: "Ada" });
	bob = await newPerson(platform.anyone, { name: "Bob", credit: 1_000_000 });
	shop = await newShop(ada, { prices: [1_000] });
	till = ada.api;
	storeId = shop.id;
});
after(() => platform.stop());

const books = () => booksOf(platform.operator, [bob.wallet, shop.account]);
const newSale = async () => (await sell(shop, bob, newKey())).id;

describe("cancelling a sale", () => {
	it("gives everything back when it was booked", async () => {
		const before = await books();
		const saleId = await newSale();
		const { effect, sale } = await till.ok("store.cancelSale", { storeId, saleId, reason: "wrong table" });
		assert.equal(effect, "refunded");
		assert.deepEqual([sale.state, sale.total, sale.refunded], ["posted", 1_000, 1_000]);
		assert.deepEqual(
			sale.refunds.map(({ amount, reason }) => ({ amount, reason })),
			[{ amount: 1_000, reason: "wrong table" }],
		);
		const [line] = (await bob.api.ok("user.listTransactions", { kind: "refund", limit: 1 })).items;
		assert.deepEqual([line?.counterparty, line?.note], ["Ada's store", "wrong table"]);
		assert.deepEqual((await books()).balances, before.balances);
	});

	it("gives back what is left after a refund", async () => {
		const before = await books();
		const saleId = await newSale();
		await till.ok("store.refundSale", { storeId, saleId, amount: 300 });
		const { effect, sale } = await till.ok("store.cancelSale", { storeId, saleId });
		assert.equal(effect, "refunded");
		assert.deepEqual(
			sale.refunds.map(({ amount }) => amount),
			[300, 700],
		);
		assert.deepEqual((await books()).balances, before.balances);
	});

	it("keeps it out for ever when it had not come: the late sale is refused", async () => {
		const before = await books();
		const saleId = newKey();
		const { effect, sale } = await till.ok("store.cancelSale", { storeId, saleId });
		assert.deepEqual([effect, sale.state, sale.total], ["kept_out", "cancelled", null]);
		const code = await newCode(bob);
		const late = { storeId, idempotencyKey: saleId, code, items: basketOf(shop) };
		await till.refused("store.sell", late, "cancelled");
		await till.refused("store.sell", late, "cancelled");
		assert.equal((await till.ok("store.getSale", { storeId, saleId })).state, "cancelled");
		assert.deepEqual((await books()).balances, before.balances);
		// The sale never was, so the code is good for another one.
		await till.ok("store.sell", { ...late, idempotencyKey: newKey() });
	});

	it("has an effect once", async () => {
		const saleId = await newSale();
		const before = await books();
		const answers = await Promise.all(
			Array.from({ length: 16 }, () => till.ok("store.cancelSale", { storeId, saleId })),
		);
		const effects = answers.map(({ effect }) => effect).sort();
		assert.deepEqual(effects, [...Array.from({ length: 15 }, () => "none"), "refunded"]);
		const { balances } = await books();
		assert.equal(balances[bob.wallet], Number(before.balances[bob.wallet]) + 1_000);
		const unseen = newKey();
		assert.equal((await till.ok("store.cancelSale", { storeId, saleId: unseen })).effect, "kept_out");
		assert.equal((await till.ok("store.cancelSale", { storeId, saleId: unseen })).effect, "none");
	});

	it("is one answer for one key", async () => {
		const saleId = await newSale();
		const said = { storeId, saleId, idempotencyKey: newKey() };
		const first = await till.call("store.cancelSale", said);
		const again = await till.call("store.cancelSale", said);
		assert.deepEqual(again.body, first.body);
		assert.equal(again.headers["idempotent-replayed"], "true");
		const other = { ...said, saleId: await newSale() };
		await till.refused("store.cancelSale", other, "idempotency_key_reused");
		await till.refused("store.cancelSale", { ...said, reason: "x" }, "idempotency_key_reused");
	});

	it("has nothing to do for a sale that was refused", async () => {
		const poor = await newPerson(platform.anyone, { name: "Poor" });
		const saleId = newKey();
		const said = { storeId, idempotencyKey: saleId, code: await newCode(poor), items: basketOf(shop) };
		await till.refused("store.sell", said, "insufficient_credit");
		const { effect, sale } = await till.ok("store.cancelSale", { storeId, saleId });
		assert.deepEqual([effect, sale.state, sale.refusal], ["none", "refused", "insufficient_credit"]);
	});

	it("races the sale itself: in the end the customer has paid nothing", async () => {
		for (let round = 0; round < 8; round++) {
			const before = await books();
			const saleId = newKey();
			const code = await newCode(bob);
			const [sold, cancelled] = await Promise.all([
				till.call("store.sell", { storeId, idempotencyKey: saleId, code, items: basketOf(shop) }),
				till.call("store.cancelSale", { storeId, saleId }),
			]);
			assert.equal(cancelled.status, 200);
			assert.equal(cancelled.body.effect, sold.status === 201 ? "refunded" : "kept_out");
			assert.deepEqual((await books()).balances, before.balances);
		}
	});

	it("gives back no payout", async () => {
		await newSale();
		const idempotencyKey = newKey();
		await till.ok("store.payOut", { storeId, idempotencyKey, amount: 500 });
		const before = await books();
		await till.refused("store.cancelSale", { storeId, saleId: idempotencyKey }, "not_refundable");
		assert.deepEqual((await books()).balances, before.balances);
	});
});

// A ledger of its own: what this leaves behind would show in the audits of the others.
describe("cancelling with the sale's own key", () => {
	it("keeps the log sound", async () => {
		const other = await startTestPlatform();
		try {
			const owner = await newPerson(other.anyone, { name: "Owner" });
			const { id } = await newShop(owner);
			const key = newKey();
			await owner.api.call("store.cancelSale", { storeId: id, saleId: key, idempotencyKey: key });
			const { clean, discrepancy } = await other.operator.ok("credit.audit", {});
			assert.deepEqual({ clean, discrepancy }, { clean: true, discrepancy: null });
		} finally {
			await other.stop();
		}
	});

	it("is refused for a sale that was booked", async () => {
		const saleId = await newSale();
		const said = { storeId, saleId, idempotencyKey: saleId };
		await till.refused("store.cancelSale", said, "idempotency_key_reused");
		await till.refused("store.refundSale", said, "idempotency_key_reused");
	});
});

describe("a refund", () => {
	it("is of the amount that was said, also where a slash too many stands in the address", async () => {
		for (const slashes of ["/", "//"]) {
			const saleId = await newSale();
			const { status } = await till.raw({
				method: "POST",
				path: `/v1/stores/${storeId}/sales/${saleId}/refunds${slashes}`,
				headers: { "content-type": "application/json", "idempotency-key": newKey() },
				body: JSON.stringify({ amount: 1 }),
			});
			const { refunded } = await till.ok("store.getSale", { storeId, saleId });
			assert.deepEqual([status, refunded], [201, 1]);
		}
	});

	it("is named with the sale, until there are a hundred that came after it", async () => {
		const saleId = await newSale();
		const keys = Array.from({ length: 101 }, () => newKey());
		for (const idempotencyKey of keys)
			await till.ok("store.refundSale", { storeId, saleId, idempotencyKey, amount: 1 });
		const { refunded, refunds } = await till.ok("store.getSale", { storeId, saleId });
		assert.equal(refunded, 101);
		assert.deepEqual(
			refunds.map(({ id }) => id),
			keys.slice(1).map((key) => `${storeId}.${key}`),
		);
	});

	it("gives back parts and then the rest, never more", async () => {
		const before = await books();
		const saleId = await newSale();
		const refund = (amount?: number) =>
			till.ok("store.refundSale", { storeId, saleId, ...(amount !== undefined && { amount }) });
		assert.equal((await refund(1)).sale.refunded, 1);
		assert.equal((await refund(499)).sale.refunded, 500);
		await till.refused("store.refundSale", { storeId, saleId, amount: 501 }, "refund_exceeds_sale");
		const { refund: rest, sale } = await refund();
		assert.deepEqual([rest.amount, sale.refunded, sale.refunds.length], [500, 1_000, 3]);
		await till.refused("store.refundSale", { storeId, saleId }, "refund_exceeds_sale");
		await till.refused("store.refundSale", { storeId, saleId, amount: 1 }, "refund_exceeds_sale");
		assert.deepEqual((await books()).balances, before.balances);
	});

	it("never gives back more than was paid, 32 times at once", async () => {
		const saleId = await newSale();
		const answers = await Promise.all(
			Array.from({ length: 32 }, () => till.call("store.refundSale", { storeId, saleId, amount: 100 })),
		);
		assert.equal(answers.filter(({ status }) => status === 201).length, 10);
		const { refunded, refunds } = await till.ok("store.getSale", { storeId, saleId });
		assert.deepEqual([refunded, refunds.length], [1_000, 10]);
	});

	it("is booked once for one key", async () => {
		const saleId = await newSale();
		const said = { storeId, saleId, idempotencyKey: newKey(), amount: 10, reason: "cold" };
		const answers = await Promise.all(Array.from({ length: 16 }, () => till.call("store.refundSale", said)));
		for (const { status, body } of answers) assert.deepEqual([status, body.refund], [201, answers[0]?.body.refund]);
		assert.equal((await till.ok("store.getSale", { storeId, saleId })).refunded, 10);
		await till.refused("store.refundSale", { ...said, amount: 11 }, "idempotency_key_reused");
	});

	it("cannot be had from a store that has nothing left", async () => {
		const poor = await newShop(ada, { prices: [1_000] });
		const { id: saleId } = await sell(poor, bob, newKey());
		await till.ok("store.payOut", { storeId: poor.id, amount: 600 });
		await till.refused("store.refundSale", { storeId: poor.id, saleId }, "insufficient_credit");
		await till.ok("store.refundSale", { storeId: poor.id, saleId, amount: 400 });
	});

	it("is of this store's sales only, and of nothing else", async () => {
		const other = await newShop(ada);
		const saleId = await newSale();
		await till.ok("store.payOut", { storeId, idempotencyKey: "payout-to-refund", amount: 10 });
		const before = await books();
		await till.refused("store.refundSale", { storeId: other.id, saleId }, "transfer_not_found");
		await till.refused("store.refundSale", { storeId, saleId: newKey() }, "transfer_not_found");
		await till.refused("store.refundSale", { storeId, saleId: "payout-to-refund" }, "not_refundable");
		assert.deepEqual((await books()).balances, before.balances);
		for (const amount of [0, -1, 0.5, "1", null, 1e13]) {
			await till.refused("store.refundSale", { storeId, saleId, amount }, "validation_failed");
		}
		for (const reason of ["", "x".repeat(141), 7]) {
			await till.refused("store.refundSale", { storeId, saleId, reason }, "validation_failed");
		}
	});
});

describe("an id that is something else", () => {
	it("is no sale", async () => {
		await till.ok("store.cancelSale", { storeId, saleId: newKey(), idempotencyKey: "key-of-cancel" });
		await till.refused("store.getSale", { storeId, saleId: "key-of-cancel" }, "not_found");
	});

	it("is no sale: a payout's or a refund's", async () => {
		const saleId = await newSale();
		await till.ok("store.payOut", { storeId, idempotencyKey: "key-of-payout", amount: 1 });
		await till.ok("store.refundSale", { storeId, saleId, idempotencyKey: "key-of-refund", amount: 1 });
		for (const key of ["key-of-payout", "key-of-refund"]) {
			await till.refused("store.getSale", { storeId, saleId: key }, "not_found");
		}
	});

	it("is told of a refund by its own key, booked or refused, whose answer was lost", async () => {
		const saleId = await newSale();
		const [booked, refused] = [newKey(), newKey()];
		await till.ok("store.refundSale", { storeId, saleId, idempotencyKey: booked, amount: 300 });
		await till.refused(
			"store.refundSale",
			{ storeId, saleId, idempotencyKey: refused, amount: 701 },
			"refund_exceeds_sale",
		);
		const { state, amount, refusal } = await till.ok("store.getRefund", { storeId, id: booked });
		assert.deepEqual([state, amount, refusal], ["posted", 300, null]);
		const none = await till.ok("store.getRefund", { storeId, id: refused });
		assert.deepEqual([none.state, none.amount, none.refusal], ["refused", null, "refund_exceeds_sale"]);
	});

	it("is no refund", async () => {
		const saleId = await newSale();
		await till.ok("store.payOut", { storeId, idempotencyKey: "payout-is-none", amount: 1 });
		for (const id of [saleId, "payout-is-none", newKey()]) {
			await till.refused("store.getRefund", { storeId, id }, "not_found");
		}
	});

	it("is no payout", async () => {
		const saleId = await newSale();
		await till.ok("store.refundSale", { storeId, saleId, idempotencyKey: "refund-is-none", amount: 1 });
		await till.ok("store.cancelSale", { storeId, saleId: newKey(), idempotencyKey: "cancel-is-none" });
		for (const id of [saleId, "refund-is-none", "cancel-is-none"]) {
			await till.refused("store.getPayout", { storeId, id }, "not_found");
		}
	});

	it("is no charge, and no transfer", async () => {
		await bob.api.ok("user.charge", { idempotencyKey: "key-of-charge", amount: 1 });
		await bob.api.ok("user.send", { idempotencyKey: "key-of-send", amount: 1, to: ada.handle });
		await bob.api.refused("user.getCharge", { id: "key-of-send" }, "not_found");
		await bob.api.refused("user.getTransfer", { id: "key-of-charge" }, "not_found");
	});
});
