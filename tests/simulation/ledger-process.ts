import type { CommitLimits, Receipt } from "../../services/credit/group-commit.ts";
import type { Group } from "../../services/credit/journal.ts";
import type { Account, AccountId, Command, CommandId, Transfer, TransferId } from "../../services/credit/model.ts";
import type { StatementLine, StatementQuery } from "../../services/credit/read-model.ts";
import { ResidentBook } from "../../services/credit/resident-book.ts";
import { type LedgerParts, type Outcome, RunningLedger } from "../../services/credit/running-ledger.ts";
import { MemoryJournal, type MemoryLog, never } from "../ledger/memory-journal.ts";
import type { Random } from "../ledger/random-log.ts";
import type { Faults } from "./faults.ts";
import { must } from "./invariants.ts";
import { MemoryReadModel, type ReadModelContent, type ReadModelOperation, type Seen } from "./memory-read-model.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What a process of the ledger can be asked, as the rest of the platform asks it. */
export type Ledger = {
	submit(command: Command): Promise<Receipt>;
	/** Resolves when it knows what anybody was told before this was called. */
	latest(): Promise<void>;
	account(id: AccountId): Promise<Account | undefined>;
	transfer(id: TransferId): Promise<Transfer | undefined>;
	sequence(): number;
	/** With everything that was booked before it was asked. */
	statement(query: StatementQuery): Promise<readonly StatementLine[]>;
	/** Resolves when everything is answered. */
	stop(): Promise<void>;
	outcome(id: CommandId): Promise<Outcome>;
	everySecond(): Promise<void>;
	follow(sequence: number): void;
};

/** Where a process of the ledger runs, and what it shares with others. */
export type Surroundings = {
	readonly random: Random;
	readonly time: VirtualTime;
	readonly faults: Faults;
	readonly log: MemoryLog;
	readonly content: ReadModelContent;
	/** What is in the log now: a read model that is being written may show some of it. */
	readonly book: Seen;
	readonly onCrash: () => void;
	readonly onCommitted: (group: Group, book: ResidentBook | null) => void;
	readonly onFailed: (error: unknown) => void;
};

/** A process that believes to be the writer. What is in its memory dies with it; what its databases have does not. */
export class LedgerProcess {
	readonly readModel: MemoryReadModel;
	/** @throws why it cannot be asked */
	readonly opened: Promise<unknown>;
	readonly #around: Surroundings;
	readonly #journal: MemoryJournal;
	readonly #calls = new Set<(error: unknown) => void>();
	readonly #skewMs: number;
	#ledger: Ledger | null = null;
	#unanswered = 0;
	#stepMs = 0;
	#isDead = false;
	#pausedUntilMs = 0;

	constructor(around: Surroundings) {
		this.#around = around;
		const { random } = around;
		this.#skewMs = random.below(50) - 25;
		this.#journal = this.#makeJournal();
		const limits = {
			batchGroups: 10 + random.below(random.pick([40, 1_000])),
			batchBytes: 20_000 + random.below(1_000_000),
			gatherMs: random.pick([0, 1, 20]),
			backlogBytesMax: random.pick([20_000, 200_000, 10_000_000]),
		};
		this.readModel = new MemoryReadModel({
			content: around.content,
			io: (operation, work) => this.#io(operation, work),
			limits,
		});
		this.opened = this.#survived(this.#open());
	}

	get ledger(): Ledger | null {
		return this.#isDead ? null : this.#ledger;
	}

	async #open(): Promise<Ledger> {
		const { random, onCommitted, onFailed } = this.#around;
		const limits: CommitLimits = {
			groupMax: 1 + random.below(random.pick([12, 60, 400])),
			queueMax: 8 + random.below(random.pick([30, 600, 600, 600])),
			bodyMax: 2_000 + random.below(random.pick([10_000, 500_000])),
			// Its time is virtual, and this process' is not.
			waitMsMax: Number.POSITIVE_INFINITY,
			unknownMax: 100,
		};
		// Often it has room for a few things only, so that it has to load them again and again.
		const isForgetful = random.once(2);
		const book = new ResidentBook(isForgetful ? { accountsMax: random.below(6), transfersMax: random.below(30) } : {});
		this.#ledger = await open({
			book,
			journal: this.#journal,
			readModel: this.readModel,
			clock: () => this.#nowMs,
			limits,
			onFailed,
			onCommitted: (group) => onCommitted(group, isForgetful ? book : null),
		});
		return this.#ledger;
	}

	#makeJournal(): MemoryJournal {
		const { random, time, faults, log, onCrash } = this.#around;
		const journal = new MemoryJournal(log, (operation) => (operation === "head" ? undefined : faults.at(operation)));
		journal.hop = () => time.sleep(this.#latencyMs());
		journal.delay = () => time.sleep(1 + random.below(random.pick([5, 40, 400])));
		journal.groupsAgo = () => 1 + random.below(3);
		journal.onCrash = onCrash;
		return journal;
	}

	get #nowMs(): number {
		return this.#around.time.nowMs + this.#skewMs + this.#stepMs;
	}

	/** A process that stands still does not even notice. */
	#latencyMs(): number {
		return Math.max(this.#around.random.below(3), this.#pausedUntilMs - this.#around.time.nowMs);
	}

	async #io<T>(operation: ReadModelOperation, work: (seen: Seen) => T): Promise<T> {
		const { time, random, faults, content } = this.#around;
		if (this.#isDead) return never();
		const fault = faults.at(content.isShared && operation === "load" ? "shared_load" : operation);
		const early = fault === "load_early" ? { result: work(content) } : undefined;
		const isSlow = fault === "load_slow" || fault === "write_slow";
		await time.sleep(this.#latencyMs() + (isSlow ? random.below(200) : 0));
		// What was sent before may have arrived.
		if (this.#isDead && random.once(2)) return never();
		const isDown = time.nowMs < content.downUntilMs || fault === "load_failed" || fault === "write_failed";
		if (isDown) throw new Error(`no answer to ${operation}`);
		const result = early ? early.result : work(fault === "load_torn" ? this.#torn : content);
		if (this.#isDead) return never();
		if (fault === "write_reply_lost") throw new Error(`no answer to ${operation}`);
		return result;
	}

	/** While a batch is written, some documents are of it already and others are not. */
	get #torn(): Seen {
		const { random, content, book } = this.#around;
		const any = <T>(now: T | undefined, before: T | undefined) => (random.once(2) ? (now ?? before) : before);
		const transfer = (id: TransferId) => any(book.transfer(id), content.transfer(id));
		return {
			account: (id) => any(book.account(id), content.account(id)),
			transfer,
			pending: () => {
				const ids = new Set([...book.pending(), ...content.pending()].map(({ id }) => id));
				return [...ids].flatMap((id) => transfer(id) ?? []).filter(({ state }) => state === "pending");
			},
		};
	}

	/** Asks it something, over a connection that ends with it. */
	call<T>(work: (ledger: Ledger) => Promise<T>): Promise<T> {
		return this.ledger ? this.#survived(work(this.ledger)) : Promise.reject(connectionLost());
	}

	#survived<T>(work: Promise<T>): Promise<T> {
		if (this.#isDead) return Promise.reject(connectionLost());
		return new Promise((resolve, reject) => {
			this.#calls.add(reject);
			work.finally(() => this.#calls.delete(reject)).then(resolve, reject);
		});
	}

	/** From now on it does nothing and hears nothing. */
	kill(): void {
		this.#isDead = true;
		this.#journal.die();
		for (const reject of this.#calls) reject(connectionLost());
	}

	submit(command: Command): Promise<Receipt> {
		this.#unanswered++;
		return this.call((ledger) => ledger.submit(command)).finally(() => this.#unanswered--);
	}

	/** It takes nothing more, answers what it has, and goes. @throws Violation when it goes without an answer */
	async stop(): Promise<void> {
		const { time } = this.#around;
		// The broker lets end what is under way; commands are answered by the ledger itself.
		while (this.#calls.size > this.#unanswered && !this.#isDead) await time.sleep(1);
		await this.#survived(this.#ledger?.stop() ?? Promise.resolve());
		await time.sleep(0);
		if (!this.#isDead)
			must("alive", this.#unanswered === 0, () => `it went, and ${this.#unanswered} were not answered`);
		this.kill();
	}

	pause(forMs: number): void {
		this.#pausedUntilMs = this.#around.time.nowMs + forMs;
	}

	/** Until somebody puts it right. */
	stepClock(byMs: number): void {
		this.#stepMs = this.#stepMs === 0 ? byMs : 0;
	}
}

const connectionLost = (): Error => new Error("the connection was lost");

/** The ledger as it is put together for the service. */
async function open(parts: LedgerParts): Promise<Ledger> {
	const ledger = await RunningLedger.open(parts);
	return {
		submit: (command) =>
			ledger.submit(command).catch((error: { type?: string }): Receipt => {
				if (error.type === "idempotency_key_reused") return { entry: null };
				throw error;
			}),
		latest: () => ledger.latest(),
		account: (id) => ledger.account(id),
		transfer: (id) => ledger.transfer(id),
		sequence: () => ledger.sequence,
		statement: async (query) => {
			await parts.readModel.reached(ledger.sequence);
			return parts.readModel.statement(query);
		},
		stop: () => ledger.close(),
		outcome: (id) => ledger.outcome(id),
		everySecond: () => {
			ledger.lookForMore();
			return ledger.expireHolds();
		},
		follow: (sequence) => ledger.follow(sequence),
	};
}
