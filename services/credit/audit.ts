import { replayDiffers } from "./audit-replay.ts";
import { Scratch } from "./audit-scratch.ts";
import { emptyHead, entriesOf, type Group, type Head, hashOf, headOf } from "./journal.ts";
import type { View } from "./ledger.ts";
import type { Account, AccountId, Counters, Entry, Refusal, Transfer } from "./model.ts";

/** The first thing that is wrong, and where. */
export type Discrepancy = { readonly sequence: number; readonly position: number | null; readonly what: string };

/**
 * Checks the log from its first group on, twice: by rules written a second time on purpose (what `decide` and `apply` have in
 * common with each other they do not have in common with this), and by asking `decide` again.
 *
 * Give it every group in order; stop at the first discrepancy, since all that follows may only be its consequence. What it must
 * remember lies in a scratch file, so that its memory does not grow with the log: close it.
 */
export class Auditor {
	#head: Head = emptyHead;
	readonly scratch = new Scratch();
	readonly accounts = this.scratch.map<Account>();
	/** Without their receipts, which nothing here asks for; the hash covers them. */
	readonly transfers = this.scratch.map<Transfer>();
	readonly #claims = this.scratch.set();
	/** What stands before an entry; that its id and code are new was checked. */
	readonly #view: View = {
		account: (id) => this.accounts.get(id),
		transfer: (id) => this.transfers.get(id),
		entry: () => undefined,
		isRedeemed: () => false,
	};
	entries = 0;
	refused = 0;

	get head(): Head {
		return this.#head;
	}

	check(group: Group): Discrepancy | null {
		const broken = this.#brokenChain(group);
		if (broken) return { sequence: group.sequence, position: null, what: broken };
		for (const [position, entry] of entriesOf(group).entries()) {
			const what = this.#wrong(entry, group.committedAtMs);
			if (what) return { sequence: group.sequence, position, what: `${entry.type} ${entry.id}: ${what}` };
		}
		this.#head = headOf(group);
		return null;
	}

	close(): void {
		this.scratch.close();
	}

	/** What the whole must satisfy once every group was checked. */
	finish(): Discrepancy | null {
		let balances = 0;
		let pending = 0;
		for (const [, account] of this.accounts) {
			balances += account.creditsPosted - account.debitsPosted;
			pending += account.creditsPending - account.debitsPending;
		}
		if (balances !== 0 || pending !== 0) {
			return this.#atEnd(`the sum over all accounts is ${balances} posted and ${pending} pending, not 0`);
		}
		return null;
	}

	/** Compares an account of the read model with the log. */
	compare(account: Account): Discrepancy | null {
		const truth = this.accounts.get(account.id);
		if (!truth) return this.#atEnd(`the read model has account ${account.id}, the log has not`);
		for (const field of Object.keys(truth) as (keyof Account)[]) {
			if (truth[field] === account[field]) continue;
			return this.#atEnd(`the read model has ${field} = ${account[field]} for ${account.id}, the log ${truth[field]}`);
		}
		return null;
	}

	#atEnd(what: string): Discrepancy {
		return { sequence: this.#head.sequence, position: null, what };
	}

	#brokenChain(group: Group): string | null {
		if (group.sequence !== this.#head.sequence + 1) return `group ${this.#head.sequence + 1} is missing`;
		if (group.previousHash !== this.#head.hash) return "the group does not follow the one before it";
		if (group.hash !== hashOf(group)) return "the group's content is not what was hashed";
		if (group.committedAtMs < this.#head.committedAtMs) return "time runs backwards";
		return null;
	}

	#wrong(entry: Entry, atMs: number): string | null {
		this.entries++;
		const claimed = this.#claimTwice(entry);
		if (claimed) return claimed;
		if (entry.refusal) return this.#wrongRefusal(entry, atMs);
		// Asked now, while everything stands as it did; what is found by hand says more, so that comes first.
		const differs = replayDiffers(this.#view, entry, atMs, this.#clockAt(atMs));
		return this.#wrongEffect(entry, atMs) ?? differs;
	}

	/**
	 * What the clock said by which a group of this time was decided. Null where that is not known: a group that is no later than the one
	 * before it has that one's time, and its clock may have been behind.
	 */
	#clockAt(atMs: number): number | null {
		return atMs > this.#head.committedAtMs ? atMs : null;
	}

	#wrongEffect(entry: Entry, atMs: number): string | null {
		if (entry.opened) return this.#wrongOpening(entry.opened);
		if (entry.stateSet) return this.#wrongState(entry.stateSet);
		return this.#wrongMovement(entry, atMs);
	}

	#claimTwice({ id, tombstone, redeemed }: Entry): string | null {
		for (const claim of [id, tombstone, redeemed && `code:${redeemed.jti}`]) {
			if (claim !== undefined && !this.#claims.add(claim)) return `${claim} was there before`;
		}
		return null;
	}

	#wrongRefusal(entry: Entry, atMs: number): string | null {
		this.refused++;
		const { opened, stateSet, created, changed, counters, tombstone } = entry;
		const effect = opened ?? stateSet ?? created ?? changed ?? counters ?? tombstone;
		return effect === undefined ? wrongRedemption(entry, this.#clockAt(atMs)) : "it was refused and has an effect";
	}

	#wrongOpening(account: Account): string | null {
		if (this.accounts.has(account.id)) return "the account exists";
		const { debitsPosted, creditsPosted, debitsPending, creditsPending } = account;
		if (debitsPosted || creditsPosted || debitsPending || creditsPending)
			return "an account starts with something in it";
		if (account.floor !== (account.kind === "system" ? null : 0)) return `the floor is ${account.floor}`;
		this.accounts.add(account);
		return null;
	}

	#wrongState({ accountId, state }: NonNullable<Entry["stateSet"]>): string | null {
		const account = this.accounts.get(accountId);
		if (!account) return "there is no such account";
		this.accounts.set({ ...account, state });
		return null;
	}

	#wrongMovement(entry: Entry, atMs: number): string | null {
		const { created, changed, counters } = entry;
		if (!created && !changed) return counters ? "counters change without a transfer" : null;
		const before = changed && this.transfers.get(changed.id);
		if (changed && !before) return `there is no transfer ${changed.id}`;
		const wrong = this.#wrongTransfer(entry, before, atMs);
		if (wrong) return wrong;
		const sides = created ?? (before as Transfer);
		const effect = effectOf(entry, before);
		const moved = this.#wrongCounters(counters ?? [], sides, effect);
		if (moved) return moved;
		if (created) this.transfers.add({ ...created, details: {} });
		if (before && changed) {
			const { state, amount, refunded } = changed;
			this.transfers.set({ ...before, state, amount, refunded });
		}
		return null;
	}

	#wrongTransfer({ id, created, changed }: Entry, before: Transfer | undefined, atMs: number): string | null {
		if (created && (created.id as string) !== id) return "the transfer has another id than its command";
		if (created && (created.amount < 1 || !Number.isSafeInteger(created.amount)))
			return `the amount is ${created.amount}`;
		if (created && created.createdAtMs !== atMs) return "the transfer's time is not its group's";
		if (created?.kind === "refund") return wrongRefund(created, before, changed);
		if (!changed || !before) return null;
		if (before.state !== "pending" || changed.state === "pending") return `${before.state} became ${changed.state}`;
		return changed.amount > before.amount ? "more was posted than was held" : null;
	}

	#wrongCounters(counters: readonly Counters[], sides: Sides, effect: Effect): string | null {
		const [debit, credit, more] = counters;
		if (!debit || !credit || more) return "it does not have one debit and one credit side";
		if (debit[0] !== sides.debitAccountId || credit[0] !== sides.creditAccountId)
			return "other accounts changed than the transfer's";
		return (
			this.#wrongSide(debit, [effect.posted, 0, effect.pending, 0]) ??
			this.#wrongSide(credit, [0, effect.posted, 0, effect.pending]) ??
			this.#belowFloor(debit[0], effect)
		);
	}

	#wrongSide([id, ...after]: Counters, change: readonly number[]): string | null {
		const account = this.accounts.get(id);
		if (!account) return `there is no account ${id}`;
		const before = [account.debitsPosted, account.creditsPosted, account.debitsPending, account.creditsPending];
		for (const [index, value] of after.entries()) {
			const expected = (before[index] as number) + (change[index] as number);
			if (value !== expected) return `${id} stands at [${after}], it should be [${before}] plus [${change}]`;
			if (value < 0) return `${id} has a negative counter`;
		}
		const [debitsPosted, creditsPosted, debitsPending, creditsPending] = after as [number, number, number, number];
		this.accounts.set({ ...account, debitsPosted, creditsPosted, debitsPending, creditsPending });
		return null;
	}

	#belowFloor(id: AccountId, { posted, pending }: Effect): string | null {
		const { floor, creditsPosted, debitsPosted, debitsPending } = this.accounts.get(id) as Account;
		const available = creditsPosted - debitsPosted - debitsPending;
		return posted + pending > 0 && floor !== null && available < floor
			? `${id} has ${available} left, below ${floor}`
			: null;
	}
}

/** A code that was not looked at is not used up; neither is one that could not be used any more. */
const KEEPS_CODE: ReadonlySet<Refusal | undefined> = new Set(["deadline_exceeded", "code_used", "code_expired"]);

/** A payment that is refused uses its code up as well; nothing else that is refused has one. */
function wrongRedemption({ type, refusal, redeemed }: Entry, clockMs: number | null): string | null {
	if (!redeemed) return null;
	if (type !== "transfer" || KEEPS_CODE.has(refusal)) return `it uses up the code ${redeemed.jti} without a payment`;
	return clockMs !== null && redeemed.expiresAtMs <= clockMs ? `the code ${redeemed.jti} had expired` : null;
}

type Sides = Pick<Transfer, "debitAccountId" | "creditAccountId">;
type Effect = { readonly posted: number; readonly pending: number };

/** What an entry must do to the debit side's debits and the credit side's credits. */
function effectOf({ created, changed }: Entry, before: Transfer | undefined): Effect {
	if (created)
		return created.state === "pending"
			? { posted: 0, pending: created.amount }
			: { posted: created.amount, pending: 0 };
	const held = before?.amount ?? 0;
	return { posted: changed?.state === "posted" ? changed.amount : 0, pending: -held };
}

function wrongRefund(refund: Transfer, sale: Transfer | undefined, changed: Entry["changed"]): string | null {
	if (!sale || !changed || refund.reference !== sale.id) return "a refund without its sale";
	if (sale.kind !== "sale" || sale.state !== "posted") return `a refund of a ${sale.state} ${sale.kind}`;
	const { debitAccountId, creditAccountId } = refund;
	if (debitAccountId !== sale.creditAccountId || creditAccountId !== sale.debitAccountId)
		return "a refund between other accounts";
	if (changed.refunded !== sale.refunded + refund.amount) return "the refunds do not add up";
	if (changed.refunded > sale.amount) return `${changed.refunded} of ${sale.amount} was refunded`;
	return changed.state === sale.state && changed.amount === sale.amount
		? null
		: "a refund changed more than the refunded sum";
}
