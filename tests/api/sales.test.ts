import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Client, newKey, withoutTrace } from "./client.ts";
import { basketOf, newCode, newPerson, newShop, type Person, type Product, type Shop, sell } from "./people.ts";
import { booksOf, startTestPlatform, type TestPlatform } from "./platform.ts";

let platform: TestPlatform;
let ada: Person;
let bob: Person;
let shop: Shop;
let till: Client;
let storeId: string;
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone, { name: "Ada", credit: 1_000 });
	bob = await newPerson(platform.anyone, { name: "Bob", credit: 2_000_000 });
	shop = await newShop(ada, { prices: [1_000, 2_500, 70_000] });
	till = ada.api;
	storeId = shop.id;
});
after(() => platform.stop());

const books = () => booksOf(platform.operator, [ada.wallet, bob.wallet, shop.account]);

/** @throws AssertionError if credit moved meanwhile */
async function nothingMoves(work: () => Promise<unknown>): Promise<void> {
	const { balances } = await books();
	await work();
	assert.deepEqual((await books()).balances, balances);
}

describe("a sale", () => {
	it("costs what the catalogue says, and moves that from the customer to the store", async () => {
		const before = await books();
		const code = await newCode(bob);
		const items = basketOf(shop, 2, 1);
		const sale = await till.ok("store.sell", { storeId, idempotencyKey: "sale-0001", code, items, note: "창가" });
		const [one, two] = shop.products as [Product, Product];
		assert.deepEqual(
			{ ...sale, createdAtMs: 0 },
			{
				id: "sale-0001",
				transferId: `${storeId}.sale-0001`,
				storeId,
				state: "posted",
				refusal: null,
				total: 4_500,
				discount: 0,
				refunded: 0,
				items: [
					{ productId: one.id, name: one.name, unitPrice: 1_000, quantity: 2, amount: 2_000 },
					{ productId: two.id, name: two.name, unitPrice: 2_500, quantity: 1, amount: 2_500 },
				],
				note: "창가",
				createdAtMs: 0,
				expiresAtMs: null,
				expiresInMs: null,
				refunds: [],
			},
		);
		assert.deepEqual((await books()).balances, {
			...before.balances,
			[bob.wallet]: Number(before.balances[bob.wallet]) - 4_500,
			[shop.account]: Number(before.balances[shop.account]) + 4_500,
		});
		assert.deepEqual(await till.ok("store.getSale", { storeId, saleId: "sale-0001" }), sale);
	});

	it("takes no price from the till", async () => {
		await nothingMoves(async () => {
			const code = await newCode(bob);
			const [first] = basketOf(shop);
			for (const more of [{ unitPrice: 1 }, { price: 1 }, { amount: 1 }, { name: "Free" }]) {
				await till.refused("store.sell", { storeId, code, items: [{ ...first, ...more }] }, "validation_failed");
			}
			for (const more of [{ total: 1 }, { amount: 1 }, { customer: bob.userId }, { debitAccountId: bob.wallet }]) {
				await till.refused("store.sell", { storeId, code, items: basketOf(shop), ...more }, "validation_failed");
			}
		});
	});

	it("is refused if the basket does not cost what the till showed, and the code stays good", async () => {
		const code = await newCode(bob);
		const said = { storeId, code, items: basketOf(shop, 1, 1) };
		await nothingMoves(async () => {
			for (const expectedTotal of [3_499, 3_501]) {
				const { detail } = await till.refused("store.sell", { ...said, expectedTotal }, "price_changed");
				assert.match(String(detail), /3500/);
			}
		});
		assert.equal((await till.ok("store.sell", { ...said, expectedTotal: 3_500 })).total, 3_500);
	});

	it("takes only what this store sells now", async () => {
		const other = await newShop(ada, { prices: [10] });
		const foreign = (other.products[0] as Product).id;
		const old = await till.ok("store.createProduct", { storeId, sku: "old", name: "Old", category: "x", price: 5 });
		await till.ok("store.editProduct", { storeId, productId: old.id, version: 1, state: "archived" });
		const code = await newCode(bob);
		await nothingMoves(async () => {
			for (const productId of [foreign, old.id, `p_${"A".repeat(16)}`]) {
				const items = [...basketOf(shop), { productId, quantity: 1 }];
				await till.refused("store.sell", { storeId, code, items }, "product_unavailable");
			}
		});
		await till.ok("store.sell", { storeId, code, items: basketOf(shop) });
	});

	it("is refused beyond the customer's credit, and that uses the code up", async () => {
		const poor = await newPerson(platform.anyone, { name: "Poor", credit: 999 });
		const code = await newCode(poor);
		const said = { storeId, idempotencyKey: newKey(), code, items: basketOf(shop) };
		await nothingMoves(async () => {
			await till.refused("store.sell", said, "insufficient_credit");
			await till.refused("store.sell", said, "insufficient_credit");
			await till.refused("store.sell", { ...said, idempotencyKey: newKey() }, "code_used");
		});
		const { state, refusal, total } = await till.ok("store.getSale", { storeId, saleId: said.idempotencyKey });
		assert.deepEqual({ state, refusal, total }, { state: "refused", refusal: "insufficient_credit", total: null });
		assert.equal((await poor.api.ok("user.me", {})).balance, 999);
	});

	it("is only asked for above the code's cap", async () => {
		const code = await newCode(bob, 999);
		const { balance } = await bob.api.ok("user.me", {});
		const sale = await till.ok("store.sell", { storeId, code, items: basketOf(shop) });
		assert.equal(sale.state, "pending");
		assert.equal((await bob.api.ok("user.me", {})).balance, balance);
		await till.ok("store.cancelSale", { storeId, saleId: sale.id });
		const exact = await newCode(bob, 1_000);
		assert.equal((await till.ok("store.sell", { storeId, code: exact, items: basketOf(shop) })).total, 1_000);
	});

	it("is refused to the owner in their own store", async () => {
		const code = await newCode(ada);
		await nothingMoves(() => till.refused("store.sell", { storeId, code, items: basketOf(shop) }, "own_store"));
	});

	it("is refused when the sum is more than can be paid at once", async () => {
		const dear = await newShop(ada, { prices: [1_000_000_000_000] });
		const code = await newCode(bob);
		const sale = (quantities: number[]) => ({
			storeId: dear.id,
			code,
			items: quantities.flatMap((quantity) => basketOf(dear, quantity)),
		});
		await nothingMoves(async () => {
			await till.refused("store.sell", sale([2]), "amount_out_of_range");
			await till.refused("store.sell", sale([10_000]), "amount_out_of_range");
			await till.refused("store.sell", sale([1, 1]), "amount_out_of_range");
			await till.refused("store.sell", sale(Array.from({ length: 100 }, () => 1)), "amount_out_of_range");
			await till.refused("store.sell", sale([1]), "insufficient_credit");
		});
	});

	it("refuses baskets that are none", async () => {
		const code = await newCode(bob);
		const [line] = basketOf(shop);
		const baskets = [
			[],
			{},
			null,
			"all",
			[null],
			[[]],
			[{}],
			[{ productId: line?.productId }],
			[{ ...line, quantity: 0 }],
			[{ ...line, quantity: -1 }],
			[{ ...line, quantity: 1.5 }],
			[{ ...line, quantity: "1" }],
			[{ ...line, quantity: 10_001 }],
			[{ ...line, productId: "p_x" }],
			Array.from({ length: 101 }, () => line),
		];
		for (const items of baskets) await till.refused("store.sell", { storeId, code, items }, "validation_failed");
		for (const note of ["", "x".repeat(141), "a\nb", 7]) {
			await till.refused("store.sell", { storeId, code, items: [line], note }, "validation_failed");
		}
	});

	it("is the owner's to make and to see", async () => {
		const code = await newCode(bob);
		const unknown = `s_${"A".repeat(16)}`;
		await sell(shop, bob, "sale-seen");
		const asks = [
			["store.sell", { code, items: basketOf(shop) }],
			["store.getSale", { saleId: "sale-seen" }],
			["store.cancelSale", { saleId: "sale-seen" }],
			["store.refundSale", { saleId: "sale-seen" }],
			["store.listSales", {}],
			["store.report", { date: "2026-01-01" }],
			["store.payOut", { amount: 1 }],
			["store.getPayout", { id: "sale-seen" }],
			["store.getRefund", { id: "sale-seen" }],
		] as const;
		await nothingMoves(async () => {
			for (const [name, said] of asks) {
				const others = await bob.api.refused(name, { storeId, ...said }, "not_found");
				const none = await bob.api.refused(name, { storeId: unknown, ...said }, "not_found");
				assert.deepEqual(withoutTrace(others), withoutTrace(none), name);
			}
		});
		await till.ok("store.sell", { storeId, code, items: basketOf(shop) });
	});
});

describe("the same sale again", () => {
	it("is one sale and one answer, 64 times at once", async () => {
		const before = await books();
		const said = { storeId, idempotencyKey: newKey(), code: await newCode(bob), items: basketOf(shop, 1) };
		const answers = await Promise.all(Array.from({ length: 64 }, () => till.call("store.sell", said)));
		for (const { status, body } of answers) assert.deepEqual([status, body], [201, answers[0]?.body]);
		assert.equal(answers.filter(({ headers }) => !headers["idempotent-replayed"]).length, 1);
		const { balances, sequence } = await books();
		assert.equal(balances[shop.account], Number(before.balances[shop.account]) + 1_000);
		assert.equal(sequence, before.sequence + 1);
	});

	it("gets the stored answer when prices and products have changed since", async () => {
		const product = await till.ok("store.createProduct", {
			storeId,
			sku: "soup",
			name: "Soup",
			category: "x",
			price: 100,
		});
		const productId = product.id;
		const said = { storeId, idempotencyKey: newKey(), code: await newCode(bob), items: [{ productId, quantity: 2 }] };
		const first = await till.call("store.sell", { ...said, expectedTotal: 200 });
		assert.equal(first.status, 201);
		const changes = [{ price: 999 }, { name: "Stew", sku: "stew" }, { state: "archived" as const }];
		for (const [index, change] of changes.entries()) {
			await till.ok("store.editProduct", { storeId, productId, version: index + 1, ...change });
			const again = await till.call("store.sell", { ...said, expectedTotal: 200 });
			assert.equal(again.status, 201);
			assert.deepEqual(again.body, first.body);
			assert.equal(again.headers["idempotent-replayed"], "true");
		}
	});

	it("keeps its refusal when the catalogue would refuse it now for another reason", async () => {
		const poor = await newPerson(platform.anyone, { name: "Poor" });
		const product = await till.ok("store.createProduct", {
			storeId,
			sku: "roll",
			name: "Roll",
			category: "x",
			price: 100,
		});
		const items = [{ productId: product.id, quantity: 1 }];
		const said = { storeId, idempotencyKey: newKey(), code: await newCode(poor), items };
		await till.refused("store.sell", said, "insufficient_credit");
		await till.ok("store.editProduct", { storeId, productId: product.id, version: 1, state: "archived" });
		await till.refused("store.sell", said, "insufficient_credit");
	});

	it("is another one if anything else is asked", async () => {
		const said = { storeId, idempotencyKey: newKey(), code: await newCode(bob), items: basketOf(shop) };
		await till.ok("store.sell", said);
		const others = [
			{ items: basketOf(shop, 2) },
			{ items: [...basketOf(shop), ...basketOf(shop)] },
			{ code: await newCode(bob) },
			{ note: "x" },
			{ expectedTotal: 1_000 },
			// Neither could be sold at all: still, the key was used.
			{ expectedTotal: 1 },
			{ items: [{ productId: `p_${"A".repeat(16)}`, quantity: 1 }] },
			{ code: "HN:NONSENSE" },
		];
		await nothingMoves(async () => {
			for (const other of others) await till.refused("store.sell", { ...said, ...other }, "idempotency_key_reused");
			const { idempotencyKey } = said;
			await till.refused("store.payOut", { storeId, idempotencyKey, amount: 1 }, "idempotency_key_reused");
		});
	});

	it("is the same however its JSON is written", async () => {
		const code = await newCode(bob);
		const [item] = basketOf(shop);
		const { productId } = item ?? assert.fail();
		const send = (body: string) =>
			till.raw({
				method: "POST",
				path: `/v1/stores/${storeId}/sales`,
				headers: { "content-type": "application/json", "idempotency-key": "json-order" },
				body,
			});
		const first = await send(JSON.stringify({ code, items: [{ productId, quantity: 1 }] }));
		const second = await send(
			`{ "items": [ {"quantity": 1.0e0, "productId": "${productId}"} ],\n"code": ${JSON.stringify(code)} }`,
		);
		assert.equal(first.status, 201);
		assert.deepEqual(second.body, first.body);
	});
});
