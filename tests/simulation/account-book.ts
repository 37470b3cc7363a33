import type { Account, AccountId, AccountState, Counters, Entry, Transfer } from "../../services/credit/model.ts";
import { History } from "./history.ts";
import { must } from "./invariants.ts";

export type Sides = Pick<Transfer, "kind" | "debitAccountId" | "creditAccountId">;
/** How much becomes posted, and by how much what is held changes. */
export type Change = { readonly posted: number; readonly pending: number };

/** Where the accounts of a simulated world stand: what the movements make of them, as against what the log says. */
export class AccountBook {
	readonly #histories = new Map<AccountId, History<Account>>();
	/** What the log says. */
	readonly #stated = new Map<AccountId, Counters>();
	#statedPosted = 0;
	#statedPending = 0;

	get(id: AccountId): Account | undefined {
		return this.#histories.get(id)?.now;
	}
	history(id: AccountId): History<Account> | undefined {
		return this.#histories.get(id);
	}
	all(): Account[] {
		return [...this.#histories.values()].map(({ now }) => now);
	}

	open(account: Account, sequence: number): void {
		must("once", !this.#histories.has(account.id), () => `${account.id} was opened twice`);
		this.#histories.set(account.id, new History());
		this.#put(account, sequence);
	}

	setState(id: AccountId, state: AccountState, sequence: number): void {
		const account = this.#known(id);
		must("states", account.state !== "closed", () => `${id} was closed and is ${state}`);
		must("states", state !== "closed" || isEmpty(account), () => `${id} is closed with credit on it`);
		this.#put({ ...account, state }, sequence);
	}

	/** Moves credit as the entry must have moved it, and holds what it says against that. */
	move(entry: Entry, sides: Sides, { posted, pending }: Change, sequence: number): void {
		const [debit, credit] = [this.#known(sides.debitAccountId), this.#known(sides.creditAccountId)];
		must("asked", debit.id !== credit.id, () => `both sides of ${entry.id} are one account`);
		// What is released is given back whatever became of the accounts.
		if (posted > 0 || pending > 0) mustTakePart(entry, { debit, credit }, sides.kind);
		const { debitsPosted, debitsPending } = debit;
		const { creditsPosted, creditsPending } = credit;
		this.#put({ ...debit, debitsPosted: debitsPosted + posted, debitsPending: debitsPending + pending }, sequence);
		this.#put({ ...credit, creditsPosted: creditsPosted + posted, creditsPending: creditsPending + pending }, sequence);
		for (const counters of entry.counters ?? []) this.#state(counters);
		this.#mustBalance(entry);
		this.#mustStandSo(entry, sides);
		if (posted + pending > 0) this.#mustStayAboveFloor(entry, debit.id);
	}

	#state(counters: Counters): void {
		const [id, debitsPosted, creditsPosted, debitsPending, creditsPending] = counters;
		const [, debitsBefore, creditsBefore, debitHoldsBefore, creditHoldsBefore] = this.#stated.get(id) ?? nothing;
		this.#statedPosted += creditsPosted - debitsPosted - (creditsBefore - debitsBefore);
		this.#statedPending += creditsPending - debitsPending - (creditHoldsBefore - debitHoldsBefore);
		this.#stated.set(id, counters);
	}

	#mustBalance({ id }: Entry): void {
		const sums = `${this.#statedPosted} posted, ${this.#statedPending} held`;
		must("sum", sums === "0 posted, 0 held", () => `after ${id} the sum over all accounts is ${sums}`);
	}

	#mustStandSo({ id, counters }: Entry, { debitAccountId, creditAccountId }: Sides): void {
		must("fold", counters?.length === 2, () => `${id} does not have two sides`);
		for (const [side, accountId] of [debitAccountId, creditAccountId].entries()) {
			const account = this.#known(accountId);
			const stated = counters[side] as Counters;
			must("fold", standsAt(account, stated), () => `${id} says [${stated}], the transfers add up to ${text(account)}`);
			const least = Math.min(...stated.slice(1).map(Number));
			must("fold", least >= 0, () => `${id} says [${stated}]: less than nothing`);
		}
	}

	#mustStayAboveFloor({ id }: Entry, accountId: AccountId): void {
		const { floor, creditsPosted, debitsPosted, debitsPending } = this.#known(accountId);
		const available = creditsPosted - debitsPosted - debitsPending;
		must("floor", floor === null || available >= floor, () => `after ${id} ${accountId} has ${available} available`);
	}

	#known(id: AccountId): Account {
		const account = this.get(id);
		must("asked", account !== undefined, () => `something is booked on ${id}, which was never opened`);
		return account;
	}

	#put(account: Account, sequence: number): void {
		this.#histories.get(account.id)?.put(sequence, account);
	}
}

const nothing = ["", 0, 0, 0, 0] as const;

const text = (value: unknown): string => JSON.stringify(value);

const standsAt = (
	account: Account,
	[id, debitsPosted, creditsPosted, debitsPending, creditsPending]: Counters,
): boolean =>
	account.id === id &&
	account.debitsPosted === debitsPosted &&
	account.creditsPosted === creditsPosted &&
	account.debitsPending === debitsPending &&
	account.creditsPending === creditsPending;

function mustTakePart(
	{ id }: Entry,
	{ debit, credit }: { debit: Account; credit: Account },
	kind: Transfer["kind"],
): void {
	for (const account of [debit, credit]) {
		const isReturn = kind === "refund" && account === credit;
		const mayBeFrozen = isReturn || kind === "adjustment";
		const takesPart = account.state === "open" || (account.state === "frozen" && mayBeFrozen);
		must(
			"states",
			takesPart,
			() => `${id}, of the kind ${kind}, takes part with ${account.id}, which is ${account.state}`,
		);
	}
}

export const isEmpty = (account: Account): boolean =>
	account.creditsPosted === account.debitsPosted && account.creditsPending + account.debitsPending === 0;
