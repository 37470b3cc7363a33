import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { newKey } from "./client.ts";
import { newPerson, type Person } from "./people.ts";
import { booksOf, startTestPlatform, type TestPlatform } from "./platform.ts";

let platform: TestPlatform;
let ada: Person;
let bob: Person;
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone, { name: "Ada", credit: 10_000 });
	bob = await newPerson(platform.anyone, { name: "Bob" });
});
after(() => platform.stop());

const balanceOf = async ({ api }: Person): Promise<number> => (await api.ok("user.me", {})).balance;

describe("a charge", () => {
	it("is answered with the balance after it", async () => {
		const before = await balanceOf(ada);
		const answer = await ada.api.call("user.charge", { idempotencyKey: "charge-one", amount: 700 });
		const { createdAtMs, ...rest } = answer.body;
		assert.ok(Math.abs(Number(createdAtMs) - Date.now()) < 60_000);
		assert.deepEqual(rest, {
			id: "charge-one",
			transferId: `${ada.userId}.charge-one`,
			state: "posted",
			refusal: null,
			amount: 700,
			balanceAfter: before + 700,
		});
		assert.equal(answer.headers["idempotent-replayed"], undefined);
	});

	it("is booked once, however often it is sent, and every answer is the first one", async () => {
		const said = { idempotencyKey: newKey(), amount: 250 };
		const first = await ada.api.call("user.charge", said);
		const before = await booksOf(platform.operator, [ada.wallet]);
		for (const _ of [1, 2, 3]) {
			const again = await ada.api.call("user.charge", said);
			assert.equal(again.status, 201);
			assert.deepEqual(again.body, first.body);
			assert.equal(again.headers["idempotent-replayed"], "true");
			assert.equal(again.headers.location, first.headers.location);
		}
		assert.deepEqual(await booksOf(platform.operator, [ada.wallet]), before);
	});

	it("is booked once when it is sent 64 times at once", async () => {
		const before = await balanceOf(ada);
		const said = { idempotencyKey: newKey(), amount: 10 };
		const answers = await Promise.all(Array.from({ length: 64 }, () => ada.api.call("user.charge", said)));
		for (const { status, body } of answers) assert.deepEqual([status, body], [201, answers[0]?.body]);
		const fresh = answers.filter(({ headers }) => headers["idempotent-replayed"] === undefined);
		assert.equal(fresh.length, 1);
		assert.equal(await balanceOf(ada), before + 10);
	});

	it("can be as large as the limit, not larger", async () => {
		const rich = await newPerson(platform.anyone, { name: "Rich" });
		await rich.api.ok("user.charge", { amount: 2_000_000 });
		for (const amount of [2_000_001, 1_000_000_000_000]) {
			await rich.api.refused("user.charge", { amount }, "charge_limit_exceeded");
		}
		await rich.api.refused("user.charge", { amount: 1_000_000_000_001 }, "validation_failed");
		assert.equal(await balanceOf(rich), 2_000_000);
	});

	it("keeps its key for itself", async () => {
		const idempotencyKey = newKey();
		await ada.api.ok("user.charge", { idempotencyKey, amount: 5 });
		const before = await booksOf(platform.operator, [ada.wallet, bob.wallet]);
		await ada.api.refused("user.charge", { idempotencyKey, amount: 6 }, "idempotency_key_reused");
		await ada.api.refused("user.send", { idempotencyKey, to: bob.handle, amount: 5 }, "idempotency_key_reused");
		assert.deepEqual(await booksOf(platform.operator, [ada.wallet, bob.wallet]), before);
		// Keys are everybody's own: nobody can take or block another one's.
		await bob.api.ok("user.charge", { idempotencyKey, amount: 5 });
	});

	it("can be asked for, by whoever made it", async () => {
		const id = newKey();
		await ada.api.refused("user.getCharge", { id }, "not_found");
		const { balanceAfter: _, ...charge } = await ada.api.ok("user.charge", { idempotencyKey: id, amount: 3 });
		assert.deepEqual(await ada.api.ok("user.getCharge", { id }), charge);
		await bob.api.refused("user.getCharge", { id }, "not_found");
	});
});

describe("credit sent", () => {
	it("moves from one wallet to the other and nowhere else", async () => {
		const before = await booksOf(platform.operator, [ada.wallet, bob.wallet]);
		const sent = await ada.api.ok("user.send", { to: bob.handle, amount: 1_200, note: "점심 🍜" });
		const { balances } = await booksOf(platform.operator, [ada.wallet, bob.wallet]);
		assert.deepEqual(balances, {
			...before.balances,
			[ada.wallet]: Number(before.balances[ada.wallet]) - 1_200,
			[bob.wallet]: Number(before.balances[bob.wallet]) + 1_200,
		});
		assert.equal(sent.balanceAfter, balances[ada.wallet]);
		const [got] = (await bob.api.ok("user.listTransactions", { limit: 1 })).items;
		assert.deepEqual(
			[got?.kind, got?.amount, got?.counterparty, got?.note, got?.balanceAfter],
			["p2p", 1_200, "Ada", "점심 🍜", balances[bob.wallet]],
		);
	});

	it("is refused to oneself", async () => {
		const before = await booksOf(platform.operator, [ada.wallet]);
		const idempotencyKey = newKey();
		await ada.api.refused("user.send", { idempotencyKey, to: ada.handle, amount: 1 }, "same_account");
		const { balances } = await booksOf(platform.operator, [ada.wallet]);
		assert.deepEqual(balances, before.balances);
		const { state, refusal } = await ada.api.ok("user.getTransfer", { id: idempotencyKey });
		assert.deepEqual({ state, refusal }, { state: "refused", refusal: "same_account" });
	});

	it("is refused to a handle that nobody has, and leaves the key free", async () => {
		const before = await booksOf(platform.operator, [ada.wallet]);
		const idempotencyKey = newKey();
		await ada.api.refused("user.send", { idempotencyKey, to: "no.such.body", amount: 1 }, "not_found");
		assert.deepEqual(await booksOf(platform.operator, [ada.wallet]), before);
		await ada.api.ok("user.send", { idempotencyKey, to: bob.handle, amount: 1 });
	});

	it("is refused beyond the balance, and stays refused under that key", async () => {
		const poor = await newPerson(platform.anyone, { name: "Poor", credit: 99 });
		const said = { idempotencyKey: newKey(), to: bob.handle, amount: 100 };
		await poor.api.refused("user.send", said, "insufficient_credit");
		await poor.api.ok("user.charge", { amount: 1_000 });
		await poor.api.refused("user.send", said, "insufficient_credit");
		assert.equal(await balanceOf(poor), 1_099);
		const { state, refusal, amount } = await poor.api.ok("user.getTransfer", { id: said.idempotencyKey });
		assert.deepEqual({ state, refusal, amount }, { state: "refused", refusal: "insufficient_credit", amount: null });
		await poor.api.ok("user.send", { ...said, idempotencyKey: newKey(), amount: 1_099 });
		assert.equal(await balanceOf(poor), 0);
	});

	it("never overdraws when everything is sent 32 times at once", async () => {
		const poor = await newPerson(platform.anyone, { name: "Poor", credit: 100 });
		const sends = Array.from({ length: 32 }, () => poor.api.call("user.send", { to: bob.handle, amount: 10 }));
		const statuses = (await Promise.all(sends)).map(({ status }) => status);
		assert.equal(statuses.filter((status) => status === 201).length, 10);
		assert.equal(statuses.filter((status) => status === 409).length, 22);
		assert.equal(await balanceOf(poor), 0);
	});

	it("keeps the words that were true then", async () => {
		const carol = await newPerson(platform.anyone, { name: "Carol", credit: 50 });
		await carol.api.ok("user.send", { to: bob.handle, amount: 50 });
		await carol.api.ok("user.edit", { displayName: "Caroline" });
		const [got] = (await bob.api.ok("user.listTransactions", { limit: 1 })).items;
		assert.deepEqual([got?.counterparty, got?.note], ["Carol", null]);
	});

	it("refuses a note that is not text", async () => {
		for (const note of ["", " x", "x\ny", "x".repeat(141), 7, null, {}]) {
			await ada.api.refused("user.send", { to: bob.handle, amount: 1, note }, "validation_failed");
		}
	});
});

describe("a frozen wallet", () => {
	it("neither sends nor is charged, and says that it is frozen", async () => {
		const cold = await newPerson(platform.anyone, { name: "Cold", credit: 500 });
		await platform.operator.ok("operator.freeze", { accountId: cold.wallet, reason: "lost" });
		await cold.api.refused("user.send", { to: bob.handle, amount: 1 }, "account_frozen");
		await cold.api.refused("user.charge", { amount: 1 }, "account_frozen");
		await ada.api.refused("user.send", { to: cold.handle, amount: 1 }, "account_frozen");
		const { state, balance } = await cold.api.ok("user.me", {});
		assert.deepEqual({ state, balance }, { state: "frozen", balance: 500 });
	});
});
