import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "csv-parse/sync";
import type { Params, Result } from "../../services/actions.ts";
import { newPerson, newShop, type Person, sell } from "./people.ts";
import { startTestPlatform, type TestPlatform } from "./platform.ts";

type Line = Result<"user.listTransactions">["items"][number];
type Query = Params<"user.listTransactions">;

let platform: TestPlatform;
let ada: Person;
let bob: Person;
/** Between these two nothing was booked. */
let middleMs: number;
before(async () => {
	platform = await startTestPlatform();
	ada = await newPerson(platform.anyone, { name: "Ada", credit: 100_000 });
	bob = await newPerson(platform.anyone, { name: "Bob", credit: 100_000 });
	// Many in one group of the ledger, and a line of every kind.
	const send = (index: number) =>
		ada.api.ok("user.send", { to: bob.handle, amount: index + 1, note: `number ${index}` });
	// No more at once than one gateway lets in, however slow the machine is.
	for (let sent = 0; sent < 120; sent += 30)
		await Promise.all(Array.from({ length: 30 }, (_, index) => send(sent + index)));
	await sleep(5);
	middleMs = Date.now();
	await sleep(5);
	const shop = await newShop(bob);
	for (const index of [1, 2, 3, 4, 5]) await sell(shop, ada, `sale-000${index}`);
	await bob.api.ok("store.refundSale", { storeId: shop.id, saleId: "sale-0001", amount: 300, reason: "cold" });
	await bob.api.ok("user.send", { to: ada.handle, amount: 77 });
	await ada.api.ok("user.charge", { amount: 33 });
});
after(() => platform.stop());

async function everyPage(query: Query): Promise<Line[]> {
	const lines: Line[] = [];
	for (let cursor: string | null = ""; cursor !== null; ) {
		const page: Result<"user.listTransactions"> = await ada.api.ok("user.listTransactions", {
			...query,
			...(cursor && { cursor }),
		});
		assert.ok(page.items.length <= (query.limit ?? 20));
		assert.ok(page.items.length > 0 || page.nextCursor === null, "an empty page that is not the last one");
		lines.push(...page.items);
		cursor = page.nextCursor;
	}
	return lines;
}

const idsOf = (lines: readonly Line[]): string[] => lines.map(({ transferId }) => transferId);

describe("a statement", () => {
	it("has every line once, newest first, whatever the size of its pages", async () => {
		const all = await everyPage({ limit: 100 });
		assert.equal(all.length, 1 + 120 + 5 + 1 + 1 + 1);
		assert.equal(new Set(idsOf(all)).size, all.length);
		for (const limit of [1, 7, 20, 64]) assert.deepEqual(await everyPage({ limit }), all);
		assert.deepEqual(await everyPage({}), all);
	});

	it("is an unbroken chain of balances that ends with the wallet's", async () => {
		const lines = (await everyPage({ limit: 50 })).reverse();
		let balance = 0;
		for (const line of lines) {
			balance += line.amount;
			assert.equal(line.balanceAfter, balance);
		}
		assert.equal(balance, (await ada.api.ok("user.me", {})).balance);
		const times = lines.map(({ postedAtMs }) => postedAtMs);
		assert.deepEqual(
			times,
			times.toSorted((left, right) => left - right),
		);
	});

	it("stays the same for whoever pages through it while more is booked", async () => {
		const before = await everyPage({ limit: 100 });
		const first = await ada.api.ok("user.listTransactions", { limit: 10 });
		await ada.api.ok("user.charge", { amount: 1 });
		const rest = await everyPage({ limit: 10, cursor: String(first.nextCursor) });
		assert.deepEqual([...first.items, ...rest], before);
	});

	it("can be asked by kind and by time", async () => {
		const all = await everyPage({ limit: 100 });
		for (const kind of ["charge", "p2p", "sale", "refund", "payout", "adjustment"] as const) {
			const some = await everyPage({ kind, limit: 3 });
			assert.deepEqual(
				some,
				all.filter((line) => line.kind === kind),
			);
		}
		const before = await everyPage({ toMs: middleMs, limit: 50 });
		const since = await everyPage({ fromMs: middleMs, limit: 50 });
		assert.equal(before.length, 121);
		assert.deepEqual([...since, ...before], all);
		assert.deepEqual(await everyPage({ fromMs: middleMs, toMs: middleMs }), []);
		assert.deepEqual(await everyPage({ kind: "sale", toMs: middleMs }), []);
	});

	it("says what was bought, and what was given back since", async () => {
		const [sale] = (await everyPage({ kind: "sale" })).slice(-1);
		assert.deepEqual(sale?.items, [{ name: "Product 0", unitPrice: 1_000, quantity: 1, amount: 1_000 }]);
		assert.deepEqual([sale?.amount, sale?.refunded, sale?.counterparty], [-1_000, 300, "Bob's store"]);
		const [refund] = await everyPage({ kind: "refund" });
		assert.deepEqual(
			[refund?.amount, refund?.reference, refund?.note, refund?.counterparty],
			[300, sale?.transferId, "cold", "Bob's store"],
		);
	});

	it("refuses cursors and filters that make no sense", async () => {
		const text = (value: string) => Buffer.from(value).toString("base64url");
		const cursors = [
			"",
			"x",
			"AAAA",
			"!",
			"%00",
			text("1"),
			text("1.x"),
			text("-1.0"),
			text("1.0 OR 1=1"),
			"A".repeat(201),
		];
		for (const cursor of cursors) await ada.api.refused("user.listTransactions", { cursor }, "validation_failed");
		const filters = [{ kind: "gift" }, { kind: "" }, { fromMs: -1 }, { fromMs: "now" }, { toMs: 1e16 }, { limit: 101 }];
		for (const filter of filters) await ada.api.refused("user.listTransactions", filter, "validation_failed");
	});

	it("shows nothing of anybody else, whatever the cursor", async () => {
		const mine = new Set(idsOf(await everyPage({ limit: 100 })));
		for (const sequence of [1, 5, 50, 1_000_000]) {
			const cursor = Buffer.from(`${sequence}.5`).toString("base64url");
			const { items } = await ada.api.ok("user.listTransactions", { cursor, limit: 100 });
			assert.ok(items.every(({ transferId }) => mine.has(transferId)));
		}
	});
});

const columns = ["time", "kind", "counterparty", "amount", "balance_after", "note", "transfer_id"];

it("a page of the largest receipts arrives, in parts if it must, and an export of all of them", async () => {
	const customer = await newPerson(platform.anyone, { name: "Large", credit: 100_000 });
	const shop = await newShop(bob);
	const storeId = shop.id;
	const list = Array.from({ length: 100 }, (_, n) => `l${n},${"한".repeat(55)} ${n},Large,1`);
	await bob.api.ok("store.importProducts", { storeId, csv: ["sku,name,category,price", ...list].join("\n") });
	const products = await bob.api.ok("store.listProducts", { storeId, category: "Large", limit: 100 });
	const items = products.items.map(({ id: productId }) => ({ productId, quantity: 1 }));
	for (let sold = 0; sold < 60; sold++) {
		const { code } = await customer.api.ok("user.issueCode", {});
		await bob.api.ok("store.sell", { storeId, code, items });
	}
	const sales: Result<"store.listSales">["items"] = [];
	for (let cursor: string | null = ""; cursor !== null; ) {
		const page: Result<"store.listSales"> = await bob.api.ok("store.listSales", {
			...{ storeId, limit: 100, fromMs: middleMs },
			...(cursor && { cursor }),
		});
		sales.push(...page.items);
		cursor = page.nextCursor;
	}
	assert.deepEqual(
		sales.map((sale) => sale.items.length),
		Array(60).fill(100),
	);
	// More than a message has room for where services are apart.
	const csv = await bob.api.ok("store.exportSales", { storeId, fromMs: middleMs });
	assert.ok(Buffer.byteLength(csv) > 1_048_576, `${Buffer.byteLength(csv)} bytes`);
	const rows: Record<string, string>[] = parse(csv, { bom: true, columns: true });
	assert.deepEqual(
		rows.map((row) => row.sale_id),
		sales.map((sale) => sale.id).toReversed(),
	);
});

describe("a statement as CSV", () => {
	const rowsOf = (csv: string): Record<string, string>[] => parse(csv, { bom: true, columns: true });

	it("is RFC 4180 with a byte order mark, and says what the list says", async () => {
		const text = await ada.api.ok("user.exportTransactions", {});
		assert.ok(text.startsWith(`\ufeff${columns.join(",")}\r\n`));
		assert.equal(text.replaceAll("\r\n", "").includes("\n"), false);
		const expected = (await everyPage({ limit: 100 })).map((line) => ({
			time: new Date(line.postedAtMs).toISOString(),
			kind: line.kind,
			counterparty: line.counterparty,
			amount: String(line.amount),
			balance_after: String(line.balanceAfter),
			note: line.note ?? "",
			transfer_id: line.transferId,
		}));
		assert.deepEqual(rowsOf(text), expected);
	});

	it("takes the same filters", async () => {
		const text = await ada.api.ok("user.exportTransactions", { kind: "sale", fromMs: middleMs });
		const expected = idsOf(await everyPage({ kind: "sale", fromMs: middleMs }));
		assert.deepEqual(
			rowsOf(text).map((row) => row.transfer_id),
			expected,
		);
		for (const said of [{ limit: 1 }, { cursor: "x" }, { kind: "x" }, { accountId: bob.wallet }]) {
			await ada.api.refused("user.exportTransactions", said, "validation_failed");
		}
	});

	it("starts no formula in a spreadsheet, and breaks no line", async () => {
		const notes = ['=HYPERLINK("http://evil.test")', "+1+1", "-1+1", "@SUM(1)", "＝1+1", 'a","b', "x;y", "'=1"];
		const mallory = await newPerson(platform.anyone, { name: "Mallory", credit: 100 });
		await mallory.api.ok("user.edit", { displayName: "=1+1" });
		for (const note of notes) await mallory.api.ok("user.send", { to: ada.handle, amount: 1, note });
		const text = await ada.api.ok("user.exportTransactions", {});
		const rows = rowsOf(text).slice(0, notes.length);
		for (const { note, counterparty } of rows) {
			assert.doesNotMatch(String(note), /^[=+\-@\t\r＝＋－＠]/);
			assert.equal(counterparty, "'=1+1");
		}
		assert.equal(rows[2]?.note, 'a","b');
	});
});
