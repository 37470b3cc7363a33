import assert from "node:assert/strict";
import { call } from "../../services/actions.ts";
import { problemOf } from "../../services/errors.ts";
import { type Asked, ask } from "./business.ts";
import type { Ledger } from "./ledger.ts";
import { decisions, entriesAsked } from "./log.ts";
import { FUNDING, newAccountId, settle, Teller, times } from "./teller.ts";

// What is true of commands that come more than once: one after the other, at once, after a restart, after a refusal.

/** One command of each kind that is applied when it is first asked, and whom they are about. */
export async function oneOfEach(teller: Teller): Promise<{ commands: Asked[]; accounts: string[] }> {
	const [wallet, store] = [await teller.wallet({ credit: 10_000 }), await teller.open("store")];
	const pay = async (hold?: { ttlMs: number }) =>
		(await teller.transfer({ from: wallet, to: store, amount: 100, ...(hold && { hold }) })).transfer.id;
	const details = { why: "cold" };
	const hold = { ttlMs: 60_000 };
	const redeem = { jti: `code-of-${wallet}`, expiresAtMs: Date.now() + 60_000, cap: 500 };
	const command = () => teller.command();
	const commands: Asked[] = [
		{ name: "credit.transfer", params: teller.params({ from: wallet, to: store, amount: 100, redeem }) },
		{ name: "credit.transfer", params: teller.params({ from: wallet, to: store, amount: 100, hold }) },
		{ name: "credit.post", params: { ...command(), transferId: await pay(hold), amount: 60 } },
		{ name: "credit.void", params: { ...command(), transferId: await pay(hold) } },
		{ name: "credit.refund", params: { ...command(), transferId: await pay(), amount: 40, details } },
		{ name: "credit.cancel", params: { ...command(), targetId: await pay(), details } },
		{ name: "credit.cancel", params: { ...command(), targetId: await pay(hold), details } },
		{ name: "credit.cancel", params: { ...command(), targetId: teller.ledger.newId(), details } },
		{
			name: "credit.setState",
			params: { ...command(), accountId: await teller.open("wallet"), state: "frozen", reason: "lost" },
		},
	];
	return { commands, accounts: [wallet, store] };
}

/** An answer, apart from whether it is a repeated one and from how long the log was then. */
function outcomeOf(answer: unknown) {
	const { replayed = null, sequence, ...outcome } = answer as { replayed?: boolean; sequence?: number };
	return { replayed, outcome };
}

/** The same command again gets the first answer, marked where answers have a mark, and nothing is stored; another one with its id is refused. */
export async function duplicateIsNoOp(ledger: Ledger): Promise<void> {
	const teller = new Teller(ledger);
	const { commands } = await oneOfEach(teller);
	const first: ReturnType<typeof outcomeOf>[] = [];
	for (const each of commands) first.push(outcomeOf(await ask(ledger, each)));
	for (const { replayed } of first) assert.notEqual(replayed, true);
	const written = entriesAsked(await ledger.storage.groups());
	const repeat = async () => {
		for (const [index, each] of commands.entries()) {
			const { replayed, outcome } = outcomeOf(await ask(ledger, each));
			assert.deepEqual(outcome, first[index]?.outcome, each.name);
			assert.equal(replayed, first[index]?.replayed === null ? null : true, each.name);
			const other = { ...each, params: { ...each.params, fingerprint: "something else" } };
			await assert.rejects(ask(ledger, other), { type: "idempotency_key_reused" }, each.name);
		}
	};
	await repeat();
	await ledger.restart();
	await repeat();
	assert.deepEqual(entriesAsked(await ledger.storage.groups()), written);
}

/** 64 times at once, to every process there is: one effect, one entry, one answer. */
export async function concurrentDuplicates(ledger: Ledger): Promise<void> {
	const teller = new Teller(ledger);
	const { commands } = await oneOfEach(teller);
	for (const each of commands) {
		const { values, refusals } = await settle(times(64, () => ask(ledger, each)));
		assert.deepEqual(refusals, {}, each.name);
		const outcomes = values.map(outcomeOf);
		for (const { outcome } of outcomes) assert.deepEqual(outcome, outcomes[0]?.outcome, each.name);
		const marks = outcomes.map(({ replayed }) => replayed).filter((mark) => mark !== null);
		assert.equal(marks.filter((replayed) => !replayed).length, marks.length === 0 ? 0 : 1, each.name);
	}
	const account = { accountId: newAccountId("wallet"), owner: "one" } as const;
	await Promise.all(times(64, () => call(ledger, "credit.open", account)));
	await oneOfMany(teller);
	const counts = decisions(await ledger.storage.groups());
	for (const { params } of commands) assert.equal(counts.get(params.id), 1);
	assert.equal(counts.get(`system.open:${account.accountId}`), 1);
	assert.deepEqual(
		[...counts].filter(([, count]) => count !== 1),
		[],
	);
}

/** 64 different commands with one id, and 64 payments with one code. */
async function oneOfMany(teller: Teller): Promise<void> {
	const { ledger } = teller;
	const [wallet, store] = [await teller.wallet({ credit: 10_000 }), await teller.open("store")];
	const params = teller.params({ from: wallet, to: store, amount: 1 });
	const others = times(64, (n) =>
		call(ledger, "credit.transfer", { ...params, amount: n + 1, fingerprint: `asked ${n}` }),
	);
	const one = await settle(others);
	assert.deepEqual(one.refusals, { idempotency_key_reused: 63 });
	const redeem = { jti: `one-of-${wallet}`, expiresAtMs: Date.now() + 60_000, cap: 500 };
	const paid = await settle(times(64, () => teller.transfer({ from: wallet, to: store, amount: 100, redeem })));
	assert.deepEqual(paid.refusals, { code_used: 63 });
	const amount = one.values[0]?.transfer.amount ?? 0;
	assert.equal((await (await teller.reader()).account(store)).balance, amount + 100);
}

/** Whatever was refused once stays refused for the same reason, when there would be no reason any more, and is never called applied. */
export async function refusedStaysRefused(ledger: Ledger): Promise<void> {
	const teller = new Teller(ledger);
	const { refused, removeReasons } = await refusals(teller);
	const check = () => Promise.all(refused.map((each) => isRefused(ledger, each)));
	await check();
	await removeReasons();
	await check();
	await ledger.restart();
	await check();
}

/** A transfer that one process refuses before the ledger is asked, and another one submits: whichever is first has the id. */
export async function refusedEarly(ledger: Ledger): Promise<void> {
	const teller = new Teller(ledger);
	const [wallet, store] = [await teller.wallet({ credit: 10_000 }), await teller.open("store")];
	const orders = times(64, () => teller.params({ from: wallet, to: store, amount: 100 }));
	const refuse = ({ id, fingerprint }: (typeof orders)[number]) =>
		call(ledger, "credit.refuse", { id, fingerprint, kind: "sale", refusal: "price_changed" });
	const both = orders.map(async (order) => {
		const [paid, refused] = await Promise.allSettled([call(ledger, "credit.transfer", order), refuse(order)]);
		if (refused.status === "rejected") throw refused.reason;
		const isPaid = paid.status === "fulfilled";
		assert.equal(isPaid ? "paid" : problemOf(paid.reason), isPaid ? "paid" : "price_changed");
		assert.equal(refused.value?.transfer.id ?? null, isPaid ? order.id : null);
		return isPaid;
	});
	const paid = (await Promise.all(both)).filter(Boolean).length;
	assert.equal((await (await teller.reader()).account(store)).balance, paid * 100);
	for (const [index, order] of orders.entries()) {
		const { state } = await call(ledger, "credit.outcome", { id: order.id });
		assert.equal(state, (await both[index]) ? "applied" : "refused");
		await assert.rejects(refuse({ ...order, fingerprint: "something else" }), { type: "idempotency_key_reused" });
	}
}

type Refused = Asked & { readonly code: string };

async function isRefused(ledger: Ledger, { name, params, code }: Refused): Promise<void> {
	const { values, refusals } = await settle(times(8, () => ask(ledger, { name, params })));
	assert.deepEqual([values, refusals], [[], { [code]: 8 }]);
	const { id, fingerprint } = params;
	const { state, refusal, transfer } = await call(ledger, "credit.outcome", { id });
	assert.deepEqual({ state, refusal, transfer }, { state: "refused", refusal: code, transfer: null });
	if (name === "credit.transfer")
		await assert.rejects(call(ledger, "credit.recall", { id, fingerprint }), { type: code }, code);
}

/** Commands that are refused now, each for another reason, and how to make most of the reasons go away. */
async function refusals(teller: Teller): Promise<{ refused: Refused[]; removeReasons: () => Promise<void> }> {
	const { ledger } = teller;
	const [poor, rich] = [await teller.wallet(), await teller.wallet({ credit: 10_000 })];
	const [store, frozen] = [await teller.open("store"), await teller.wallet({ credit: 500 })];
	const closed = await teller.wallet();
	const setState = (accountId: string, state: "frozen" | "open" | "closed") =>
		call(ledger, "credit.setState", { ...teller.command(), accountId, state, reason: "test" });
	await setState(frozen, "frozen");
	await setState(closed, "closed");
	const unborn = newAccountId("wallet");
	const used = { jti: `used:${rich}`, expiresAtMs: Date.now() + 60_000, cap: 500 };
	await teller.transfer({ from: rich, to: store, amount: 1, redeem: used });
	const sale = (await teller.transfer({ from: rich, to: store, amount: 100 })).transfer;
	const late = teller.ledger.newId();
	await call(ledger, "credit.cancel", { ...teller.command(), targetId: late, details: {} });
	const pay = (order: Partial<Parameters<Teller["params"]>[0]>) =>
		({ name: "credit.transfer", params: teller.params({ from: rich, to: store, amount: 50, ...order }) }) as const;
	const early = async (params: ReturnType<Teller["params"]>) => {
		const { id, fingerprint, kind } = params;
		await call(ledger, "credit.refuse", { id, fingerprint, kind, refusal: "product_unavailable" });
		return params;
	};
	const unseen = teller.ledger.newId();
	const refused: Refused[] = [
		{ ...pay({ from: poor }), code: "insufficient_credit" },
		{ ...pay({ from: frozen }), code: "account_frozen" },
		{ ...pay({ from: closed }), code: "account_closed" },
		{ ...pay({ to: closed }), code: "account_closed" },
		{ ...pay({ to: unborn }), code: "account_not_found" },
		{
			name: "credit.setState",
			params: { ...teller.command(), accountId: rich, state: "closed", reason: "not empty" },
			code: "account_not_empty",
		},
		{ ...pay({ to: rich }), code: "same_account" },
		{ ...pay({ redeem: used }), code: "code_used" },
		{ ...pay({ redeem: { ...used, jti: `old:${rich}`, expiresAtMs: 1 } }), code: "code_expired" },
		{ ...pay({ redeem: { ...used, jti: `small:${rich}`, cap: 49 } }), code: "code_cap_exceeded" },
		{ ...pay({ deadlineMs: 1 }), code: "deadline_exceeded" },
		{ ...pay({ id: late }), code: "cancelled" },
		{
			name: "credit.transfer",
			params: await early(teller.params({ from: rich, to: store, amount: 50 })),
			code: "product_unavailable",
		},
		{ name: "credit.post", params: { ...teller.command(), transferId: unseen }, code: "transfer_not_found" },
		{ name: "credit.void", params: { ...teller.command(), transferId: sale.id }, code: "not_pending" },
		{
			name: "credit.refund",
			params: { ...teller.command(), transferId: sale.id, amount: 101, details: {} },
			code: "refund_exceeds_sale",
		},
	];
	const removeReasons = async () => {
		await teller.transfer({ kind: "charge", from: FUNDING, to: poor, amount: 500 });
		await setState(frozen, "open");
		await call(ledger, "credit.open", { accountId: unborn, owner: "late" });
		await teller.transfer({ id: unseen, from: rich, to: store, amount: 50, hold: { ttlMs: 60_000 } });
	};
	return { refused, removeReasons };
}
