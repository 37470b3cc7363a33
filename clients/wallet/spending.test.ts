import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { matching, spendingOf } from "./spending.ts";
import type { Transaction } from "./wallet.ts";

const transaction = fc
	.record({
		kind: fc.constantFrom("charge", "sale", "p2p", "refund", "adjustment"),
		size: fc.integer({ min: 1, max: 1_000_000 }),
		isIn: fc.boolean(),
		counterparty: fc.constantFrom("Café Nip", "분식집", "책방", "Ada", "민지", "Kiosk", "Mart", "Bar"),
		day: fc.integer({ min: 1, max: 31 }),
		back: fc.double({ min: 0, max: 1, noNaN: true }),
	})
	.map(({ kind, size, isIn, counterparty, day, back }): Transaction => {
		const amount = kind === "sale" ? -size : kind === "charge" || kind === "refund" || isIn ? size : -size;
		return {
			transferId: `u.${day}`,
			kind: kind as Transaction["kind"],
			amount,
			balanceAfter: 0,
			postedAtMs: new Date(2026, 9, day, 12).getTime(),
			counterparty,
			note: null,
			items: [],
			discount: 0,
			refunded: kind === "sale" ? Math.floor(size * back) : 0,
			reference: null,
		};
	});

test("what was spent is the same by shop, by day and in all, and shares are of it", () => {
	fc.assert(
		fc.property(fc.array(transaction), (items) => {
			const { spent, received, shares, days } = spendingOf(items, 31);
			const sum = (amounts: readonly number[]) => amounts.reduce((total, each) => total + each, 0);
			assert.equal(sum(shares.map(({ amount }) => amount)), spent);
			assert.equal(sum(days), spent);
			assert.ok(spent >= 0 && received >= 0 && shares.length <= 6);
			const moved = items.filter(({ kind }) => kind === "sale" || kind === "p2p" || kind === "charge");
			const net = sum(moved.map(({ amount, refunded }) => amount + refunded));
			const adjusted = sum(
				items.filter(({ kind, amount }) => kind === "adjustment" && amount > 0).map(({ amount }) => amount),
			);
			assert.equal(received - adjusted - spent, net);
		}),
	);
});

test("a search finds names, notes and things bought, word by word", () => {
	const [one] = fc.sample(transaction, 1) as [Transaction];
	const item = { name: "아이스 Latte", unitPrice: 1, quantity: 1, amount: 1 };
	const bought: Transaction = { ...one, counterparty: "Café Nip", note: "점심", items: [item] };
	for (const wanted of ["", "  ", "café", "NIP", "점심", "latte 아이스", "nip 점심"])
		assert.deepEqual(matching([bought], wanted), [bought], wanted);
	for (const wanted of ["x", "latte x", "점심식사"]) assert.deepEqual(matching([bought], wanted), [], wanted);
});
