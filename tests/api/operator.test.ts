import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Result } from "../../services/actions.ts";
import { internalRoutes } from "../../services/api/internal-routes.ts";
import { publicRoutes } from "../../services/api/routes.ts";
import { assertRefused, Client, newKey } from "./client.ts";
import { newPerson, newShop, type Person, type Shop, sell } from "./people.ts";
import { booksOf, isApart, startTestPlatform, type TestPlatform } from "./platform.ts";

let platform: TestPlatform;
let operator: Client;
let ada: Person;
let bob: Person;
let shop: Shop;
before(async () => {
	platform = await startTestPlatform();
	operator = platform.operator;
	ada = await newPerson(platform.anyone, { name: "Ada" });
	bob = await newPerson(platform.anyone, { name: "Bob", credit: 50_000 });
	shop = await newShop(ada);
	for (const index of [1, 2, 3, 4, 5, 6, 7]) await sell(shop, bob, `sale-000${index}`);
	await ada.api.ok("store.refundSale", {
		storeId: shop.id,
		saleId: "sale-0001",
		idempotencyKey: "refund-01",
		amount: 1,
	});
	await ada.api.refused(
		"store.payOut",
		{ storeId: shop.id, idempotencyKey: "too-much", amount: 9e9 },
		"insufficient_credit",
	);
});
after(() => platform.stop());

describe("the ledger's state", () => {
	it("says how far the log and the read model are", async () => {
		const before = await operator.ok("credit.status", {});
		await bob.api.ok("user.charge", { amount: 1 });
		const after = await operator.ok("credit.status", {});
		assert.equal(after.sequence, before.sequence + 1);
		assert.equal(after.waiting, 0);
		assert.ok(after.readModelSequence <= after.sequence && after.readModelSequence >= before.readModelSequence);
	});

	it("is audited from the first group to the last, and the sum over everything is zero", async () => {
		const audit = await operator.ok("credit.audit", {});
		assert.deepEqual([audit.clean, audit.discrepancy], [true, null]);
		assert.equal(audit.headSequence, (await operator.ok("credit.status", {})).sequence);
		assert.equal(audit.refused, 1);
		assert.equal(audit.accounts, 4 + 2 + 1);
		const { balances } = await booksOf(operator, [ada.wallet, bob.wallet, shop.account]);
		const values = Object.entries(balances);
		assert.equal(
			values.reduce((sum, [, balance]) => sum + balance, 0),
			0,
		);
		const outside = values.filter(([id]) => !id.startsWith("system:"));
		assert.equal(
			outside.reduce((sum, [, balance]) => sum + balance, 0),
			audit.inCirculation,
		);
		assert.match(audit.headHash, /^[0-9a-f]{64}$/);
	});

	it("can be audited while payments go on", async () => {
		const audits = Array.from({ length: 3 }, () => operator.ok("credit.audit", {}));
		const charges = Array.from({ length: 100 }, () => bob.api.ok("user.charge", { amount: 1 }));
		for (const { clean } of await Promise.all(audits)) assert.equal(clean, true);
		await Promise.all(charges);
	});

	it("is audited once for all who ask meanwhile, says how far it is, and anew for who asks later", async () => {
		let isOver = false;
		const audits = Promise.all(Array.from({ length: 3 }, () => operator.ok("credit.audit", {})));
		const seen: unknown[] = [];
		const look = async () => {
			while (!isOver) seen.push((await operator.ok("credit.status", {})).auditing);
		};
		const looking = look();
		const [first, ...others] = await audits;
		isOver = true;
		await looking;
		for (const other of others) assert.deepEqual(other, first);
		assert.ok(
			seen.some((auditing) => auditing !== null),
			"nobody said how far it was",
		);
		assert.equal((await operator.ok("credit.status", {})).auditing, null);
		await bob.api.ok("user.charge", { amount: 1 });
		assert.ok((await operator.ok("credit.audit", {})).headSequence > (first?.headSequence ?? 0));
	});
});

describe("an adjustment where operators have no names", () => {
	it("is made up to the limit of a day, and there is no second one who could confirm more", async () => {
		const give = (amount: number) => ({ accountId: bob.wallet, direction: "give" as const, amount, reason: "a gift" });
		assert.equal((await operator.ok("operator.adjust", give(100_000))).state, "posted");
		await operator.refused("operator.adjust", give(1), "second_operator_needed");
	});
});

describe("an account", () => {
	it("says what it holds and whose it is", async () => {
		const { balance: _, available: __, ...account } = await operator.ok("credit.account", { accountId: shop.account });
		assert.deepEqual(account, { id: shop.account, kind: "store", owner: ada.userId, state: "open", pending: 0 });
		assert.equal((await operator.ok("credit.account", { accountId: "system:funding" })).kind, "system");
	});

	it("is not found, or is not an account's name", async () => {
		for (const accountId of [`wallet:u_${"A".repeat(16)}`, "system:nothing", `store:s_${"A".repeat(16)}`]) {
			await operator.refused("credit.account", { accountId }, "account_not_found");
		}
		for (const accountId of [
			"x",
			bob.userId,
			"wallet:",
			"system:FUNDING",
			"system:funding ",
			"' OR 1=1",
			{ $ne: "" },
		]) {
			await operator.refused("credit.account", { accountId }, "validation_failed");
			await operator.refused("credit.statement", { accountId }, "validation_failed");
		}
	});

	it("has a statement without gaps, whatever the size of its pages", async () => {
		const all = await operator.ok("credit.statement", { accountId: shop.account, limit: 100 });
		assert.equal(all.items.length, 8);
		assert.equal(all.items[0]?.balanceAfter, 6_999);
		for (const limit of [1, 3, 8]) {
			const found: Result<"credit.statement">["items"] = [];
			for (let cursor: string | null = ""; cursor !== null; ) {
				const said = { accountId: shop.account, limit, ...(cursor && { cursor }) };
				const page: Result<"credit.statement"> = await operator.ok("credit.statement", said);
				found.push(...page.items);
				cursor = page.nextCursor;
			}
			assert.deepEqual(found, all.items);
		}
		const sum = all.items.reduce((total, { amount }) => total + amount, 0);
		assert.equal(sum, 6_999);
	});

	it("can be asked by kind, one or several", async () => {
		const path = `/ledger/accounts/${shop.account}/statement`;
		for (const query of ["kinds=refund", "kinds=refund&kinds=payout"]) {
			const answer = await operator.raw({ method: "GET", path: `${path}?${query}` });
			assert.equal(answer.status, 200, query);
			assert.equal((answer.body as Result<"credit.statement">).items.length, 1);
		}
	});

	it("that does not exist has no statement either", async () => {
		await operator.refused("credit.statement", { accountId: `wallet:u_${"A".repeat(16)}` }, "account_not_found");
	});
});

describe("an outcome", () => {
	it("says what became of any command", async () => {
		const sale = await operator.ok("credit.outcome", { id: `${shop.id}.sale-0001` });
		assert.deepEqual([sale.state, sale.refusal, sale.transfer?.refunded, sale.refunds.length], ["applied", null, 1, 1]);
		const refund = await operator.ok("credit.outcome", { id: `${shop.id}.refund-01` });
		assert.deepEqual([refund.transfer?.kind, refund.transfer?.reference], ["refund", `${shop.id}.sale-0001`]);
		const payout = await operator.ok("credit.outcome", { id: `${shop.id}.too-much` });
		assert.deepEqual([payout.state, payout.refusal, payout.transfer], ["refused", "insufficient_credit", null]);
		const none = await operator.ok("credit.outcome", { id: `${shop.id}.never-was` });
		assert.deepEqual([none.state, none.refusal, none.transfer, none.refunds], ["not_seen", null, null, []]);
		await operator.refused("credit.outcome", { id: "x" }, "validation_failed");
	});
});

describe("the two ports", () => {
	it("know nothing of each other's routes", async () => {
		const filled = (path: string) => path.replace(/:\w+/g, "system:funding");
		for (const { method, path } of internalRoutes) {
			for (const prefix of ["", "/v1", "/internal", "/api"]) {
				const wire = { method, path: prefix + filled(path) };
				assertRefused(await ada.api.raw(wire), "not_found", wire.path);
			}
		}
		const person = new Client(`http://127.0.0.1:${operator.port}`, operator.contract).from(ada.prover, ada.accessToken);
		for (const { method, path } of publicRoutes) {
			const wire = { method, path: filled(path) };
			assertRefused(await person.raw(wire), "unauthenticated", wire.path);
			assertRefused(await operator.raw(wire), "not_found", wire.path);
		}
		for (const path of ["/openapi.json", "/docs", "/problems/not_found"]) {
			assertRefused(await operator.raw({ method: "GET", path }), "not_found", path);
		}
	});
});

describe("what is held", () => {
	it("is told of one account, and no more of it than one message has room for", {
		skip: isApart && "nobody but its callers may ask the ledger there",
	}, async () => {
		const cal = await newPerson(platform.anyone, { name: "Cal", credit: 50_000 });
		const line = Object.fromEntries("abcdefghij".split("").map((name) => [name, name.repeat(200)]));
		const hold = (amount: number) => ({
			...{ id: `${shop.id}.${newKey()}`, fingerprint: "held", kind: "sale", amount, hold: { ttlMs: 60_000 } },
			...{ debitAccountId: cal.wallet, creditAccountId: shop.account, details: { items: Array(80).fill(line) } },
		});
		for (const amount of [1, 2, 3]) await platform.broker.call("credit.transfer", hold(amount));
		const { items, isAll } = await operator.ok("credit.listHolds", { accountId: cal.wallet });
		assert.deepEqual([items.map(({ amount }) => amount), isAll], [[1, 2], false]);
		assert.deepEqual(await operator.ok("credit.listHolds", { accountId: bob.wallet }), { items: [], isAll: true });
	});
});
