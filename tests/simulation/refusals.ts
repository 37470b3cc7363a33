import type { Account, Command, Refusal, Transfer, TransferId } from "../../services/credit/model.ts";
import { isEmpty, type Sides } from "./account-book.ts";
import type { Bookkeeper } from "./bookkeeper.ts";

type Facts = {
	readonly command: Command;
	/** Between these two was the clock by which it was decided. */
	readonly nowMs: number;
	readonly clockMinMs: number;
	readonly book: Bookkeeper;
};

/** Whether it is so, whatever else could have been said. */
export const isTrue = (refusal: Refusal, facts: Facts): boolean =>
	facts.command.type === "refuse" ? facts.command.refusal === refusal : grounds[refusal](facts);

/** Whoever was told that there is too little credit must not get a second try; whose code was no good had none. */
export const burnsCode = (refusal: Refusal | undefined): boolean =>
	refusal !== "deadline_exceeded" && refusal !== "code_used" && refusal !== "code_expired";

export const isAmount = (amount: number): boolean => Number.isInteger(amount) && amount >= 1 && amount <= 1e12;

const grounds: Record<Refusal, (facts: Facts) => boolean> = {
	deadline_exceeded: ({ command, nowMs }) => command.type === "transfer" && nowMs > (command.deadlineMs ?? nowMs),
	code_expired: ({ command, nowMs }) => nowMs >= (redeemOf(command)?.expiresAtMs ?? Number.POSITIVE_INFINITY),
	code_used: ({ command, book }) => book.claims.has(`code:${redeemOf(command)?.jti}`),
	code_cap_exceeded: (facts) => (amountOf(facts) ?? 0) > (redeemOf(facts.command)?.cap ?? Number.POSITIVE_INFINITY),
	account_not_found: (facts) => accountsOf(facts).includes(undefined),
	account_exists: (facts) => facts.command.type === "open" && !accountsOf(facts).includes(undefined),
	account_closed: (facts) => accountsOf(facts).some((account) => account?.state === "closed"),
	account_not_empty: (facts) =>
		facts.command.type === "set-state" &&
		facts.command.state === "closed" &&
		accountsOf(facts).some((account) => account && !isEmpty(account)),
	account_frozen: isFrozen,
	same_account: ({ command }) => command.type === "transfer" && command.debitAccountId === command.creditAccountId,
	insufficient_credit: isTooMuch,
	amount_out_of_range: (facts) => !isAmount(amountOf(facts) ?? 0),
	transfer_not_found: (facts) => facts.command.type !== "transfer" && !targetOf(facts),
	not_pending: (facts) =>
		targetOf(facts)?.state !== "pending" ||
		(facts.command.type === "expire" && !isOver({ ...facts, nowMs: facts.clockMinMs })),
	hold_expired: isOver,
	amount_exceeds_hold: (facts) =>
		facts.command.type === "post" && (amountOf(facts) ?? 0) > (targetOf(facts)?.amount ?? 0),
	not_refundable: isNoSale,
	refund_exceeds_sale: (facts) => leftOf(facts) === 0 || (amountOf(facts) ?? 0) > leftOf(facts),
	not_cancellable: isNoPayment,
	// Said of an id that is kept out, and that has no entry.
	cancelled: () => false,
	// Not the ledger's to find out.
	forbidden: () => false,
	own_store: () => false,
	product_unavailable: () => false,
	price_changed: () => false,
	discount_too_large: () => false,
	code_invalid: () => false,
	code_too_early: () => false,
};

const redeemOf = (command: Command) => (command.type === "transfer" ? command.redeem : undefined);

function targetOf({ command, book }: Facts): Transfer | undefined {
	if (command.type === "cancel") return book.transfer(command.targetId as string as TransferId);
	return "transferId" in command ? book.transfer(command.transferId) : undefined;
}

const leftOf = (facts: Facts): number => {
	const target = targetOf(facts);
	return target ? target.amount - target.refunded : 0;
};

/** What the command would move. */
function amountOf(facts: Facts): number | undefined {
	const { command } = facts;
	if (command.type === "cancel") return leftOf(facts);
	if (command.type === "refund") return command.amount ?? leftOf(facts);
	if (command.type === "post") return command.amount ?? targetOf(facts)?.amount;
	return command.type === "transfer" ? command.amount : undefined;
}

/** Between whom the command would move it. */
function sidesOf(facts: Facts): Sides | undefined {
	const { command } = facts;
	if (command.type === "transfer") return command;
	const target = targetOf(facts);
	if (!target || (command.type !== "refund" && command.type !== "cancel")) return target;
	return { kind: "refund", debitAccountId: target.creditAccountId, creditAccountId: target.debitAccountId };
}

function accountsOf(facts: Facts): (Account | undefined)[] {
	const { command, book } = facts;
	if ("accountId" in command) return [book.accounts.get(command.accountId)];
	const sides = sidesOf(facts);
	return sides ? [book.accounts.get(sides.debitAccountId), book.accounts.get(sides.creditAccountId)] : [];
}

function isFrozen(facts: Facts): boolean {
	const [debit, credit] = accountsOf(facts);
	const kind = sidesOf(facts)?.kind;
	if (kind === "adjustment") return false;
	return debit?.state === "frozen" || (credit?.state === "frozen" && kind !== "refund");
}

function isTooMuch(facts: Facts): boolean {
	const [debit] = accountsOf(facts);
	// What a hold posts was taken from what is available when it was made.
	if (!debit || debit.floor === null || facts.command.type === "post") return false;
	const available = debit.creditsPosted - debit.debitsPosted - debit.debitsPending;
	return available - (amountOf(facts) ?? 0) < debit.floor;
}

function isOver(facts: Facts): boolean {
	return facts.nowMs >= (targetOf(facts)?.expiresAtMs ?? Number.POSITIVE_INFINITY);
}

function isNoSale(facts: Facts): boolean {
	if (facts.command.type === "transfer") return facts.command.kind === "refund";
	const target = targetOf(facts);
	return target !== undefined && (target.kind !== "sale" || target.state !== "posted");
}

function isNoPayment({ command, book }: Facts): boolean {
	if (command.type !== "cancel") return false;
	return (
		command.targetId === command.id ||
		(book.entries.has(command.targetId) && !book.transfer(command.targetId as string as TransferId))
	);
}
