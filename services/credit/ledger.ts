import { addExact, isAmount } from "../amount.ts";
import {
	type Account,
	type AccountId,
	availableOf,
	balanceOf,
	type Command,
	type CommandId,
	type Counters,
	type Details,
	type Entry,
	type Jti,
	type Redemption,
	type Refusal,
	type Transfer,
	type TransferId,
} from "./model.ts";

/**
 * The ledger's rules, all of them: a pure state machine. No clock, no random, no I/O, no await.
 *
 * `decide` says what a command does to the book; `apply` writes that down. Between the two, the entry is made durable.
 */

/** What the rules look at. */
export interface View {
	account(id: AccountId): Account | undefined;
	transfer(id: TransferId): Transfer | undefined;
	/** The entry that took this id: the command's own, or the cancel that keeps it out. */
	entry(id: CommandId): Entry | undefined;
	isRedeemed(jti: Jti): boolean;
}

/** What an entry is written into. */
export interface Book extends View {
	putAccount(account: Account): void;
	putTransfer(transfer: Transfer): void;
	putEntry(id: CommandId, entry: Entry): void;
	putRedeemed(jti: Jti): void;
}

export type Decision =
	/** To be appended: nothing is true before that. */
	| { readonly kind: "new"; readonly entry: Entry }
	/** The same command again: this was its outcome, and nothing happens. */
	| { readonly kind: "replay"; readonly entry: Entry }
	/** The id belongs to another command. */
	| { readonly kind: "reused" };

type Effect = Omit<Entry, "id" | "type" | "fingerprint">;
type Times = { readonly nowMs: number; readonly clockMs: number };
type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;

/**
 * @param nowMs the time of the group, which is written down; it never runs backwards within the log
 * @param clockMs what the clock of who decides says, at most `nowMs`. Whether it is too late, and until when a hold lasts, is said by that: a process whose
 * clock was wrong may have put the log's time ahead, and until every clock has got there nothing would be in time any more, or over.
 */
export function decide(view: View, command: Command, nowMs: number, clockMs = nowMs): Decision {
	const seen = view.entry(command.id);
	if (seen) return repeat(seen, command);
	const { id, fingerprint } = command;
	const effect = effectOf(view, command, { nowMs, clockMs });
	const kind = effect.refusal && (command.type === "transfer" || command.type === "refuse") && { kind: command.kind };
	return { kind: "new", entry: { id, type: typeOf(command), fingerprint, ...kind, ...effect } };
}

const typeOf = ({ type }: Command): Entry["type"] => (type === "refuse" ? "transfer" : type);

export function apply(book: Book, entry: Entry): void {
	book.putEntry(entry.id, entry);
	if (entry.tombstone) book.putEntry(entry.tombstone, entry);
	if (entry.redeemed) book.putRedeemed(entry.redeemed.jti);
	if (entry.opened) book.putAccount(entry.opened);
	if (entry.created) book.putTransfer(entry.created);
	if (entry.changed) book.putTransfer({ ...known(book.transfer(entry.changed.id)), ...entry.changed });
	if (entry.stateSet) {
		const { accountId, state } = entry.stateSet;
		book.putAccount({ ...known(book.account(accountId)), state });
	}
	for (const counters of entry.counters ?? []) {
		const [id, debitsPosted, creditsPosted, debitsPending, creditsPending] = counters;
		book.putAccount({ ...known(book.account(id)), debitsPosted, creditsPosted, debitsPending, creditsPending });
	}
}

/** The accounts and transfers that must be in the view before `decide` can be asked about this command. */
export function needs(view: View, command: Command): { accounts: AccountId[]; transfers: TransferId[] } {
	switch (command.type) {
		case "open":
		case "set-state":
			return { accounts: [command.accountId], transfers: [] };
		case "transfer":
			return { accounts: [command.debitAccountId, command.creditAccountId], transfers: [] };
		case "refuse":
			return { accounts: [], transfers: [] };
		default: {
			const id = command.type === "cancel" ? (command.targetId as string as TransferId) : command.transferId;
			const transfer = view.transfer(id);
			return { accounts: transfer ? [transfer.debitAccountId, transfer.creditAccountId] : [], transfers: [id] };
		}
	}
}

function repeat(seen: Entry, command: Command): Decision {
	const { id, fingerprint } = command;
	const type = typeOf(command);
	if (seen.tombstone === id) return { kind: "replay", entry: { id, type, fingerprint, refusal: "cancelled" } };
	return seen.fingerprint === fingerprint && seen.type === type ? { kind: "replay", entry: seen } : { kind: "reused" };
}

function effectOf(view: View, command: Command, times: Times): Effect {
	const { nowMs, clockMs } = times;
	switch (command.type) {
		case "open":
			return open(view, command);
		case "transfer":
			return transfer(view, command, times);
		case "refuse":
			return refuse(command.refusal);
		case "post":
			return post(view, command, clockMs);
		case "void":
			return release(view, command.transferId, "voided");
		case "expire":
			return expire(view, command, clockMs);
		case "refund":
			return refund(view, command, nowMs);
		case "cancel":
			return cancel(view, command, nowMs);
		case "set-state":
			return setState(view, command);
	}
}

const refuse = (refusal: Refusal): Effect => ({ refusal });

function open(view: View, { accountId: id, kind, owner }: Of<"open">): Effect {
	if (view.account(id)) return refuse("account_exists");
	const floor = kind === "system" ? null : 0;
	const zero = { debitsPosted: 0, creditsPosted: 0, debitsPending: 0, creditsPending: 0 };
	return { opened: { id, kind, owner, floor, state: "open", ...zero } };
}

function setState(view: View, { accountId, state, reason }: Of<"set-state">): Effect {
	const account = view.account(accountId);
	if (!account) return refuse("account_not_found");
	if (account.state === "closed") return refuse("account_closed");
	// A closed account takes part in nothing: what is left on it would be lost.
	if (state === "closed" && !isEmpty(account)) return refuse("account_not_empty");
	return { stateSet: { accountId, state, reason } };
}

const isEmpty = (account: Account): boolean =>
	balanceOf(account) === 0 && account.debitsPending === 0 && account.creditsPending === 0;

function transfer(view: View, command: Of<"transfer">, { nowMs, clockMs }: Times): Effect {
	if (command.deadlineMs !== undefined && clockMs > command.deadlineMs) return refuse("deadline_exceeded");
	const stale = command.redeem && staleCode(view, command.redeem, clockMs);
	if (stale) return refuse(stale);
	// From here on a refusal uses the code up as well: whoever saw it must not get a second try.
	const used = command.redeem && { redeemed: { jti: command.redeem.jti, expiresAtMs: command.redeem.expiresAtMs } };
	return { ...used, ...movement(view, command, { nowMs, clockMs }) };
}

function staleCode(view: View, { jti, expiresAtMs }: Redemption, clockMs: number): Refusal | undefined {
	if (view.isRedeemed(jti)) return "code_used";
	return clockMs >= expiresAtMs ? "code_expired" : undefined;
}

function movement(view: View, command: Of<"transfer">, { nowMs, clockMs }: Times): Effect {
	const { kind, debitAccountId, creditAccountId, amount, hold, redeem, details } = command;
	if (!isAmount(amount)) return refuse("amount_out_of_range");
	// A refund without its sale could be given again and again.
	if (kind === "refund") return refuse("not_refundable");
	if (redeem && amount > redeem.cap) return refuse("code_cap_exceeded");
	const created: Transfer = {
		id: command.id as string as TransferId,
		kind,
		debitAccountId,
		creditAccountId,
		amount,
		state: hold ? "pending" : "posted",
		refunded: 0,
		reference: null,
		details,
		createdAtMs: nowMs,
		// By the clock that says when it is over: dated by a log that is ahead, it would be kept from its owner as much longer.
		expiresAtMs: hold ? clockMs + hold.ttlMs : null,
	};
	const moved = move(view, created, hold ? { posted: 0, pending: amount } : { posted: amount, pending: 0 });
	return "refusal" in moved ? moved : { created, ...moved };
}

function post(view: View, command: Of<"post">, clockMs: number): Effect {
	const held = view.transfer(command.transferId);
	if (!held) return refuse("transfer_not_found");
	if (held.state !== "pending") return refuse("not_pending");
	if (held.expiresAtMs !== null && clockMs >= held.expiresAtMs) return refuse("hold_expired");
	const amount = command.amount ?? held.amount;
	if (!isAmount(amount)) return refuse("amount_out_of_range");
	if (amount > held.amount) return refuse("amount_exceeds_hold");
	const moved = move(view, held, { posted: amount, pending: -held.amount });
	if ("refusal" in moved) return moved;
	return { changed: { id: held.id, kind: held.kind, state: "posted", amount, refunded: 0 }, ...moved };
}

function expire(view: View, { transferId }: Of<"expire">, clockMs: number): Effect {
	const held = view.transfer(transferId);
	// Never early: the customer was promised the whole time, by this clock.
	if (held?.state === "pending" && (held.expiresAtMs === null || clockMs < held.expiresAtMs))
		return refuse("not_pending");
	return release(view, transferId, "expired");
}

function release(view: View, transferId: TransferId, state: "voided" | "expired"): Effect {
	const held = view.transfer(transferId);
	if (!held) return refuse("transfer_not_found");
	if (held.state !== "pending") return refuse("not_pending");
	const counters = shift(view, held, { posted: 0, pending: -held.amount });
	return { changed: { id: held.id, kind: held.kind, state, amount: held.amount, refunded: 0 }, counters };
}

function refund(view: View, command: Of<"refund">, nowMs: number): Effect {
	const sale = view.transfer(command.transferId);
	if (!sale) return refuse("transfer_not_found");
	if (sale.kind !== "sale" || sale.state !== "posted") return refuse("not_refundable");
	const left = sale.amount - sale.refunded;
	const amount = command.amount ?? left;
	if (amount > left || left === 0) return refuse("refund_exceeds_sale");
	if (!isAmount(amount)) return refuse("amount_out_of_range");
	return giveBack(view, { sale, amount, id: command.id, details: command.details, nowMs });
}

function cancel(view: View, { id, targetId, details }: Of<"cancel">, nowMs: number): Effect {
	if (targetId === id) return refuse("not_cancellable");
	const target = view.transfer(targetId as string as TransferId);
	if (!target) return cancelUnmade(view.entry(targetId), targetId);
	if (target.state === "pending") return release(view, target.id, "voided");
	if (target.state !== "posted") return {};
	if (target.kind !== "sale") return refuse("not_refundable");
	const amount = target.amount - target.refunded;
	return amount === 0 ? {} : giveBack(view, { sale: target, amount, id, details, nowMs });
}

/** A target that made no transfer: never seen, refused (then it has no effect, and can get none), or something else than a payment. */
function cancelUnmade(seen: Entry | undefined, targetId: CommandId): Effect {
	if (!seen) return { tombstone: targetId };
	return seen.refusal || seen.tombstone === targetId ? {} : refuse("not_cancellable");
}

type GiveBack = { sale: Transfer; amount: number; id: CommandId; details: Details; nowMs: number };

function giveBack(view: View, { sale, amount, id, details, nowMs }: GiveBack): Effect {
	const created: Transfer = {
		id: id as string as TransferId,
		kind: "refund",
		debitAccountId: sale.creditAccountId,
		creditAccountId: sale.debitAccountId,
		amount,
		state: "posted",
		refunded: 0,
		reference: sale.id,
		details,
		createdAtMs: nowMs,
		expiresAtMs: null,
	};
	const moved = move(view, created, { posted: amount, pending: 0 });
	if ("refusal" in moved) return moved;
	const { state, kind, amount: sold } = sale;
	const changed = { id: sale.id, kind, state, amount: sold, refunded: addExact(sale.refunded, amount) };
	return { created, changed, ...moved };
}

/** How much becomes posted, and by how much what is pending changes. */
type Change = { readonly posted: number; readonly pending: number };
type Sides = Pick<Transfer, "kind" | "debitAccountId" | "creditAccountId">;

/** Moves credit between two accounts if both may take part and the debit side can pay. */
function move(view: View, sides: Sides, change: Change): { refusal: Refusal } | { counters: Counters[] } {
	const debit = view.account(sides.debitAccountId);
	const credit = view.account(sides.creditAccountId);
	if (!debit || !credit) return { refusal: "account_not_found" };
	if (debit.id === credit.id) return { refusal: "same_account" };
	const blocked = blockedBy(debit, sides.kind, "debit") ?? blockedBy(credit, sides.kind, "credit");
	if (blocked) return { refusal: blocked };
	const needed = change.posted + change.pending;
	if (needed > 0 && debit.floor !== null && availableOf(debit) - needed < debit.floor) {
		return { refusal: "insufficient_credit" };
	}
	if (!staysExact(debit, credit, change)) return { refusal: "amount_out_of_range" };
	return { counters: shift(view, sides, change) };
}

/** A frozen account takes part in nothing but what an operator books and what is given back to it; a closed one in nothing. */
function blockedBy(account: Account, kind: Transfer["kind"], side: "debit" | "credit"): Refusal | undefined {
	if (account.state === "closed") return "account_closed";
	if (account.state === "open" || kind === "adjustment" || (kind === "refund" && side === "credit")) return undefined;
	return "account_frozen";
}

const staysExact = (debit: Account, credit: Account, { posted, pending }: Change): boolean =>
	Number.isSafeInteger(debit.debitsPosted + posted) &&
	Number.isSafeInteger(debit.debitsPending + pending) &&
	Number.isSafeInteger(credit.creditsPosted + posted) &&
	Number.isSafeInteger(credit.creditsPending + pending);

function shift(view: View, sides: Sides, { posted, pending }: Change): Counters[] {
	const debit = known(view.account(sides.debitAccountId));
	const credit = known(view.account(sides.creditAccountId));
	return [
		[
			debit.id,
			addExact(debit.debitsPosted, posted),
			debit.creditsPosted,
			addExact(debit.debitsPending, pending),
			debit.creditsPending,
		],
		[
			credit.id,
			credit.debitsPosted,
			addExact(credit.creditsPosted, posted),
			credit.debitsPending,
			addExact(credit.creditsPending, pending),
		],
	];
}

/** An entry only names what exists; if it does not, the log is not this book's, and going on would make money. */
function known<T>(value: T | undefined): T {
	if (value === undefined) throw new Error("an entry names an account or transfer that the book does not have");
	return value;
}
