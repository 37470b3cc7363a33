import assert from "node:assert/strict";
import { call, type Params } from "../../services/actions.ts";
import type { Random } from "../ledger/random-log.ts";
import { Ledger } from "./ledger.ts";
import { entriesAsked } from "./log.ts";
import { FUNDING, SYSTEM, settle, Teller, times } from "./teller.ts";

// What is true of the money, whatever is asked and however much of it at once.

/** Each transfer takes from one account what it gives to another, and the statements of both say so. */
export async function balanced(ledger: Ledger): Promise<void> {
	const teller = new Teller(ledger);
	const [ada, bob] = await teller.wallets(2, { credit: 1_000 });
	const store = await teller.open("store");
	const sides = [
		{ kind: "charge", from: FUNDING, to: ada },
		{ kind: "sale", from: ada, to: store },
		{ kind: "p2p", from: ada, to: bob },
		{ kind: "payout", from: store, to: "system:settlement" },
		{ kind: "payout", from: bob, to: "system:fees" },
	] as { kind: "sale"; from: string; to: string }[];
	for (const [index, { kind, from, to }] of sides.entries()) {
		const amount = 100 + index - 10 * index;
		const [debit = 0, credit = 0] = await (await teller.reader()).balances([from, to]);
		const { transfer, debitBalance, creditBalance } = await teller.transfer({ kind, from, to, amount });
		const expected = [debit - amount, credit + amount];
		assert.deepEqual([debitBalance, creditBalance], expected, kind);
		const reader = await teller.reader();
		assert.deepEqual(await reader.balances([from, to]), expected, kind);
		const lines = [...(await reader.statement(from)), ...(await reader.statement(to))];
		const amounts = lines.filter(({ transferId }) => transferId === transfer.id).map((line) => line.amount);
		assert.deepEqual(amounts, [-amount, amount], kind);
	}
}

const sumOf = (amounts: readonly number[]): number => amounts.reduce((sum, amount) => sum + amount, 0);

/** 400 transfers at random between ten accounts at once, while others add up: there is never more, or less, credit. */
export async function conservation(ledger: Ledger, random: Random): Promise<void> {
	const teller = new Teller(ledger);
	const wallets = await teller.wallets(10, { credit: 1_000 });
	const held = async () => (await call(await ledger.reader(), "credit.audit", {})).inCirculation;
	const before = await held();
	const transfers = times(400, () => {
		const [from, to] = [random.pick(wallets), random.pick(wallets)];
		return teller.transfer({ kind: "p2p", from, to, amount: 1 + random.below(700) });
	});
	const audits = times(5, () => call(ledger, "credit.audit", {}));
	const { values, refusals } = await settle(transfers);
	const audited = await settle(audits);
	for (const { clean, inCirculation } of audited.values) assert.deepEqual([clean, inCirculation], [true, before]);
	// A process that has not heard of what another one wrote last cannot say.
	const { read_model_behind: _, ...failures } = audited.refusals;
	assert.deepEqual(failures, {});
	assert.equal(sumOf(await (await teller.reader()).balances(wallets)), 10_000);
	assert.equal(await held(), before);
	const { insufficient_credit = 0, same_account = 0, ...others } = refusals;
	assert.deepEqual(others, {});
	assert.equal(values.length + insufficient_credit + same_account, 400);
	assert.ok(Math.min(values.length, insufficient_credit, same_account) > 0, "something never happened");
}

/** 500 payments into one store and 500 out of one wallet, at once: each sees the balance of another moment, none is lost. */
export async function noLostUpdate(ledger: Ledger): Promise<void> {
	const teller = new Teller(ledger);
	const store = await teller.open("store");
	const payers = await teller.wallets(20, { credit: 1_000 });
	const rich = await teller.wallet({ credit: 5_000 });
	const into = times(500, (n) => teller.transfer({ from: payers[n % 20] ?? "", to: store, amount: 7 }));
	const outOf = times(500, (n) => teller.transfer({ kind: "p2p", from: rich, to: payers[n % 20] ?? "", amount: 9 }));
	const { values, refusals } = await settle([...into, ...outOf]);
	assert.deepEqual(refusals, {});
	const ascending = (list: readonly number[]) => [...list].sort((a, b) => a - b);
	const seenBy = (kind: string, balance: "debitBalance" | "creditBalance") =>
		ascending(values.filter(({ transfer }) => transfer.kind === kind).map((each) => each[balance]));
	assert.deepEqual(
		seenBy("sale", "creditBalance"),
		times(500, (n) => 7 * (n + 1)),
	);
	assert.deepEqual(
		seenBy("p2p", "debitBalance"),
		times(500, (n) => 500 + 9 * n),
	);
	const reader = await teller.reader();
	assert.deepEqual(await reader.balances([store, rich]), [3_500, 500]);
	assert.equal((await reader.statement(store)).length, 500);
}

/** 20 can be paid, 200 are asked for at once in every way that takes credit: 20 are, and nobody ever sees less than nothing. */
export async function noOverdraft(ledger: Ledger): Promise<void> {
	const teller = new Teller(ledger);
	const [store, friend] = [await teller.open("store"), await teller.wallet()];
	const poor = await teller.wallet({ credit: 1_000 });
	const ways = [
		{ to: store },
		{ to: friend, kind: "p2p" },
		{ to: "system:settlement", kind: "payout" },
		{ to: store, hold: { ttlMs: 60_000 } },
	] as const;
	const drain = times(200, (n) => teller.transfer({ from: poor, amount: 50, ...(ways[n % 4] as (typeof ways)[0]) }));
	const { values, refusals } = await settle(drain);
	assert.equal(values.length, 20);
	assert.deepEqual(refusals, { insufficient_credit: 180 });
	for (const { debitBalance } of values) assert.ok(debitBalance >= 0, `the balance was ${debitBalance}`);
	const { balance, available, pending } = await (await teller.reader()).account(poor);
	const held = values.filter(({ transfer }) => transfer.state === "pending").length * 50;
	assert.deepEqual({ balance, available, pending }, { balance: held, available: 0, pending: held });
	// While it is filled as fast as it is drained, what was taken is what there was.
	const more = times(20, () => teller.transfer({ kind: "charge", from: FUNDING, to: poor, amount: 30 }));
	const taken = await settle(times(40, () => teller.transfer({ from: poor, to: store, amount: 20 })));
	await Promise.all(more);
	assert.equal((await (await teller.reader()).account(poor)).available, 600 - 20 * taken.values.length);
}

/** Fractions cannot be sent; whole credits are exact up to the last one that a double can hold, and beyond it nothing moves. */
export async function noDrift({ storage }: Ledger): Promise<void> {
	// In a ledger of its own: readers of the log add up in doubles what all accounts have together.
	await Ledger.during(storage.another(), upToTheLastCredit);
}

async function upToTheLastCredit(ledger: Ledger): Promise<void> {
	const teller = new Teller(ledger);
	const wallet = await teller.wallet();
	const charge = (amount: number) => teller.transfer({ kind: "charge", from: FUNDING, to: wallet, amount });
	for (const amount of [0.1, 1.5, 1e-7, 1e12 + 1, 2 ** 53]) {
		await assert.rejects(charge(amount), { type: "VALIDATION_ERROR" });
	}
	const { values } = await settle(times(9_007, () => charge(1e12 - 1)));
	let sum = BigInt(values.length) * BigInt(1e12 - 1);
	const most = BigInt(Number.MAX_SAFE_INTEGER);
	const rest = Number(most - sum);
	for (const amount of [333_333_333, 1, rest - 333_333_334]) {
		const { debitBalance, creditBalance } = await charge(amount);
		sum += BigInt(amount);
		assert.deepEqual([BigInt(debitBalance), BigInt(creditBalance)], [-sum, sum]);
	}
	assert.equal(sum, most);
	for (const amount of [1, 2, 1e12]) await assert.rejects(charge(amount), { type: "amount_out_of_range" });
	const onTop = teller.transfer({ kind: "charge", from: "system:adjustment", to: wallet, amount: 1 });
	await assert.rejects(onTop, { type: "amount_out_of_range" });
	const balances = await (await teller.reader()).balances([FUNDING, wallet]);
	assert.deepEqual(balances.map(BigInt), [-most, most]);
	const { clean, inCirculation } = await call(ledger, "credit.audit", {});
	assert.deepEqual([clean, BigInt(inCirculation)], [true, most]);
}

/** Not applicable, and kept so: there is one asset, and no command can name another one. */
export async function noMixing(ledger: Ledger): Promise<void> {
	const teller = new Teller(ledger);
	const [from, to] = [await teller.wallet({ credit: 100 }), await teller.open("store")];
	const before = entriesAsked(await ledger.storage.groups());
	for (const word of ["asset", "currency", "unit", "code"]) {
		const params = { ...teller.params({ from, to, amount: 1 }), [word]: "USD" };
		await assert.rejects(call(ledger, "credit.transfer", params), { type: "VALIDATION_ERROR" });
		const account = { accountId: from, [word]: "USD" } as Params<"credit.account">;
		await assert.rejects(call(ledger, "credit.account", account), { type: "VALIDATION_ERROR" });
	}
	assert.deepEqual(entriesAsked(await ledger.storage.groups()), before);
}

/** What is taken back is a movement of its own, never more than there was, and what it takes back stays as it was written. */
export async function reversal(ledger: Ledger): Promise<void> {
	const teller = new Teller(ledger);
	const [wallet, store] = [await teller.wallet({ credit: 1_000 }), await teller.open("store")];
	const everyone = [wallet, store, ...SYSTEM];
	const start = sumOf(await (await teller.reader()).balances(everyone));
	const sale = (await teller.transfer({ from: wallet, to: store, amount: 300 })).transfer;
	const cancelled = (await teller.transfer({ from: wallet, to: store, amount: 200 })).transfer;
	const hold = (await teller.transfer({ from: wallet, to: store, amount: 400, hold: { ttlMs: 60_000 } })).transfer;
	const written = await ledger.storage.groups();
	const refund = (amount?: number) =>
		call(ledger, "credit.refund", {
			...{ ...teller.command(), transferId: sale.id, details: {} },
			...(amount !== undefined && { amount }),
		});
	await assert.rejects(refund(301), { type: "refund_exceeds_sale" });
	const part = await refund(100);
	const { kind, state, debitAccountId, creditAccountId, amount, reference } = part.transfer;
	assert.deepEqual(
		{ kind, state, debitAccountId, creditAccountId, amount, reference },
		{
			kind: "refund",
			state: "posted",
			debitAccountId: store,
			creditAccountId: wallet,
			amount: 100,
			reference: sale.id,
		},
	);
	const rest = await Promise.allSettled(times(8, () => refund()));
	assert.equal(rest.filter(({ status }) => status === "fulfilled").length, 1, "the rest was given back once");
	await assert.rejects(refund(1), { type: "refund_exceeds_sale" });
	await assert.rejects(
		call(ledger, "credit.refund", { ...teller.command(), transferId: part.transfer.id, details: {} }),
		{ type: "not_refundable" },
	);
	const cancel = { ...teller.command(), targetId: cancelled.id, details: {} };
	assert.equal((await call(ledger, "credit.cancel", cancel)).effect, "refunded");
	await call(ledger, "credit.void", { ...teller.command(), transferId: hold.id });
	const reader = await teller.reader();
	const { balance, available } = await reader.account(wallet);
	assert.deepEqual({ balance, available }, { balance: 1_000, available: 1_000 });
	assert.equal(sumOf(await reader.balances(everyone)), start);
	// Payments and what was given back, five movements and the charge: nothing was struck out.
	assert.deepEqual(
		(await reader.statement(wallet)).map((line) => line.amount),
		[200, 200, 100, -200, -300, 1_000],
	);
	assert.deepEqual((await ledger.storage.groups()).slice(0, written.length), written);
}
