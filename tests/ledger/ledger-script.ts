import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { apply, type Book, decide, type View } from "../../services/credit/ledger.ts";
import {
	type Account,
	type AccountId,
	type AccountKind,
	type AccountState,
	balanceOf,
	type Command,
	type CommandId,
	type Counters,
	type Entry,
	type Jti,
	type Transfer,
	type TransferId,
} from "../../services/credit/model.ts";

// 1. Parts: a book that notices every wrong write, and short ways to write commands.
export type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;

/** Everything that is put in is frozen, so changing it in place throws; an id that gets another entry throws as well. */
export class FrozenBook implements Book {
	readonly accounts = new Map<AccountId, Account>();
	readonly transfers = new Map<TransferId, Transfer>();
	readonly entries = new Map<CommandId, Entry>();
	readonly redeemed = new Set<Jti>();

	account(id: AccountId): Account | undefined {
		return this.accounts.get(id);
	}
	transfer(id: TransferId): Transfer | undefined {
		return this.transfers.get(id);
	}
	entry(id: CommandId): Entry | undefined {
		return this.entries.get(id);
	}
	isRedeemed(jti: Jti): boolean {
		return this.redeemed.has(jti);
	}
	putAccount(account: Account): void {
		this.accounts.set(account.id, deepFrozen(account));
	}
	putTransfer(transfer: Transfer): void {
		this.transfers.set(transfer.id, deepFrozen(transfer));
	}
	putEntry(id: CommandId, entry: Entry): void {
		const before = this.entries.get(id);
		assert.ok(before === undefined || isDeepStrictEqual(before, entry), `${id} got a second entry`);
		this.entries.set(id, deepFrozen(entry));
	}
	putRedeemed(jti: Jti): void {
		this.redeemed.add(jti);
	}

	copy(): FrozenBook {
		const copy = new FrozenBook();
		for (const account of this.accounts.values()) copy.putAccount(account);
		for (const transfer of this.transfers.values()) copy.putTransfer(transfer);
		for (const [id, entry] of this.entries) copy.putEntry(id, entry);
		for (const jti of this.redeemed) copy.putRedeemed(jti);
		return copy;
	}
}

export function deepFrozen<T>(value: T): T {
	if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
	Object.freeze(value);
	for (const inner of Object.values(value)) deepFrozen(inner);
	return value;
}

export const accountId = (id: string) => id as AccountId;

export const transferId = (id: string) => id as TransferId;

export const jti = (id: string) => id as Jti;

export const idOf = (id: string) => ({ id: id as CommandId, fingerprint: `asked ${id}` });

export const FUNDING = "system:funding";

export const T0 = 1_000_000;

type Rest<Type extends Command["type"], Given extends string> = Partial<Omit<Of<Type>, "id" | "type" | Given>>;

export const open = (id: string, kind: AccountKind = "wallet"): Of<"open"> => ({
	...idOf(`open ${id}`),
	type: "open",
	accountId: accountId(id),
	kind,
	owner: `owner of ${id}`,
});

export const pay = (
	id: string,
	sides: { from: string; to: string },
	amount: number,
	rest: Rest<"transfer", "amount"> = {},
): Of<"transfer"> => ({
	...idOf(id),
	type: "transfer",
	kind: "sale",
	debitAccountId: accountId(sides.from),
	creditAccountId: accountId(sides.to),
	amount,
	details: { note: id },
	...rest,
});

/** Whoever was to submit it has refused it. */
export const refuseEarly = ({ id, fingerprint }: Pick<Command, "id" | "fingerprint">): Of<"refuse"> => ({
	...{ id, fingerprint, type: "refuse", kind: "sale", refusal: "price_changed" },
});

export const post = (id: string, target: string, amount?: number): Of<"post"> => ({
	...idOf(id),
	type: "post",
	transferId: transferId(target),
	...(amount !== undefined && { amount }),
});

export const release = (id: string, type: "void" | "expire", target: string): Of<"void"> | Of<"expire"> => ({
	...idOf(id),
	type,
	transferId: transferId(target),
});

export const refund = (id: string, target: string, amount?: number): Of<"refund"> => ({
	...idOf(id),
	type: "refund",
	transferId: transferId(target),
	details: { reason: id },
	...(amount !== undefined && { amount }),
});

export const cancel = (id: string, target: string): Of<"cancel"> => ({
	...idOf(id),
	type: "cancel",
	targetId: target as CommandId,
	details: {},
});

export const setState = (id: string, account: string, state: AccountState): Of<"set-state"> => ({
	...idOf(id),
	type: "set-state",
	accountId: accountId(account),
	state,
	reason: `because ${id}`,
});

export const AB = { from: "wallet:a", to: "wallet:b" };

export const AS = { from: "wallet:a", to: "store:s" };

export const SA = { from: "store:s", to: "wallet:a" };

/** A book with funding, the wallets a (100) and b (0) and the store s (0), made at `T0`. */
export function world(): FrozenBook {
	const book = new FrozenBook();
	const opened = [open(FUNDING, "system"), open("wallet:a"), open("wallet:b"), open("store:s", "store")];
	run(book, [...opened, pay("charge", { from: FUNDING, to: "wallet:a" }, 100, { kind: "charge" })]);
	return book;
}

export function ask(book: Book, command: Command, nowMs = T0): Entry {
	const decision = decide(book, command, nowMs);
	assert.equal(decision.kind, "new", `${command.id} was to be new`);
	const { entry } = decision as Extract<typeof decision, { kind: "new" }>;
	apply(book, entry);
	return entry;
}

export const run = (book: Book, commands: readonly Command[], nowMs = T0): Entry[] =>
	commands.map((command) => ask(book, command, nowMs));

export const account = (book: View, id: string): Account =>
	book.account(accountId(id)) ?? assert.fail(`no account ${id}`);

export const transfer = (book: View, id: string): Transfer =>
	book.transfer(transferId(id)) ?? assert.fail(`no transfer ${id}`);

export const counters = (book: View, id: string): Counters => {
	const { debitsPosted, creditsPosted, debitsPending, creditsPending } = account(book, id);
	return [accountId(id), debitsPosted, creditsPosted, debitsPending, creditsPending];
};

/** What an entry says besides who asked what. */
export const effectsOf = ({ id: _id, type: _type, fingerprint: _fingerprint, kind: _kind, ...effects }: Entry) =>
	effects;

/** Pays out what is there: only what is empty can be closed. */
export function close(book: FrozenBook, id: string): void {
	const balance = balanceOf(account(book, id));
	if (balance > 0) ask(book, pay(`out of ${id}`, { from: id, to: FUNDING }, balance, { kind: "adjustment" }));
	assert.equal(ask(book, setState(`close ${id}`, id, "closed")).refusal, undefined);
}
