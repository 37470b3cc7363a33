import { fail } from "../errors.ts";
import { type CommitLimits, type CommitObserver, GroupCommit, type Receipt, type Witness } from "./group-commit.ts";
import { entriesOf, type Group, type Head, type Journal } from "./journal.ts";
import type { Account, AccountId, Command, CommandId, Entry, Transfer, TransferId, TransferKind } from "./model.ts";
import type { ReadModel } from "./read-model.ts";
import { ResidentBook } from "./resident-book.ts";

const CATCH_UP_GROUPS = 256;
/** So many holds that end at once leave room for payments in the queue; the rest is for the next second. */
const EXPIRIES_AT_ONCE = 2_000;

export type LedgerParts = {
	readonly journal: Journal;
	readonly readModel: ReadModel;
	readonly clock?: () => number;
	/** What stays in memory. */
	readonly book?: ResidentBook;
	readonly limits?: Partial<CommitLimits>;
	readonly onCommitted?: (group: Group, entries: readonly Entry[]) => void;
	/** Told how far the log goes when this process has made it longer, and by what, so that the others can `follow`. */
	readonly onAppended?: (head: Head, entries: readonly Entry[]) => void;
	readonly onFailed?: (error: unknown) => void;
	readonly observer?: CommitObserver | undefined;
};

/** Of a kind, and of the account that they keep it from. */
export type AskedHolds = { readonly kind?: TransferKind | undefined; readonly accountId?: string | undefined };

/** What became of an id. */
export type Outcome = { readonly state: "applied" | "refused" | "not_seen"; readonly entry: Entry | null };

/** The ledger at work: the core, the group commit, the journal and the read model put together. */
export class RunningLedger {
	readonly journal: Journal;
	readonly readModel: ReadModel;
	readonly #book: ResidentBook;
	readonly #commit: GroupCommit;
	readonly #clock: () => number;
	#sequenceBefore = 0;
	#expiring: Promise<void> | null = null;
	#looking: Promise<void> | null = null;
	#lookingNext: Promise<void> | null = null;

	private constructor(parts: LedgerParts) {
		this.journal = parts.journal;
		this.readModel = parts.readModel;
		this.#clock = parts.clock ?? Date.now;
		this.#book = parts.book ?? new ResidentBook();
		this.#commit = new GroupCommit({
			journal: parts.journal,
			loader: parts.readModel,
			book: this.#book,
			clock: this.#clock,
			limits: parts.limits ?? {},
			observer: parts.observer,
			onFailed: parts.onFailed ?? (() => {}),
			onAppended: parts.onAppended ?? (() => {}),
			onCommitted: (group, entries) => {
				this.readModel.project(group);
				parts.onCommitted?.(group, entries);
			},
		});
	}

	/** Brings the read model up to the log's end, whatever its age, then the book; the ledger can be asked when this resolves. */
	static async open(parts: LedgerParts): Promise<RunningLedger> {
		const ledger = new RunningLedger(parts);
		await ledger.#catchUpReadModel();
		for (const hold of await parts.readModel.holds()) ledger.#book.putTransfer(hold);
		await ledger.#commit.start(parts.readModel.head);
		return ledger;
	}

	async #catchUpReadModel(): Promise<void> {
		if (!(await this.#isOfThisLog(this.readModel.head))) await this.readModel.clear();
		let next = this.readModel.head.sequence + 1;
		// Not as long as there are more: while others append there always are.
		const { sequence: end } = await this.journal.head();
		while (next <= end) {
			const groups = await this.journal.read({ fromSequence: next, groupsMax: CATCH_UP_GROUPS });
			const last = groups.at(-1);
			if (!last) break;
			for (const group of groups) this.readModel.project(group);
			await this.readModel.notTooFarBehind();
			next = last.sequence + 1;
		}
		await this.readModel.drained();
	}

	/** A read model may have been left behind by another log, or be ahead of one that was restored. */
	async #isOfThisLog({ sequence, hash }: Head): Promise<boolean> {
		if (sequence === 0) return true;
		const [group] = await this.journal.read({ fromSequence: sequence, groupsMax: 1 });
		return group?.hash === hash;
	}

	get sequence(): number {
		return this.#commit.head.sequence;
	}
	/** Groups that this process wrote since it started. */
	get appended(): number {
		return this.#commit.appended;
	}
	get waiting(): number {
		return this.#commit.waiting;
	}
	/** How old the log is of which the read model does not know yet, and how many groups that is. */
	get readModelLag(): { readonly groups: number; readonly ms: number } {
		const [log, { head: known }] = [this.#commit.head, this.readModel];
		const groups = Math.max(0, log.sequence - known.sequence);
		return { groups, ms: groups === 0 ? 0 : Math.max(0, log.committedAtMs - known.committedAtMs) };
	}
	/** What open holds keep from their wallets. */
	get held(): number {
		return this.#book.held;
	}
	/** The open holds, oldest first. */
	holds({ kind, accountId }: AskedHolds): readonly Transfer[] {
		return [...this.#book.holds.values()]
			.filter((hold) => kind === undefined || hold.kind === kind)
			.filter((hold) => accountId === undefined || hold.debitAccountId === accountId)
			.sort((left, right) => left.createdAtMs - right.createdAtMs);
	}
	/** What all that was booked since this process started adds up to, over all accounts: 0, or credit was made or lost. */
	get drift(): number {
		return this.#book.drift;
	}

	/** The log goes as far as this, says another process: this one reads what it lacks, and so stays ready to take over. */
	follow(sequence: number): void {
		this.#commit.follow(sequence);
	}

	/**
	 * To be called every second: looks whether others appended, in case nobody said so. Whoever appends by itself need not ask, a
	 * conflict would tell.
	 */
	lookForMore(): void {
		const { sequence } = this;
		if (sequence === this.#sequenceBefore) this.follow(sequence + 1);
		this.#sequenceBefore = sequence;
	}

	/**
	 * Resolves when this process knows everything that any process had acknowledged to anybody when this was called, so that whoever has paid
	 * through one of them sees it at all of them. Those who ask together ask the log once.
	 *
	 * @throws ledger_unavailable, service_unavailable
	 */
	latest(): Promise<void> {
		if (!this.journal.isShared) return Promise.resolve();
		if (!this.#looking) {
			this.#looking = this.#look().finally(() => {
				this.#looking = null;
			});
			return this.#looking;
		}
		// The one that is under way may have looked before this was called. If it fails, the log does not answer: nobody waits twice for that.
		this.#lookingNext ??= this.#looking
			.finally(() => {
				this.#lookingNext = null;
			})
			.then(() => this.latest());
		return this.#lookingNext;
	}

	async #look(): Promise<void> {
		const { sequence } = await this.journal.head();
		await this.#commit.reached(sequence);
	}

	/** Resolves when the book and the read model have this group, which the log has. @throws ledger_unavailable, read_model_behind */
	async reached(sequence: number): Promise<void> {
		await this.#commit.reached(sequence);
		await this.readModel.reached(sequence);
	}

	/** @throws idempotency_key_reused, the code of a refusal, ledger_busy, ledger_unavailable, outcome_unknown */
	async submit(command: Command, witness?: Witness): Promise<Receipt & { entry: Entry }> {
		const receipt = await this.#commit.submit(command, witness);
		if (!receipt.entry) throw fail("idempotency_key_reused");
		return receipt;
	}

	/** The account as this process knows it, see `latest`; whether it is frozen may be newer than what it holds. */
	async account(id: AccountId): Promise<Account | undefined> {
		return this.#book.account(id) ?? (await this.readModel.accounts([id]))[0];
	}

	async transfer(id: TransferId): Promise<Transfer | undefined> {
		return this.#book.transfer(id) ?? (await this.readModel.transfers([id]))[0];
	}

	/**
	 * As `outcome`, also of a command that waits or is in flight: whoever is told "not seen" may act on it.
	 *
	 * @throws outcome_unknown, ledger_unavailable, ledger_busy: what that command is answered
	 */
	async settled(id: CommandId): Promise<Outcome> {
		await this.#commit.submitted(id);
		await this.latest();
		return this.outcome(id);
	}

	async outcome(id: CommandId): Promise<Outcome> {
		const entry = this.#book.entry(id) ?? (await this.#recorded(id));
		if (!entry) return { state: "not_seen", entry: null };
		return { state: entry.refusal || entry.tombstone === id ? "refused" : "applied", entry };
	}

	async #recorded(id: CommandId): Promise<Entry | undefined> {
		const sequence = (await this.journal.find([id])).get(id);
		if (sequence === undefined) return undefined;
		// What is said about its transfer and accounts must be as new as what is said about it.
		await this.#commit.reached(sequence);
		const [group] = await this.journal.read({ fromSequence: sequence, groupsMax: 1 });
		// It is in the log: whoever heard "not seen" now would pay twice.
		if (group?.sequence !== sequence) throw fail("ledger_unavailable");
		return entriesOf(group).find((entry) => entry.id === id || entry.tombstone === id);
	}

	/**
	 * Ends the holds whose time is over. Any process may do it: within a second the command's id is the same everywhere. The next
	 * second has another one, because an expiry that was found too early, the clock being put back meanwhile, stays refused.
	 */
	expireHolds(): Promise<void> {
		// While some wait for the log, the same ones again would only take the places of payments.
		this.#expiring ??= this.#expire().finally(() => {
			this.#expiring = null;
		});
		return this.#expiring;
	}

	async #expire(): Promise<void> {
		const nowMs = this.#clock();
		const second = Math.floor(nowMs / 1_000);
		const late = [...this.#book.holds.values()]
			.filter(({ expiresAtMs }) => expiresAtMs !== null && expiresAtMs <= nowMs)
			.slice(0, EXPIRIES_AT_ONCE);
		const expiries = late.map(({ id: transferId }) => {
			const id = `system.expire:${second}:${transferId}` as CommandId;
			return this.#commit.submit({ type: "expire", id, fingerprint: "", transferId });
		});
		const failed = (await Promise.allSettled(expiries)).find(({ status }) => status === "rejected");
		if (failed) throw (failed as PromiseRejectedResult).reason;
	}

	async close(): Promise<void> {
		await this.#commit.drain();
		await this.readModel.close();
		await this.journal.close();
	}
}
