import { emptyHead, entriesOf, type Group, type Head, headOf } from "../../services/credit/journal.ts";
import type { Account, AccountId, Entry, Transfer, TransferId } from "../../services/credit/model.ts";
import { ProjectionQueue, QueuedReadModel } from "../../services/credit/projection-queue.ts";
import {
	HOUR_MS,
	type LookingBack,
	type Place,
	type Posting,
	postingsOf,
	type ReadModel,
	type StatementLine,
	type StatementQuery,
	type Total,
} from "../../services/credit/read-model.ts";

/** What somebody who reads sees of accounts and transfers. */
export type Seen = {
	account(id: AccountId): Account | undefined;
	transfer(id: TransferId): Transfer | undefined;
	pending(): readonly Transfer[];
};

/** What a database would keep of a read model. Several processes may write into one. */
export class ReadModelContent implements Seen {
	readonly isShared: boolean;
	head: Head = emptyHead;
	/** Until then its database does not answer. */
	downUntilMs = 0;
	readonly accounts = new Map<AccountId, Account>();
	readonly transfers = new Map<TransferId, Transfer>();
	readonly #holds = new Map<TransferId, Transfer>();
	readonly postings = new Map<AccountId, Posting[]>();
	/** Told of every group that was written down. */
	onApplied: (group: Group) => void = () => {};

	constructor({ isShared = false } = {}) {
		this.isShared = isShared;
	}

	account(id: AccountId): Account | undefined {
		return this.accounts.get(id);
	}
	transfer(id: TransferId): Transfer | undefined {
		return this.transfers.get(id);
	}
	pending(): readonly Transfer[] {
		return [...this.#holds.values()];
	}

	/** One transaction; a group that it has already is ignored. @throws when it does not follow the last one */
	apply(group: Group): void {
		if (group.sequence <= this.head.sequence) return;
		if (group.sequence !== this.head.sequence + 1 || group.previousHash !== this.head.hash)
			throw new Error(`group ${group.sequence} does not follow ${this.head.sequence}: rebuild the read model`);
		for (const [position, entry] of entriesOf(group).entries()) this.#write(entry, group, position);
		this.head = headOf(group);
		this.onApplied(group);
	}

	#write(entry: Entry, { sequence, committedAtMs: postedAtMs }: Group, position: number): void {
		const { opened, stateSet, created, changed, counters } = entry;
		if (opened) this.accounts.set(opened.id, opened);
		if (stateSet) this.#changeAccount(stateSet.accountId, { state: stateSet.state });
		if (created) this.#putTransfer(created);
		if (changed) this.#putTransfer({ ...(this.transfers.get(changed.id) as Transfer), ...changed });
		for (const [id, debitsPosted, creditsPosted, debitsPending, creditsPending] of counters ?? [])
			this.#changeAccount(id, { debitsPosted, creditsPosted, debitsPending, creditsPending });
		for (const posting of postingsOf(entry))
			this.postingsOf(posting.accountId).push({ ...posting, sequence, position, postedAtMs });
	}

	#changeAccount(id: AccountId, change: Partial<Account>): void {
		this.accounts.set(id, { ...(this.accounts.get(id) as Account), ...change });
	}

	#putTransfer(transfer: Transfer): void {
		this.transfers.set(transfer.id, transfer);
		if (transfer.state === "pending") this.#holds.set(transfer.id, transfer);
		else this.#holds.delete(transfer.id);
	}

	/** Oldest first. */
	postingsOf(id: AccountId): Posting[] {
		const postings = this.postings.get(id) ?? [];
		if (postings.length === 0) this.postings.set(id, postings);
		return postings;
	}

	clear(): void {
		this.head = emptyHead;
		for (const each of [this.accounts, this.transfers, this.#holds, this.postings]) each.clear();
	}
}

export type ReadModelOperation = "write" | "load";

type Options = {
	readonly content?: ReadModelContent;
	/** Takes as long as a database would; around `work`, which is what it does then. May fail before it or after it. */
	readonly io?: <T>(operation: ReadModelOperation, work: (seen: Seen) => T) => Promise<T>;
	readonly limits?: Partial<ConstructorParameters<typeof ProjectionQueue>[0]["limits"]>;
};

const usual = {
	batchGroups: 64,
	batchBytes: 1_000_000,
	gatherMs: 1,
	backlogBytesMax: 1_000_000,
	reachTimeoutMs: 2_000,
};

/** One process's read model in memory: the real queue before it, and what a database would have behind it. */
export class MemoryReadModel extends QueuedReadModel implements ReadModel {
	readonly content: ReadModelContent;
	readonly #io: NonNullable<Options["io"]>;
	protected readonly queue: ProjectionQueue;

	constructor({ content = new ReadModelContent(), io = async (_, work) => work(content), limits }: Options = {}) {
		super();
		this.content = content;
		this.#io = io;
		const write = (groups: readonly Group[]) => this.#write(groups);
		this.queue = new ProjectionQueue({ head: content.head, write, limits: { ...usual, ...limits } });
	}

	#write(groups: readonly Group[]): Promise<Head> {
		return this.#io("write", () => {
			for (const group of groups) this.content.apply(group);
			return this.content.head;
		});
	}

	async clear(): Promise<void> {
		this.content.clear();
		this.queue.restart(emptyHead);
	}
	close(): Promise<void> {
		return this.queue.close();
	}

	accounts(ids: readonly AccountId[]): Promise<readonly Account[]> {
		return this.#io("load", (seen) => ids.flatMap((id) => seen.account(id) ?? []));
	}
	transfers(ids: readonly TransferId[]): Promise<readonly Transfer[]> {
		return this.#io("load", (seen) => ids.flatMap((id) => seen.transfer(id) ?? []));
	}
	holds(): Promise<readonly Transfer[]> {
		return this.#io("load", (seen) => seen.pending());
	}
	refundsOf(id: TransferId, limit: number): Promise<readonly Transfer[]> {
		return this.#io("load", () =>
			[...this.content.transfers.values()].filter(({ reference }) => reference === id).slice(-limit),
		);
	}

	statement({ limit, ...query }: StatementQuery): Promise<readonly StatementLine[]> {
		return this.#io("load", () => this.#lines(query).take(limit).toArray());
	}

	lookBack({ lines, ...query }: LookingBack): Promise<Place | null> {
		return this.#io("load", () => {
			const line = this.#lines(query)
				.drop(lines - 1)
				.next().value;
			return line ? { sequence: line.sequence, position: line.position } : null;
		});
	}

	*#lines(query: Omit<StatementQuery, "limit">): Generator<StatementLine> {
		const { accountId, after, kinds, fromMs = 0, toMs = Number.POSITIVE_INFINITY } = query;
		const postings = this.content.postingsOf(accountId);
		for (let passed = 0; passed < postings.length; passed++) {
			const posting = postings[after ? passed : postings.length - 1 - passed] as Posting;
			const { postedAtMs } = posting;
			if (!isAsked(posting, query)) continue;
			if (postedAtMs < fromMs || postedAtMs >= toMs) continue;
			const line = this.#lineOf(posting);
			if (!kinds || kinds.includes(line.kind)) yield line;
		}
	}

	#lineOf(posting: Posting): StatementLine {
		const transfer = this.content.transfers.get(posting.transferId) as Transfer;
		const { kind, state, refunded, reference, details, debitAccountId, creditAccountId } = transfer;
		const counterpartyId = debitAccountId === posting.accountId ? creditAccountId : debitAccountId;
		return { ...posting, kind, state, refunded, reference, details, counterpartyId };
	}

	totals({ accountId, fromMs, toMs }: { accountId: AccountId; fromMs: number; toMs: number }): Promise<Total[]> {
		return this.#io("load", () => {
			const totals = new Map<string, Total>();
			for (const { kind, amount, postedAtMs } of this.#lines({ accountId, fromMs, toMs })) {
				const side = amount < 0 ? "debit" : "credit";
				const hourMs = postedAtMs - (postedAtMs % HOUR_MS);
				const key = `${hourMs} ${kind} ${side}`;
				const { count, amount: sum } = totals.get(key) ?? { count: 0, amount: 0 };
				totals.set(key, { hourMs, kind, side, count: count + 1, amount: sum + Math.abs(amount) });
			}
			return [...totals.values()];
		});
	}

	everyAccount({ afterId, limit }: { afterId: string; limit: number }): Promise<readonly Account[]> {
		const sorted = () => [...this.content.accounts.values()].sort((left, right) => (left.id < right.id ? -1 : 1));
		return this.#io("load", () =>
			sorted()
				.filter(({ id }) => id > afterId)
				.slice(0, limit),
		);
	}

	count(): Promise<{ transfers: number; postings: number }> {
		return this.#io("load", () => ({
			transfers: this.content.transfers.size,
			postings: [...this.content.postings.values()].reduce((sum, { length }) => sum + length, 0),
		}));
	}
}

const isAsked = (place: Place, { before, downTo, after }: Omit<StatementQuery, "limit">): boolean =>
	(!before || isBefore(place, before)) &&
	(!downTo || !isBefore(place, downTo)) &&
	(!after || (isBefore(after.place, place) && place.sequence <= after.lastSequence));

const isBefore = (left: Place, right: Place): boolean =>
	left.sequence < right.sequence || (left.sequence === right.sequence && left.position < right.position);
