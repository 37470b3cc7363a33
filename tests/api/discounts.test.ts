import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Client, newKey, newSigner } from "./client.ts";
import { basketOf, newCode, newPerson, newShop, newTill, type Person, type Shop } from "./people.ts";
import { booksOf, startTestPlatform, type TestPlatform, unchanging } from "./platform.ts";

let platform: TestPlatform;
let owner: Person;
let customer: Person;
let shop: Shop;
let storeId: string;
before(async () => {
	platform = await startTestPlatform();
	owner = await newPerson(platform.anyone, { name: "Ada" });
	customer = await newPerson(platform.anyone, { name: "Bob", credit: 100_000 });
	shop = await newShop(owner, { prices: [1_000, 333] });
	storeId = shop.id;
});
after(() => platform.stop());

const books = () => booksOf(platform.operator, [shop.account, customer.wallet]);
const unchanged = unchanging(books);
/** That a sale was refused is written down. */
const nothingBooked = unchanging(async () => (await books()).balances);

/** A till that its owner lets give so much. */
async function tillWith(discountMaxPercent?: number): Promise<Client> {
	if (discountMaxPercent === undefined) return (await newTill(platform.anyone, shop)).api;
	const asked = { storeId, name: "Counter", discountMaxPercent };
	const { pairingCode } = await owner.api.ok("store.createPairing", asked);
	const first = await newSigner();
	const { tillId } = await platform.anyone
		.from(first)
		.ok("auth.pairTill", { pairingCode, publicJwk: first.key.publicJwk });
	const signer = await newSigner(tillId, first.key);
	const session = await platform.anyone.from(signer).ok("auth.signInTill", {});
	assert.equal(session.discountMaxPercent, discountMaxPercent);
	return platform.anyone.from(signer, session.accessToken);
}

type Discount = { percent?: number; amount?: number };
const sale = async (discount: Discount | undefined, ...quantities: number[]) => ({
	storeId,
	idempotencyKey: newKey(),
	code: await newCode(customer),
	items: basketOf(shop, ...quantities),
	...(discount && { discount }),
});

describe("a discount", () => {
	it("is of the whole basket, rounded down to whole credits, and everybody reads it", async () => {
		const cases: [Discount, number[], number][] = [
			[{ percent: 10 }, [2], 200],
			[{ percent: 10 }, [1, 1], 133],
			[{ percent: 1 }, [1], 10],
			[{ percent: 99 }, [1, 1], 1_319],
			[{ amount: 500 }, [1, 1], 500],
			[{ amount: 1 }, [1], 1],
		];
		for (const [discount, quantities, expected] of cases) {
			const before = await booksOf(platform.operator, [shop.account, customer.wallet]);
			const asked = await sale(discount, ...quantities);
			const sold = await owner.api.ok("store.sell", asked);
			const subtotal = sold.items.reduce((sum, { amount }) => sum + amount, 0);
			assert.deepEqual([sold.discount, sold.total], [expected, subtotal - expected], JSON.stringify(discount));
			const { balances } = await booksOf(platform.operator, [shop.account, customer.wallet]);
			assert.equal(balances[shop.account], Number(before.balances[shop.account]) + subtotal - expected);
			assert.deepEqual(await owner.api.ok("store.getSale", { storeId, saleId: sold.id }), sold);
			const [line] = (await owner.api.ok("store.listSales", { storeId, limit: 1 })).items;
			assert.deepEqual([line?.id, line?.discount, line?.total], [sold.id, expected, sold.total]);
			const [mine] = (await customer.api.ok("user.listTransactions", { limit: 1 })).items;
			assert.deepEqual([mine?.discount, mine?.amount], [expected, expected - subtotal]);
		}
	});

	it("is checked against what the till showed, and what is refunded is what was paid", async () => {
		const asked = { ...(await sale({ percent: 50 }, 2)), expectedTotal: 1_000 };
		await owner.api.refused("store.sell", { ...asked, expectedTotal: 2_000 }, "price_changed");
		const sold = await owner.api.ok("store.sell", { ...asked, idempotencyKey: newKey() });
		const tooMuch = { storeId, saleId: sold.id, amount: 1_001 };
		await owner.api.refused("store.refundSale", tooMuch, "refund_exceeds_sale");
		const { refund } = await owner.api.ok("store.refundSale", { storeId, saleId: sold.id });
		assert.equal(refund.amount, 1_000);
	});

	it("belongs to what is asked: the same key with another one is something else", async () => {
		const asked = await sale({ percent: 10 });
		const first = await owner.api.ok("store.sell", asked);
		assert.deepEqual(await owner.api.ok("store.sell", asked), first);
		await owner.api.refused("store.sell", { ...asked, discount: { percent: 11 } }, "idempotency_key_reused");
		const { discount: _, ...without } = asked;
		await owner.api.refused("store.sell", without, "idempotency_key_reused");
	});

	it("is seen by the customer who is asked to confirm the sale", async () => {
		const code = await newCode(customer, 100);
		const asked = { ...(await sale({ percent: 10 })), code };
		assert.equal((await owner.api.ok("store.sell", asked)).state, "pending");
		const { items } = await customer.api.ok("store.listApprovals", {});
		const approval = items.find(({ id }) => id === `${storeId}.${asked.idempotencyKey}`);
		assert.deepEqual([approval?.discount, approval?.total], [100, 900]);
	});

	it("is given by a till up to what its owner lets it, and by no other one", async () => {
		const till = await tillWith(20);
		assert.equal((await till.ok("store.sell", await sale({ percent: 20 }))).total, 800);
		assert.equal((await till.ok("store.sell", await sale({ amount: 266 }, 1, 1))).discount, 266);
		const plain = await tillWith();
		assert.equal((await plain.ok("store.sell", await sale(undefined))).discount, 0);
	});

	it("is refused to who may not give it, with nothing booked", async () => {
		const [till, plain, none] = [await tillWith(20), await tillWith(), await tillWith(0)];
		const clerk = await newPerson(platform.anyone, { name: "Clerk" });
		await owner.api.ok("store.addStaff", { storeId, handle: clerk.handle });
		await nothingBooked(async () => {
			for (const discount of [{ percent: 21 }, { amount: 201 }, { percent: 99 }])
				await till.refused("store.sell", await sale(discount), "discount_too_large");
			await till.refused("store.sell", await sale({ amount: 267 }, 1, 1), "discount_too_large");
			for (const discount of [{ percent: 1 }, { amount: 1 }])
				for (const client of [plain, none, clerk.api])
					await client.refused("store.sell", await sale(discount), "forbidden");
		})();
	});

	it(
		"leaves something to pay",
		nothingBooked(async () => {
			for (const amount of [1_000, 1_001, 1_000_000_000_000])
				await owner.api.refused("store.sell", await sale({ amount }), "discount_too_large");
		}),
	);

	it(
		"makes sense",
		unchanged(async () => {
			const nonsense = [
				{},
				{ percent: 0 },
				{ percent: 100 },
				{ percent: -1 },
				{ percent: 10.5 },
				{ percent: "10" },
				{ amount: 0 },
				{ amount: -5 },
				{ percent: 10, amount: 5 },
				{ percent: 10, reason: "friend" },
				[],
				10,
				null,
			];
			for (const discount of nonsense)
				await owner.api.refused("store.sell", { ...(await sale(undefined)), discount }, "validation_failed");
			for (const discountMaxPercent of [-1, 100, 0.5, "20", null]) {
				const asked = { storeId, name: "Counter", discountMaxPercent };
				await owner.api.refused("store.createPairing", asked, "validation_failed");
			}
		}),
	);
});
