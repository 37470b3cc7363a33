import { setTimeout as sleep } from "node:timers/promises";
import { fail } from "../errors.ts";
import {
	type Appended,
	claimsOf,
	codeClaim,
	emptyHead,
	entriesOf,
	type Group,
	type Head,
	headOf,
	type Journal,
	makeGroup,
} from "./journal.ts";
import { apply, type Decision, decide, needs } from "./ledger.ts";
import type { Account, AccountId, Command, CommandId, Entry, Transfer, TransferId } from "./model.ts";
import { Draft, type ResidentBook } from "./resident-book.ts";

/** Where the book loads from what is not in memory. It may lag behind the log: see `ResidentBook`. */
export interface Loader {
	/** The sequence number up to which everything can be loaded. */
	readonly watermark: number;
	accounts(ids: readonly AccountId[]): Promise<readonly Account[]>;
	transfers(ids: readonly TransferId[]): Promise<readonly Transfer[]>;
	/** Resolves when so little is missing that memory stays bounded. */
	notTooFarBehind(): Promise<void>;
}

export type Receipt =
	/** `replayed`: the same command was decided before, and this is what was decided then. */
	| { readonly entry: Entry; readonly replayed: boolean; readonly sequence: number }
	/** The id belongs to another command. */
	| { readonly entry: null };

export type CommitLimits = {
	/** Commands in one group. */
	readonly groupMax: number;
	/** Characters in one group; a single command may be longer. MongoDB takes 16 MB. */
	readonly bodyMax: number;
	/** Commands that may wait; more are refused at once with `ledger_busy`. */
	readonly queueMax: number;
	/** What has waited longer is not decided any more: whoever asked has given up, and may have asked for something else since. */
	readonly waitMsMax: number;
	/** Commands whose outcome is unknown that are told apart; when there are as many, every one's may be. */
	readonly unknownMax: number;
};

const usual: CommitLimits = {
	groupMax: 1_024,
	bodyMax: 4_000_000,
	queueMax: 16_384,
	// More than a database that does not answer takes to be given up. Only a process that was frozen lets anybody wait as long.
	waitMsMax: 5_000,
	unknownMax: 16_384,
};
/** Read together when others appended. */
const GROUPS_AT_ONCE = 64;
/** How often one group is decided anew before its commands are told that the ledger cannot write. */
const ATTEMPTS_MAX = 100;
/** Between attempts that taught nothing new. */
const PAUSE_MS = 10;

/** What one append took, for whoever measures. Times are milliseconds since 1970. */
export type Written = {
	readonly sequence: number;
	readonly entryCount: number;
	readonly beganAtMs: number;
	readonly tookMs: number;
	/** How long each command had waited when the append began. */
	readonly waitedMs: readonly number[];
	/** Of the commands that it served, as far as they have one. */
	readonly traceIds: readonly string[];
};

export type CommitObserver = {
	readonly written: (written: Written) => void;
	/** A group must be decided anew: another process was faster, or it repeats what is in the log. */
	readonly retried: (why: "conflict" | "duplicate") => void;
};

/** Of whoever submits: wants to know in which group its command was written. */
export type Witness = { readonly traceId: string; readonly saw: (written: Written) => void };

type Waiting = {
	readonly command: Command;
	readonly witness: Witness | undefined;
	readonly sinceMs: number;
	resolve: (receipt: Receipt) => void;
	reject: (error: unknown) => void;
};

export type GroupCommitParts = {
	readonly journal: Journal;
	readonly book: ResidentBook;
	readonly loader: Loader;
	readonly clock: () => number;
	/** Called once for every group that became durable, in order, whoever wrote it. Must not throw. */
	readonly onCommitted: (group: Group, entries: readonly Entry[]) => void;
	/** Called for those that this process wrote, after `onCommitted`. Must not throw. */
	readonly onAppended?: (head: Head, entries: readonly Entry[]) => void;
	/** Told why a group failed; its commands are answered with `ledger_unavailable` or `outcome_unknown`. */
	readonly onFailed: (error: unknown) => void;
	readonly limits?: Partial<CommitLimits>;
	/** Must not throw. */
	readonly observer?: CommitObserver | undefined;
};

/**
 * Turns waiting commands into groups, one append at a time. While one is in flight commands queue, and the next group takes
 * all that wait: the load itself makes the groups, there are no timers.
 *
 * Answers are given only after the append; the book holds only what is durable, so nobody ever reads what may be undone.
 */
export class GroupCommit {
	readonly #parts: GroupCommitParts;
	readonly #limits: CommitLimits;
	#queue: Waiting[] = [];
	/** Taken from the queue, and not answered yet. */
	#underWay: readonly Waiting[] = [];
	#running: Promise<void> | null = null;
	readonly #watchers = new Set<{ sequence: number; resolve: () => void }>();
	/** The book is this old. */
	#head: Head = emptyHead;
	#appended = 0;
	/** So far the log goes, at least: read up to there before deciding. Infinite when that has to be asked. */
	#logEnd = 0;
	/** Of commands whose group may be in the log, or come into it late: until the log has a group with its number. */
	readonly #unknown = { ids: new Set<CommandId>(), sequence: 0 };

	constructor(parts: GroupCommitParts) {
		this.#parts = parts;
		this.#limits = { ...usual, ...parts.limits };
	}

	get head(): Head {
		return this.#head;
	}

	/** Groups that this process wrote. */
	get appended(): number {
		return this.#appended;
	}

	get waiting(): number {
		return this.#queue.length;
	}

	/** Takes up the log where the read model ends; the book holds nothing older. @throws when that is not in the log */
	async start(from: Head): Promise<void> {
		const [group] =
			from.sequence === 0 ? [] : await this.#parts.journal.read({ fromSequence: from.sequence, groupsMax: 1 });
		if (from.sequence > 0 && group?.hash !== from.hash) throw new Error(`group ${from.sequence} is not in this log`);
		this.#head = from;
		// As far as it goes now: while others append, it never ends.
		this.#logEnd = (await this.#parts.journal.head()).sequence;
		await this.#catchUp();
	}

	/** The log has this group, says who appended it: reads what is missing here, in the background. */
	follow(sequence: number): void {
		if (this.#head.sequence >= sequence) return;
		this.#logEnd = Math.max(this.#logEnd, sequence);
		this.#running ??= this.#run();
	}

	/** Resolves when the book has this group, which the log has. @throws ledger_unavailable */
	async reached(sequence: number): Promise<void> {
		const watcher = { sequence, resolve: () => {} };
		const caughtUp = new Promise<void>((resolve) => {
			watcher.resolve = resolve;
		});
		this.#watchers.add(watcher);
		try {
			for (let attempt = 0; attempt < 3 && this.#head.sequence < sequence; attempt++) {
				this.follow(sequence);
				await Promise.race([caughtUp, this.#running]);
			}
		} finally {
			this.#watchers.delete(watcher);
		}
		if (this.#head.sequence < sequence) throw fail("ledger_unavailable");
	}

	/** Resolves when the command's outcome is durable. @throws ledger_busy, ledger_unavailable, outcome_unknown */
	submit(command: Command, witness?: Witness): Promise<Receipt> {
		if (this.#queue.length >= this.#limits.queueMax) {
			return Promise.reject(fail("ledger_busy", undefined, { retryAfterS: 1 }));
		}
		return new Promise((resolve, reject) => {
			this.#queue.push({ command, witness, sinceMs: performance.now(), resolve, reject });
			this.#running ??= this.#run();
		});
	}

	/** What becomes of a command with this id that waits or is in flight here. @throws as `submit`; undefined when there is none */
	submitted(id: CommandId): Promise<Receipt> | undefined {
		const waiting = [...this.#underWay, ...this.#queue].find(({ command }) => command.id === id);
		if (!waiting) return undefined;
		const { resolve, reject } = waiting;
		return new Promise((heard, failed) => {
			waiting.resolve = (receipt) => {
				resolve(receipt);
				heard(receipt);
			};
			waiting.reject = (error) => {
				reject(error);
				failed(error);
			};
		});
	}

	/** Resolves when nothing waits or is in flight any more. */
	async drain(): Promise<void> {
		while (this.#running) await this.#running;
	}

	async #run(): Promise<void> {
		while (this.#queue.length > 0 || this.#isBehind) {
			// Whoever is ready in this turn of the event loop gets into the group.
			await nextTurn();
			const batch = this.#queue.splice(0, this.#limits.groupMax);
			this.#underWay = batch;
			try {
				await this.#catchUp();
				// Before anything is appended: a read model that cannot be written must not fall behind without end.
				await this.#parts.loader.notTooFarBehind();
				if (batch.length > 0) await this.#commit(batch);
			} catch (error) {
				this.#fail(batch, error);
				// Nobody waits, all were told: the next command tries again.
				if (batch.length === 0) break;
			}
		}
		this.#running = null;
	}

	get #isBehind(): boolean {
		return this.#head.sequence < this.#logEnd;
	}

	#settle(batch: readonly Waiting[], decisions: readonly Decision[]): void {
		this.#underWay = [];
		settle(batch, decisions, this.#head);
	}

	#fail(batch: readonly Waiting[], error: unknown): void {
		this.#underWay = [];
		this.#logEnd = Number.POSITIVE_INFINITY;
		this.#parts.onFailed(error);
		if (error instanceof UnknownOutcome) this.#remember(batch);
		// Whoever came meanwhile has waited as long, and was not sent: they would only wait once more for the same store.
		for (const each of [...batch, ...this.#queue.splice(0)]) this.#refuse(each);
	}

	#remember(batch: readonly Waiting[]): void {
		const { ids } = this.#unknown;
		this.#unknown.sequence = this.#head.sequence + 1;
		for (const { command } of batch) if (ids.size < this.#limits.unknownMax) ids.add(command.id);
	}

	/** By an attempt before: of its repetition nobody may say that it is not, also when that was not sent itself. */
	#mayBeBooked({ id }: Command): boolean {
		const { ids } = this.#unknown;
		return ids.has(id) || ids.size >= this.#limits.unknownMax || this.#parts.book.entry(id) !== undefined;
	}

	async #commit(batch: Waiting[]): Promise<void> {
		const { book, clock } = this.#parts;
		for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
			if (batch.some(({ command }) => this.#lacks(command))) await this.#load(batch);
			this.#refuseLate(batch);
			const draft = new Draft(book);
			const clockMs = clock();
			// The log's time never runs backwards, whatever the clock does.
			const nowMs = Math.max(clockMs, this.#head.committedAtMs);
			const { decisions, entries } = decideAll(draft, batch, { nowMs, clockMs });
			if (entries.length === 0) return this.#settle(batch, decisions);
			const group = makeGroup({ lane: 0, previous: this.#head, nowMs, entries });
			if (group.body.length > this.#limits.bodyMax && batch.length > 1) {
				this.#queue.unshift(...batch.splice(Math.ceil(batch.length / 2)));
				continue;
			}
			const beganAtMs = performance.now();
			const appended = await this.#append(group, entries.flatMap(claimsOf));
			if (appended.result === "appended") {
				book.absorb(draft);
				this.#committed(group, entries);
				this.#appended++;
				// First the answers: whatever fails in telling others, it is booked.
				this.#settle(batch, decisions);
				this.#parts.onAppended?.(this.#head, entries);
				this.#observe(batch, entries.length, beganAtMs);
				return;
			}
			this.#parts.observer?.retried(appended.result);
			await this.#learn(appended);
		}
		throw new Error(`a group was decided ${ATTEMPTS_MAX} times and could not be appended`);
	}

	#refuseLate(batch: Waiting[]): void {
		const beganAtMs = performance.now() - this.#limits.waitMsMax;
		const { late = [], inTime = [] } = Object.groupBy(batch.splice(0), ({ sinceMs }) =>
			sinceMs < beganAtMs ? "late" : "inTime",
		);
		batch.push(...inTime);
		for (const each of late) this.#refuse(each);
	}

	#refuse({ command, reject }: Waiting): void {
		reject(fail(this.#mayBeBooked(command) ? "outcome_unknown" : "ledger_unavailable"));
	}

	#observe(batch: readonly Waiting[], entryCount: number, beganAtMs: number): void {
		const { observer } = this.#parts;
		const witnesses = batch.flatMap(({ witness }) => witness ?? []);
		if (!observer && witnesses.length === 0) return;
		const written = {
			sequence: this.#head.sequence,
			entryCount,
			beganAtMs: performance.timeOrigin + beganAtMs,
			tookMs: performance.now() - beganAtMs,
			waitedMs: batch.map(({ sinceMs }) => beganAtMs - sinceMs),
			traceIds: witnesses.map(({ traceId }) => traceId),
		};
		observer?.written(written);
		for (const { saw } of witnesses) saw(written);
	}

	async #append(group: Group, claims: readonly string[]): Promise<Appended> {
		try {
			return await this.#parts.journal.append(group, claims);
		} catch (error) {
			if ((error as { type?: unknown }).type === "ledger_unavailable") throw error;
			throw new UnknownOutcome("an append neither failed nor succeeded", { cause: error });
		}
	}

	#committed(group: Group, entries: readonly Entry[]): void {
		this.#head = headOf(group);
		// Whichever group it is, no other one gets this number any more: what is booked is in the book.
		if (group.sequence >= this.#unknown.sequence) this.#unknown.ids.clear();
		for (const { sequence, resolve } of this.#watchers) if (sequence <= group.sequence) resolve();
		this.#parts.onCommitted(group, entries);
		this.#parts.book.turn({ head: group.sequence, watermark: this.#parts.loader.watermark });
	}

	/** Why the group could not be appended is in the log: reads it there. */
	async #learn(appended: Exclude<Appended, { result: "appended" }>): Promise<void> {
		if (appended.result === "duplicate") return this.#recall(appended.claims);
		const { sequence } = this.#head;
		this.#logEnd = Number.POSITIVE_INFINITY;
		await this.#catchUp();
		// The other writer's group may not be readable for everyone yet.
		if (this.#head.sequence === sequence) await sleep(PAUSE_MS);
	}

	/** Puts old entries, of which only the journal knew, back into the book, so that their repetition is seen as one. */
	async #recall(claims: readonly string[]): Promise<void> {
		const { journal, book } = this.#parts;
		for (const [claim, sequence] of await journal.find(claims)) {
			const [group] = await journal.read({ fromSequence: sequence, groupsMax: 1 });
			for (const entry of group ? entriesOf(group) : []) {
				if (entry.id === claim || entry.tombstone === claim) book.putEntry(claim as Entry["id"], entry);
				if (entry.redeemed && codeClaim(entry.redeemed.jti) === claim) book.putRedeemed(entry.redeemed.jti);
			}
		}
	}

	/** Reads what other writers appended, or what an append of ours with an unknown outcome left. */
	async #catchUp(): Promise<void> {
		const { journal, book, loader } = this.#parts;
		while (this.#isBehind) {
			// As before an append: what was read is not forgotten before the read model has it, and one that cannot be written must not fall behind
			// without end, however often this is tried.
			await loader.notTooFarBehind();
			const groupsMax = Math.min(this.#logEnd - this.#head.sequence, GROUPS_AT_ONCE);
			const groups = await journal.read({ fromSequence: this.#head.sequence + 1, groupsMax });
			for (const group of groups) {
				if (group.previousHash !== this.#head.hash)
					throw new Error(`the log is not a chain at group ${group.sequence}`);
				const entries = entriesOf(group);
				await this.#loadTouched(entries);
				for (const entry of entries) apply(book, entry);
				this.#committed(group, entries);
			}
			if (groups.length === 0) this.#logEnd = this.#head.sequence;
		}
	}

	#lacks(command: Command): boolean {
		const { book } = this.#parts;
		const { accounts, transfers } = needs(book, command);
		return accounts.some((id) => !book.account(id)) || transfers.some((id) => !book.transfer(id));
	}

	async #load(batch: readonly Waiting[]): Promise<void> {
		const commands = batch.map(({ command }) => command);
		await this.#loadTransfers(commands.flatMap((command) => needs(this.#parts.book, command).transfers));
		await this.#loadAccounts(commands.flatMap((command) => needs(this.#parts.book, command).accounts));
	}

	/** What another writer's entries change must be in the book before they are applied. */
	async #loadTouched(entries: readonly Entry[]): Promise<void> {
		await this.#loadTransfers(entries.flatMap(({ changed }) => changed?.id ?? []));
		await this.#loadAccounts(
			entries.flatMap(({ counters, stateSet }) => [
				...(counters ?? []).map(([id]) => id),
				...(stateSet ? [stateSet.accountId] : []),
			]),
		);
	}

	async #loadTransfers(ids: readonly TransferId[]): Promise<void> {
		const { book, loader } = this.#parts;
		const missing = [...new Set(ids)].filter((id) => !book.transfer(id));
		if (missing.length > 0) for (const transfer of await loader.transfers(missing)) book.putTransfer(transfer);
	}

	async #loadAccounts(ids: readonly AccountId[]): Promise<void> {
		const { book, loader } = this.#parts;
		const missing = [...new Set(ids)].filter((id) => !book.account(id));
		if (missing.length > 0) for (const account of await loader.accounts(missing)) book.putAccount(account);
	}
}

/** Only the journal knows whether the group is in the log, and it does not answer. */
export class UnknownOutcome extends Error {}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

type Times = { readonly nowMs: number; readonly clockMs: number };

function decideAll(draft: Draft, batch: readonly Waiting[], { nowMs, clockMs }: Times) {
	const entries: Entry[] = [];
	const decisions: Decision[] = [];
	for (const { command } of batch) {
		const decision = decide(draft, command, nowMs, clockMs);
		decisions.push(decision);
		if (decision.kind !== "new") continue;
		apply(draft, decision.entry);
		entries.push(decision.entry);
	}
	return { decisions, entries };
}

function settle(batch: readonly Waiting[], decisions: readonly Decision[], { sequence }: Head): void {
	for (const [index, { resolve }] of batch.entries()) {
		const decision = decisions[index] as Decision;
		resolve(
			decision.kind === "reused"
				? { entry: null }
				: { entry: decision.entry, replayed: decision.kind === "replay", sequence },
		);
	}
}
