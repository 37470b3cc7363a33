import type { Book, View } from "./ledger.ts";
import {
	type Account,
	type AccountId,
	balanceOf,
	type CommandId,
	type Entry,
	type Jti,
	type Transfer,
	type TransferId,
} from "./model.ts";
import { Residents } from "./residents.ts";

/** How many of each stay in memory, per generation (see `Residents`). */
export type ResidentLimits = { readonly accountsMax: number; readonly transfersMax: number };

/** Together some 50 MB, also with receipts of a page. Whoever comes back after them is loaded with one read. */
const usual: ResidentLimits = { accountsMax: 30_000, transfersMax: 5_000 };

/**
 * The durable state as far as it is in memory: a cache of the log. What is not here has not been touched by anything that
 * the read model does not have yet, so it may be loaded from there.
 */
export class ResidentBook implements Book {
	readonly #accounts: Residents<AccountId, Account>;
	readonly #transfers: Residents<TransferId, Transfer>;
	readonly #entries: Residents<CommandId, Entry>;
	readonly #redeemed: Residents<Jti, true>;
	/** Open holds, all of them: they must be found when they expire. */
	readonly holds = new Map<TransferId, Transfer>();
	#held = 0;
	#drift = 0;

	constructor(limits: Partial<ResidentLimits> = {}) {
		const { accountsMax, transfersMax } = { ...usual, ...limits };
		this.#accounts = new Residents(accountsMax);
		this.#transfers = new Residents(transfersMax);
		this.#entries = new Residents(transfersMax);
		this.#redeemed = new Residents(transfersMax);
	}

	account(id: AccountId): Account | undefined {
		return this.#accounts.get(id);
	}
	transfer(id: TransferId): Transfer | undefined {
		return this.#transfers.get(id) ?? this.holds.get(id);
	}
	entry(id: CommandId): Entry | undefined {
		return this.#entries.get(id);
	}
	/** Says no for codes used long ago: the journal's unique index has those. */
	isRedeemed(jti: Jti): boolean {
		return this.#redeemed.get(jti) === true;
	}

	/** The sum of all open holds. */
	get held(): number {
		return this.#held;
	}
	/** What all that was decided here adds up to, see `absorb`. */
	get drift(): number {
		return this.#drift;
	}

	/**
	 * Takes over what was decided here, now that it is durable. Only of that it is known what was before it: an account that was loaded may have
	 * what others decided already, so what they did adds up in their own process.
	 */
	absorb(draft: Draft): void {
		for (const account of draft.accounts()) {
			const before = this.#accounts.get(account.id);
			this.#drift += balanceOf(account) - (before ? balanceOf(before) : 0);
		}
		draft.absorbInto(this);
	}

	putAccount(account: Account): void {
		this.#accounts.set(account.id, account);
	}
	putTransfer(transfer: Transfer): void {
		this.#transfers.set(transfer.id, transfer);
		this.#held -= this.holds.get(transfer.id)?.amount ?? 0;
		if (transfer.state === "pending") this.#held += transfer.amount;
		if (transfer.state === "pending") this.holds.set(transfer.id, transfer);
		else this.holds.delete(transfer.id);
	}
	putEntry(id: CommandId, entry: Entry): void {
		this.#entries.set(id, entry);
	}
	putRedeemed(jti: Jti): void {
		this.#redeemed.set(jti, true);
	}

	/** @see Residents.turn */
	turn(progress: { head: number; watermark: number }): void {
		for (const residents of [this.#accounts, this.#transfers, this.#entries, this.#redeemed]) residents.turn(progress);
	}
}

/** What a group that is not durable yet would make of the book. Absorbed when it is, thrown away when it is not. */
export class Draft implements Book {
	readonly #base: View;
	readonly #accounts = new Map<AccountId, Account>();
	readonly #transfers = new Map<TransferId, Transfer>();
	readonly #entries = new Map<CommandId, Entry>();
	readonly #redeemed = new Set<Jti>();

	constructor(base: View) {
		this.#base = base;
	}

	account(id: AccountId): Account | undefined {
		return this.#accounts.get(id) ?? this.#base.account(id);
	}
	transfer(id: TransferId): Transfer | undefined {
		return this.#transfers.get(id) ?? this.#base.transfer(id);
	}
	entry(id: CommandId): Entry | undefined {
		return this.#entries.get(id) ?? this.#base.entry(id);
	}
	isRedeemed(jti: Jti): boolean {
		return this.#redeemed.has(jti) || this.#base.isRedeemed(jti);
	}

	putAccount(account: Account): void {
		this.#accounts.set(account.id, account);
	}
	putTransfer(transfer: Transfer): void {
		this.#transfers.set(transfer.id, transfer);
	}
	putEntry(id: CommandId, entry: Entry): void {
		this.#entries.set(id, entry);
	}
	putRedeemed(jti: Jti): void {
		this.#redeemed.add(jti);
	}

	/** Those that are not as they are in the book below. */
	accounts(): Iterable<Account> {
		return this.#accounts.values();
	}

	absorbInto(book: Book): void {
		for (const account of this.#accounts.values()) book.putAccount(account);
		for (const transfer of this.#transfers.values()) book.putTransfer(transfer);
		for (const [id, entry] of this.#entries) book.putEntry(id, entry);
		for (const jti of this.#redeemed) book.putRedeemed(jti);
	}
}
