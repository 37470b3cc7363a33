import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { assertRefused, newKey } from "./client.ts";
import { holdBack } from "./hold-back.ts";
import { basketOf, newCode, newPerson, newShop, PASSWORD, type Person, type Shop, sell } from "./people.ts";
import { booksOf, isApart, startTestPlatform, type TestPlatform, unchanging } from "./platform.ts";

let platform: TestPlatform;
let ada: Person;
let bob: Person;
let shop: Shop;
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone);
	bob = await newPerson(platform.anyone, { name: "Bob", credit: 1_000_000 });
	shop = await newShop(ada, { prices: [1_000] });
});
after(() => platform.stop());

const nothingMoves = unchanging(() => booksOf(platform.operator, [bob.wallet, shop.account]));

/** Refusals of the ledger's are in the log as well. */
const noBalanceMoves = unchanging(async () => (await booksOf(platform.operator, [bob.wallet, shop.account])).balances);

/** A sale of 2,000 with a code that pays 1,000. */
async function askForMore(customer = bob) {
	const code = await newCode(customer, 1_000);
	return shop.owner.api.ok("store.sell", { storeId: shop.id, code, items: basketOf(shop, 2) });
}

const named = (sale: { transferId: string; total: number | null }) => ({
	id: sale.transferId,
	storeId: shop.id,
	total: Number(sale.total),
});

const saleNow = (saleId: string) => shop.owner.api.ok("store.getSale", { storeId: shop.id, saleId });

describe("a shop that asks two people for one sale", () => {
	it("gets the approval of whom the ledger holds it on, and of nobody else", async () => {
		const eve = await newPerson(platform.anyone, { name: "Eve", credit: 1_000_000 });
		for (let round = 0; round < 10; round++) {
			const key = newKey();
			const codes = await Promise.all([newCode(eve, 1_000), newCode(bob, 1_000)]);
			const said = { storeId: shop.id, idempotencyKey: key, items: basketOf(shop, 2) };
			const sales = await Promise.all(codes.map((code) => shop.owner.api.call("store.sell", { ...said, code })));
			assert.equal(sales.filter(({ status }) => status === 201).length, 1);
			const isBobs = sales[1]?.status === 201;
			const [stranger, customer] = isBobs ? [eve, bob] : [bob, eve];
			const sale = named((sales.find(({ status }) => status === 201) as { body: Parameters<typeof named>[0] }).body);

			const listed = async (person: Person) =>
				(await person.api.ok("store.listApprovals", {})).items.filter(({ id }) => id === sale.id).length;
			assert.deepEqual([await listed(customer), await listed(stranger)], [1, 0]);
			await stranger.api.refused("store.decide", { ...sale, decision: "confirm" }, "not_found");
			await stranger.api.refused("store.decide", { ...sale, decision: "decline" }, "not_found");
			await customer.api.ok("store.decide", { ...sale, decision: "decline" });
		}
	});

	it("shows one person the basket that is held, of two that it asks for at once as one sale", {
		skip: isApart && "nothing can be held back there",
	}, async () => {
		const dan = await newPerson(platform.anyone, { name: "Dan", credit: 10_000 });
		const said = { storeId: shop.id, idempotencyKey: newKey() };
		const [first, second] = await Promise.all([newCode(dan, 1_000), newCode(dan, 1_000)]);
		const booking = holdBack(platform.broker, "credit.transfer");
		const losing = shop.owner.api.call("store.sell", { ...said, code: first, items: basketOf(shop, 2) });
		await booking.isHeld;
		const sale = named(await shop.owner.api.ok("store.sell", { ...said, code: second, items: basketOf(shop, 3) }));
		booking.letGo();
		assertRefused(await losing, "idempotency_key_reused", "the other basket");
		const { items } = await dan.api.ok("store.listApprovals", {});
		assert.deepEqual(
			items.map(({ id, total }) => [id, total]),
			[[sale.id, 3_000]],
		);
		await dan.api.ok("store.decide", { ...sale, decision: "confirm" });
	});

	it("has the ledger asked once for what waits, however much was decided before", {
		skip: isApart && "nothing can be counted there",
	}, async (t) => {
		const real = platform.broker.call;
		const flo = await newPerson(platform.anyone, { name: "Flo", credit: 100_000 });
		for (let n = 0; n < 3; n++)
			await flo.api.ok("store.decide", { ...named(await askForMore(flo)), decision: "decline" });
		const waiting = [await askForMore(flo), await askForMore(flo)];
		const asked: unknown[] = [];
		const calling = t.mock.method(platform.broker, "call", (name: unknown, ...rest: unknown[]) => {
			asked.push(name);
			return Reflect.apply(real, platform.broker, [name, ...rest]);
		});
		const { items } = await flo.api.ok("store.listApprovals", {});
		calling.mock.restore();
		assert.deepEqual(
			items.map(({ id }) => id),
			waiting.map(({ transferId }) => transferId),
		);
		assert.deepEqual(
			asked.filter((name) => String(name).startsWith("credit.")),
			["credit.listHolds"],
		);
	});

	it("does not hide what is asked for behind what the ledger has refused", async () => {
		const cal = await newPerson(platform.anyone, { name: "Cal", credit: 10_000 });
		const used = await newCode(cal, 1_000);
		await shop.owner.api.ok("store.sell", { storeId: shop.id, code: used, items: basketOf(shop, 1) });
		const again = { storeId: shop.id, code: used, items: basketOf(shop, 2) };
		for (let n = 0; n < 25; n++) await shop.owner.api.refused("store.sell", again, "code_used");
		const sale = await askForMore(cal);
		const { items } = await cal.api.ok("store.listApprovals", {});
		assert.deepEqual(
			items.map(({ id }) => id),
			[sale.transferId],
		);
	});
});

describe("a sale above what the code pays by itself", () => {
	it("is held, shown to the customer, confirmed, and then paid", async () => {
		const { balance, confirmAbove } = { ...(await bob.api.ok("user.me", {})), confirmAbove: 100_000 };
		const sale = await askForMore();
		assert.deepEqual([sale.state, sale.total], ["pending", 2_000]);
		const { balance: still, available, limits } = await bob.api.ok("user.me", {});
		assert.deepEqual([still, available, limits.confirmAbove], [balance, balance - 2_000, confirmAbove]);

		const { items } = await bob.api.ok("store.listApprovals", {});
		const [approval] = items;
		assert.deepEqual(
			items.map(({ id, storeId, total }) => ({ id, storeId, total })),
			[named(sale)],
		);
		assert.equal(approval?.storeName, "Ada's store");
		assert.equal(approval?.items[0]?.quantity, 2);
		assert.equal(approval?.expiresAtMs, sale.expiresAtMs);
		assert.ok((approval?.expiresInMs ?? 0) > 0 && (approval?.expiresInMs ?? 0) <= 60_000);

		const decided = await bob.api.ok("store.decide", { ...named(sale), decision: "confirm" });
		assert.deepEqual(decided, { id: sale.transferId, state: "posted", total: 2_000 });
		assert.equal((await saleNow(sale.id)).state, "posted");
		assert.equal((await bob.api.ok("user.me", {})).balance, balance - 2_000);
		assert.deepEqual((await bob.api.ok("store.listApprovals", {})).items, []);
	});

	it(
		"is declined, and nothing was taken",
		noBalanceMoves(async () => {
			const sale = await askForMore();
			const decided = await bob.api.ok("store.decide", { ...named(sale), decision: "decline" });
			assert.equal(decided.state, "voided");
			assert.equal((await saleNow(sale.id)).state, "voided");
			await bob.api.refused("store.decide", { ...named(sale), decision: "confirm" }, "not_pending");
			assert.equal((await bob.api.ok("user.me", {})).pending, 0);
		}),
	);

	it("is confirmed once, however often and at once; the same request again gets the same answer", async () => {
		const { balance } = await bob.api.ok("user.me", {});
		const sale = await askForMore();
		const said = { ...named(sale), decision: "confirm" as const, idempotencyKey: newKey() };
		const answers = await Promise.all(Array.from({ length: 16 }, () => bob.api.call("store.decide", said)));
		for (const { status, body } of answers) assert.deepEqual([status, body.state], [200, "posted"]);
		assert.equal(answers.filter(({ headers }) => !headers["idempotent-replayed"]).length, 1);
		await bob.api.refused("store.decide", { ...said, idempotencyKey: newKey() }, "not_pending");
		await bob.api.refused("store.decide", { ...said, decision: "decline" }, "idempotency_key_reused");
		assert.equal((await bob.api.ok("user.me", {})).balance, balance - 2_000);
	});

	it("is confirmed or declined when both come at once, not both", async () => {
		for (let round = 0; round < 5; round++) {
			const { balance } = await bob.api.ok("user.me", {});
			const sale = await askForMore();
			const both = await Promise.all(
				(["confirm", "decline"] as const).map((decision) => bob.api.call("store.decide", { ...named(sale), decision })),
			);
			assert.equal(both.filter(({ status }) => status === 200).length, 1);
			const { state } = await saleNow(sale.id);
			const paid = state === "posted" ? 2_000 : 0;
			assert.equal((await bob.api.ok("user.me", {})).balance, balance - paid);
		}
	});

	it("is confirmed for what it is only: another total, store, sale or person is refused", async () => {
		const sale = await askForMore();
		const other = await newShop(ada);
		const eve = await newPerson(platform.anyone, { name: "Eve" });
		await nothingMoves(async () => {
			const right = { ...named(sale), decision: "confirm" as const };
			await bob.api.refused("store.decide", { ...right, total: 1_999 }, "approval_mismatch");
			await bob.api.refused("store.decide", { ...right, total: 2_001 }, "approval_mismatch");
			await bob.api.refused("store.decide", { ...right, storeId: other.id }, "approval_mismatch");
			await bob.api.refused("store.decide", { ...right, id: `${shop.id}.${newKey()}` }, "not_found");
			await eve.api.refused("store.decide", right, "not_found");
			await ada.api.refused("store.decide", right, "not_found");
			assert.deepEqual((await eve.api.ok("store.listApprovals", {})).items, []);
			await bob.api.refused("store.decide", { ...right, decision: "yes" }, "validation_failed");
		})();
		await bob.api.ok("store.decide", { ...named(sale), decision: "decline" });
	});

	it("is over when the shop cancels it, and after 60 s", async () => {
		const cancelled = await askForMore();
		const { effect } = await shop.owner.api.ok("store.cancelSale", { storeId: shop.id, saleId: cancelled.id });
		assert.equal(effect, "voided");
		await bob.api.refused("store.decide", { ...named(cancelled), decision: "confirm" }, "not_pending");
		const sale = await askForMore();
		assert.equal(Number(sale.expiresAtMs) - Number(sale.createdAtMs), 60_000);
		const { expiresInMs } = await saleNow(sale.id);
		for (const leftMs of [sale.expiresInMs, expiresInMs]) assert.ok(Number(leftMs) > 0 && Number(leftMs) <= 60_000);
		assert.ok(Number(expiresInMs) <= Number(sale.expiresInMs));
		await bob.api.ok("store.decide", { ...named(sale), decision: "decline" });
		assert.equal((await saleNow(sale.id)).expiresInMs, null);
	});

	it("uses the code up, and is refused where there is not enough credit", async () => {
		const poor = await newPerson(platform.anyone, { name: "Poor", credit: 1_500 });
		const code = await newCode(poor, 1_000);
		const said = { storeId: shop.id, code, items: basketOf(shop, 2) };
		await shop.owner.api.refused("store.sell", said, "insufficient_credit");
		await shop.owner.api.refused("store.sell", said, "code_used");
		assert.deepEqual((await poor.api.ok("store.listApprovals", {})).items, []);
	});
});

describe("the limit of a wallet", () => {
	it("bounds what any code pays by itself, whatever is asked for", async () => {
		const carol = await newPerson(platform.anyone, { name: "Carol", credit: 10_000 });
		await carol.api.ok("user.edit", { confirmAbove: 1_500 });
		assert.equal((await carol.api.ok("user.me", {})).limits.confirmAbove, 1_500);
		assert.equal((await carol.api.ok("user.issueCode", {})).cap, 1_500);
		assert.equal((await carol.api.ok("user.issueCode", { cap: 5_000 })).cap, 1_500);
		assert.equal((await carol.api.ok("user.issueCode", { cap: 7 })).cap, 7);
		const code = await newCode(carol, 1_000_000);
		const sale = await shop.owner.api.ok("store.sell", { storeId: shop.id, code, items: basketOf(shop, 2) });
		assert.equal(sale.state, "pending");
		for (const confirmAbove of [0, -1, 0.5, 2 ** 32, "1"]) {
			await carol.api.refused("user.edit", { confirmAbove }, "validation_failed");
		}
	});
});

describe("a frozen wallet", () => {
	it("pays nothing from then on, not with codes and approvals from before, until its owner says the password", async () => {
		const dan = await newPerson(platform.anyone, { name: "Dan", credit: 10_000 });
		const codes = [await newCode(dan), await newCode(dan)];
		const held = await askForMore(dan);
		assert.deepEqual(await dan.api.ok("user.freeze", {}), { state: "frozen" });
		assert.deepEqual(await dan.api.ok("user.freeze", {}), { state: "frozen" });
		await noBalanceMoves(async () => {
			const said = { storeId: shop.id, code: String(codes[0]), items: basketOf(shop) };
			await shop.owner.api.refused("store.sell", said, "account_frozen");
			await dan.api.refused("user.send", { to: bob.handle, amount: 1 }, "account_frozen");
			await dan.api.refused("store.decide", { ...named(held), decision: "confirm" }, "account_frozen");
		})();
		assert.equal((await dan.api.ok("user.me", {})).balance, 10_000);
		await dan.api.refused("user.unfreeze", { password: "not the one" }, "invalid_credentials");
		assert.equal((await dan.api.ok("user.me", {})).state, "frozen");
		// Twice: the answer to the first may have been lost.
		for (let times = 0; times < 2; times++)
			assert.deepEqual(await dan.api.ok("user.unfreeze", { password: PASSWORD }), { state: "open" });
		await dan.api.refused("user.unfreeze", { password: "not the one" }, "invalid_credentials");
		await shop.owner.api.ok("store.sell", { storeId: shop.id, code: String(codes[1]), items: basketOf(shop) });
	});

	it("by an operator stays frozen", async () => {
		const dan = await newPerson(platform.anyone, { name: "Dan", credit: 10_000 });
		await platform.operator.ok("operator.freeze", { accountId: dan.wallet, reason: "fraud" });
		await dan.api.refused("user.unfreeze", { password: PASSWORD }, "account_frozen");
		assert.deepEqual(await dan.api.ok("user.freeze", {}), { state: "frozen" });
		await dan.api.refused("user.unfreeze", { password: PASSWORD }, "account_frozen");
	});

	it("gives back what shops refund to it", async () => {
		const dan = await newPerson(platform.anyone, { name: "Dan", credit: 10_000 });
		const sale = await sell(shop, dan, newKey());
		await dan.api.ok("user.freeze", {});
		await shop.owner.api.ok("store.refundSale", { storeId: shop.id, saleId: sale.id });
		assert.equal((await dan.api.ok("user.me", {})).balance, 10_000);
	});
});
