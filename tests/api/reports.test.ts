import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { parse } from "csv-parse/sync";
import type { Result } from "../../services/actions.ts";
import { type Client, newKey } from "./client.ts";
import { newPerson, newShop, type Person, type Shop, sell } from "./people.ts";
import { booksOf, isApart, startTestPlatform, type TestPlatform } from "./platform.ts";

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
	for (let index = 0; index < 25; index++) await sell(shop, bob, `sale-00${index}`);
	await till.ok("store.refundSale", { storeId, saleId: "sale-000", amount: 400 });
	await till.ok("store.cancelSale", { storeId, saleId: "sale-001" });
	await till.ok("store.payOut", { storeId, idempotencyKey: "payout-one", amount: 20_000 });
});
after(() => platform.stop());

const dayIn = (timeZone: string, atMs = Date.now()): string =>
	new Intl.DateTimeFormat("sv-SE", { timeZone }).format(atMs);

describe("the list of sales", () => {
	it("has every sale once, newest first, whatever the size of its pages", async () => {
		for (const limit of [1, 7, 100]) {
			const found: string[] = [];
			for (let cursor: string | null = ""; cursor !== null; ) {
				const said = { storeId, limit, ...(cursor && { cursor }) };
				const page: Result<"store.listSales"> = await till.ok("store.listSales", said);
				found.push(...page.items.map(({ id }) => id));
				cursor = page.nextCursor;
			}
			assert.deepEqual(
				found,
				Array.from({ length: 25 }, (_, index) => `sale-00${24 - index}`),
			);
		}
	});

	it("says what was given back since", async () => {
		const { items } = await till.ok("store.listSales", { storeId, limit: 100 });
		const refunded = items.filter((sale) => sale.refunded > 0).map((sale) => [sale.id, sale.refunded, sale.total]);
		assert.deepEqual(refunded, [
			["sale-001", 1_000, 1_000],
			["sale-000", 400, 1_000],
		]);
	});

	it("can be asked by time", async () => {
		const { items } = await till.ok("store.listSales", { storeId, limit: 100 });
		const fromMs = Number(items[9]?.createdAtMs);
		const since = await till.ok("store.listSales", { storeId, limit: 100, fromMs });
		assert.deepEqual(
			since.items,
			items.filter(({ createdAtMs }) => createdAtMs >= fromMs),
		);
		const before = await till.ok("store.listSales", { storeId, limit: 100, toMs: fromMs });
		assert.deepEqual([...since.items, ...before.items], items);
	});

	it("refuses filters that make no sense", async () => {
		for (const filter of [{ cursor: "AAAA" }, { limit: 0 }, { fromMs: -1 }, { kind: "sale" }, { kinds: "sale" }]) {
			await till.refused("store.listSales", { storeId, ...filter }, "validation_failed");
		}
		const atOf = async (filter: object, name: "store.listSales" | "store.exportSales") =>
			(await till.refused(name, { storeId, ...filter }, "validation_failed")).errors?.map(({ at }) => at);
		for (const name of ["store.listSales", "store.exportSales"] as const) {
			assert.deepEqual(await atOf({ date: "2026-01-01", fromMs: 0 }, name), ["date"]);
			assert.deepEqual(await atOf({ date: "2026-01-01", toMs: 1 }, name), ["date"]);
			assert.deepEqual(await atOf({ fromMs: 2, toMs: 1 }, name), ["toMs"]);
			await till.ok(name, { storeId, fromMs: 1, toMs: 1 });
		}
		await till.refused("user.listTransactions", { fromMs: 2, toMs: 1 }, "validation_failed");
		await till.refused("user.exportTransactions", { fromMs: 2, toMs: 1 }, "validation_failed");
	});

	it("takes no other list's cursor", async () => {
		await till.ok("store.createProduct", { storeId, sku: "0.0", name: "Another", category: "Things", price: 1 });
		const ofSales = (await till.ok("store.listSales", { storeId, limit: 1 })).nextCursor as string;
		const ofProducts = (await till.ok("store.listProducts", { storeId, limit: 1 })).nextCursor as string;
		await till.refused("store.listProducts", { storeId, cursor: ofSales }, "validation_failed");
		await till.refused("store.listSales", { storeId, cursor: ofProducts }, "validation_failed");
		await till.refused("user.listTransactions", { cursor: ofProducts }, "validation_failed");
	});
});

describe("a day's report", () => {
	it("is one question to the ledger, however many hours there are", {
		skip: isApart && "nothing can be counted there",
	}, async (t) => {
		const { broker } = platform;
		const real = broker.call;
		const asked: string[] = [];
		t.mock.method(broker, "call", (name: unknown, ...rest: unknown[]) => {
			asked.push(String(name));
			return Reflect.apply(real, broker, [name, ...rest]);
		});
		await till.ok("store.report", { storeId, date: dayIn("Asia/Seoul") });
		assert.deepEqual(
			asked.filter((name) => name.startsWith("credit.")),
			["credit.totals"],
		);
	});

	it("adds the day up, in Seoul", async () => {
		const date = dayIn("Asia/Seoul");
		const { fromMs, toMs, hours, ...report } = await till.ok("store.report", { storeId, date });
		assert.deepEqual(report, {
			date,
			timeZone: "Asia/Seoul",
			sales: { count: 25, amount: 25_000 },
			refunds: { count: 2, amount: 1_400 },
			payouts: { count: 1, amount: 20_000 },
			net: 23_600,
		});
		const sum = (amounts: readonly { amount: number }[]) => amounts.reduce((total, { amount }) => total + amount, 0);
		assert.equal(sum(hours.map(({ sales }) => sales)), 25_000);
		assert.equal(sum(hours.map(({ refunds }) => refunds)), 1_400);
		for (const { fromMs: hourMs } of hours) assert.ok(hourMs % 3_600_000 === 0 && hourMs >= fromMs && hourMs < toMs);
		assert.equal(fromMs, Date.parse(`${date}T00:00:00+09:00`));
		assert.equal(toMs - fromMs, 24 * 3_600_000);
		assert.equal((await till.ok("store.get", { storeId })).balance, 25_000 - 1_400 - 20_000);
	});

	it("has nothing on other days, and days do not overlap", async () => {
		const today = await till.ok("store.report", { storeId, date: dayIn("Asia/Seoul") });
		const yesterday = await till.ok("store.report", { storeId, date: dayIn("Asia/Seoul", today.fromMs - 1) });
		const tomorrow = await till.ok("store.report", { storeId, date: dayIn("Asia/Seoul", today.toMs) });
		assert.deepEqual([yesterday.toMs, tomorrow.fromMs], [today.fromMs, today.toMs]);
		for (const { sales, refunds, payouts, net } of [yesterday, tomorrow]) {
			assert.deepEqual([sales.count, refunds.count, payouts.count, net], [0, 0, 0, 0]);
		}
	});

	const inZone = async (timeZone: string, date: string): Promise<[string, number]> => {
		const { id } = await till.ok("store.create", { name: "Elsewhere", timeZone });
		const { fromMs, toMs } = await till.ok("store.report", { storeId: id, date });
		return [new Date(fromMs).toISOString(), (toMs - fromMs) / 3_600_000];
	};

	it("has 23 or 25 hours where clocks change", async () => {
		assert.deepEqual(await inZone("America/New_York", "2026-03-07"), ["2026-03-07T05:00:00.000Z", 24]);
		assert.deepEqual(await inZone("America/New_York", "2026-03-08"), ["2026-03-08T05:00:00.000Z", 23]);
		assert.deepEqual(await inZone("America/New_York", "2026-03-09"), ["2026-03-09T04:00:00.000Z", 24]);
		assert.deepEqual(await inZone("America/New_York", "2026-11-01"), ["2026-11-01T04:00:00.000Z", 25]);
		assert.deepEqual(await inZone("Europe/Paris", "2026-03-29"), ["2026-03-28T23:00:00.000Z", 23]);
		assert.deepEqual(await inZone("Pacific/Auckland", "2026-04-05"), ["2026-04-04T11:00:00.000Z", 25]);
		assert.deepEqual(await inZone("Africa/Cairo", "2026-04-24"), ["2026-04-23T22:00:00.000Z", 23]);
		assert.deepEqual(await inZone("UTC", "2028-02-29"), ["2028-02-29T00:00:00.000Z", 24]);
	});

	it("begins when the day does where midnight is skipped", async () => {
		// At 00:00 the clocks go to 01:00: the day's first instant is 01:00.
		assert.deepEqual(await inZone("America/Santiago", "2026-09-06"), ["2026-09-06T04:00:00.000Z", 23]);
		assert.deepEqual(await inZone("America/Havana", "2026-03-08"), ["2026-03-08T05:00:00.000Z", 23]);
	});

	it("refuses days that are not in the calendar", async () => {
		const dates = [
			"2026-02-29",
			"2026-13-01",
			"2026-00-10",
			"2026-01-32",
			"2026-1-1",
			"20260101",
			"today",
			"０",
			"0000-01-01",
		];
		for (const date of [...dates, "2026-01-01T00:00", "-2026-01-01", "2026-01-01 ", "9999-99-99"]) {
			const { errors } = await till.refused("store.report", { storeId, date }, "validation_failed");
			assert.equal(errors?.[0]?.at, "date", date);
		}
		await till.ok("store.report", { storeId, date: "9999-12-31" });
	});

	it("names the field that is wrong for days before 1970", async () => {
		const { errors } = await till.refused("store.report", { storeId, date: "1969-07-20" }, "validation_failed");
		assert.equal(errors?.[0]?.at, "date");
	});
});

describe("a day's sales as CSV", () => {
	it("say what the list says, oldest first", async () => {
		const text = await till.ok("store.exportSales", { storeId, date: dayIn("Asia/Seoul") });
		assert.ok(text.startsWith("\ufefftime,items,discount,total,refunded,net,note,sale_id\r\n"));
		const rows: Record<string, string>[] = parse(text, { bom: true, columns: true });
		const { items } = await till.ok("store.listSales", { storeId, limit: 100 });
		assert.deepEqual(
			rows.toReversed().map(({ time, total, refunded, net, sale_id }) => [time, total, refunded, net, sale_id]),
			items.map(({ id, total, refunded, createdAtMs }) => [
				new Date(createdAtMs).toISOString(),
				`${total}`,
				`${refunded}`,
				`${total - refunded}`,
				id,
			]),
		);
		assert.equal(rows[0]?.items, "1 × Product 0");
	});

	it("can be had of a part of a day", async () => {
		const { items } = await till.ok("store.listSales", { storeId, limit: 100 });
		const fromMs = Number(items[9]?.createdAtMs);
		const idsIn = async (part: object) =>
			parse(await till.ok("store.exportSales", { storeId, ...part }), { bom: true, columns: true }).map(
				(row: unknown) => (row as Record<string, string>).sale_id,
			);
		const ids = items.map(({ id }) => id).toReversed();
		assert.deepEqual([...(await idsIn({ toMs: fromMs })), ...(await idsIn({ fromMs }))], ids);
		assert.ok((await idsIn({ fromMs })).length < ids.length);
	});

	it("have a header only on a day without sales, and refuse what is no day", async () => {
		const empty = await till.ok("store.exportSales", { storeId, date: "2026-01-01" });
		assert.equal(empty.trim().split("\r\n").length, 1);
		await till.refused("store.exportSales", { storeId, date: "2026-02-30" }, "validation_failed");
		await till.refused("store.exportSales", { storeId }, "validation_failed");
	});
});

describe("a payout", () => {
	it("takes the store's credit to the settlement account", async () => {
		const accounts = [shop.account];
		const before = await booksOf(platform.operator, accounts);
		const paid = await till.ok("store.payOut", { storeId, idempotencyKey: "payout-two", amount: 600 });
		const { balances } = await booksOf(platform.operator, accounts);
		assert.deepEqual(balances, {
			...before.balances,
			[shop.account]: Number(before.balances[shop.account]) - 600,
			"system:settlement": Number(before.balances["system:settlement"]) + 600,
		});
		assert.equal(paid.balanceAfter, balances[shop.account]);
		const { state, amount, refusal } = await till.ok("store.getPayout", { storeId, id: "payout-two" });
		assert.deepEqual({ state, amount, refusal }, { state: "posted", amount: 600, refusal: null });
	});

	it("is booked once for one key", async () => {
		const said = { storeId, idempotencyKey: newKey(), amount: 10 };
		const answers = await Promise.all(Array.from({ length: 32 }, () => till.call("store.payOut", said)));
		for (const { status, body } of answers) assert.deepEqual([status, body], [201, answers[0]?.body]);
		assert.equal(answers.filter(({ headers }) => !headers["idempotent-replayed"]).length, 1);
		await till.refused("store.payOut", { ...said, amount: 11 }, "idempotency_key_reused");
	});

	it("is refused beyond the store's credit", async () => {
		const { balance } = await till.ok("store.get", { storeId });
		const idempotencyKey = newKey();
		await till.refused("store.payOut", { storeId, idempotencyKey, amount: Number(balance) + 1 }, "insufficient_credit");
		assert.equal((await till.ok("store.get", { storeId })).balance, balance);
		const { state, refusal } = await till.ok("store.getPayout", { storeId, id: idempotencyKey });
		assert.deepEqual({ state, refusal }, { state: "refused", refusal: "insufficient_credit" });
		await till.refused("store.getPayout", { storeId, id: newKey() }, "not_found");
	});

	it("takes an amount and nothing else", async () => {
		for (const said of [
			{},
			{ amount: 0 },
			{ amount: "5" },
			{ amount: 5, to: "system:fees" },
			{ amount: 5, note: "x" },
		]) {
			await till.refused("store.payOut", { storeId, ...said }, "validation_failed");
		}
	});
});
