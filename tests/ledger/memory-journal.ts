import type { Loader } from "../../services/credit/group-commit.ts";
import {
	type Appended,
	emptyHead,
	entriesOf,
	type Group,
	type Head,
	headOf,
	type Journal,
} from "../../services/credit/journal.ts";
import { apply } from "../../services/credit/ledger.ts";
import type { Account, AccountId, Transfer, TransferId } from "../../services/credit/model.ts";
import { ResidentBook } from "../../services/credit/resident-book.ts";

/** What may go wrong with a call to the journal. */
export type Fault =
	/** It is done, and the answer never comes. Reads have no outcome to be unsure of: they only fail. */
	| "reply_lost"
	/** It is not done, and nobody says so. */
	| "request_lost"
	/** The caller has given up, and some turns later it is done after all, if it still fits. */
	| "late"
	/** It is done, and some turns later the same request arrives once more. */
	| "twice"
	/** It is surely not done, and that is what is said. */
	| "unavailable"
	/** It takes some turns, and others may come first. */
	| "slow"
	/** It is done, and others may see that before the caller is told. */
	| "slow_reply"
	/** The group keeps its number occupied without a majority, unseen; the caller gives up; then it is gone. */
	| "rolled_back"
	/** The same, but in the end it finds its majority. */
	| "settled_late"
	/** A read shows the log as it was some groups ago. */
	| "stale"
	/** The caller dies before it has sent anything. */
	| "crash_before"
	/** It is done, and the caller dies before it hears so. */
	| "crash_after";

export type Operation = "head" | "append" | "read" | "find";

/** Asked before every call; what it does itself (another writer's append, say) has happened before the call. */
export type Trouble = (operation: Operation, group?: Group) => Fault | undefined | Promise<Fault | undefined>;

/** The log that several writers share: what a database would keep. Strings only, so nobody can change what is in it. */
export class MemoryLog {
	readonly groups: Group[] = [];
	readonly #claims = new Map<string, number>();
	/** Has the next number, but no majority; nobody sees it, and nobody else gets the number. */
	#minority: Group | null = null;
	/** Appends that it did not take, by the reason. */
	readonly refused = { conflict: 0, duplicate: 0 };
	/** Told of every group, when it is durable and before anybody else knows. */
	onAppended: (group: Group) => void = () => {};

	get head(): Head {
		const last = this.groups.at(-1);
		return last ? headOf(last) : emptyHead;
	}

	append(group: Group, claims: readonly string[]): Appended {
		const refused = this.#whyNot(group, claims);
		if (refused) {
			this.refused[refused.result]++;
			return refused;
		}
		for (const claim of claims) this.#claims.set(claim, group.sequence);
		const stored = Object.freeze({ ...group });
		this.groups.push(stored);
		this.onAppended(stored);
		return { result: "appended" };
	}

	/** @returns what ends it: the group is appended, or never was there; null when the log does not take it */
	appendToMinority(group: Group, claims: readonly string[]): ((end: "rolled_back" | "settled_late") => void) | null {
		if (this.#whyNot(group, claims)) return null;
		this.#minority = group;
		return (end) => {
			this.#minority = null;
			if (end === "settled_late") this.append(group, claims);
		};
	}

	#whyNot(group: Group, claims: readonly string[]): Exclude<Appended, { result: "appended" }> | null {
		const { sequence, hash } = this.head;
		if (group.sequence !== sequence + 1 || group.previousHash !== hash) return { result: "conflict" };
		if (this.#minority) return { result: "conflict" };
		const taken = claims.filter((claim, index) => this.#claims.has(claim) || claims.indexOf(claim) < index);
		return taken.length > 0 ? { result: "duplicate", claims: taken } : null;
	}

	read({ fromSequence, groupsMax }: Range, { groupsAgo = 0 } = {}): Group[] {
		const from = Math.max(fromSequence, 1) - 1;
		return this.groups.slice(from, Math.max(from, Math.min(from + groupsMax, this.groups.length - groupsAgo)));
	}

	find(claims: readonly string[]): Map<string, number> {
		const found = new Map<string, number>();
		for (const claim of claims) {
			const sequence = this.#claims.get(claim);
			if (sequence !== undefined) found.set(claim, sequence);
		}
		return found;
	}
}

type Range = { fromSequence: number; groupsMax: number };

/** How one kind of call is carried out, well or badly. */
type Work<T> = {
	/** As it should be. */
	readonly whole: () => T;
	/** Only reads have this. */
	readonly stale?: () => T;
	/** Only appends have this. @returns what ends it, if it was begun */
	readonly begun?: () => ((end: "rolled_back" | "settled_late") => void) | null;
};

/** One writer's connection to a log in memory: a whole `Journal`, and every way in which a real one can let its caller down. */
export class MemoryJournal implements Journal {
	readonly isShared = true;
	readonly log: MemoryLog;
	trouble: Trouble;
	/** How long what is slow takes, in turns of the event loop. */
	turns: () => number = () => 3;
	/** What every call takes. */
	hop: () => Promise<void> = turn;
	/** What slow calls take on top of it. */
	delay: () => Promise<void> = () => turns(this.turns());
	/** How far behind a stale read is. */
	groupsAgo: () => number = () => 1;
	/** The caller's process is to end. */
	onCrash: () => void = () => {};
	#isClosed = false;
	#isDead = false;

	constructor(log = new MemoryLog(), trouble: Trouble = () => undefined) {
		this.log = log;
		this.trouble = trouble;
	}

	head(): Promise<Head> {
		return this.#call("head", { whole: () => this.log.head });
	}
	append(group: Group, claims: readonly string[]): Promise<Appended> {
		const whole = () => this.log.append(group, claims);
		return this.#call("append", { whole, begun: () => this.log.appendToMinority(group, claims) }, group);
	}
	read(range: Range): Promise<Group[]> {
		const whole = () => this.log.read(range);
		// Whoever asks for a single group knows that it is there: a log that hides what it has shown is none.
		const stale = range.groupsMax === 1 ? whole : () => this.log.read(range, { groupsAgo: this.groupsAgo() });
		return this.#call("read", { whole, stale });
	}
	find(claims: readonly string[]): Promise<Map<string, number>> {
		return this.#call("find", { whole: () => this.log.find(claims) });
	}
	async close(): Promise<void> {
		this.#isClosed = true;
	}

	/** The caller's process has ended: it sends nothing more and hears nothing more; what it has sent still arrives. */
	die(): void {
		this.#isDead = true;
	}

	async #call<T>(operation: Operation, work: Work<T>, group?: Group): Promise<T> {
		if (this.#isClosed) throw new Error("the journal is closed");
		const fault = await this.trouble(operation, group);
		if (fault === "crash_before") this.#crash();
		if (this.#isDead) return never();
		await this.hop();
		try {
			const result = await this.#carryOut(operation, work, fault);
			return this.#isDead ? never() : result;
		} catch (error) {
			if (this.#isDead) return never();
			throw error;
		}
	}

	async #carryOut<T>(operation: Operation, { whole, stale, begun }: Work<T>, fault: Fault | undefined): Promise<T> {
		switch (fault) {
			case "slow":
				await this.delay();
				return whole();
			case "slow_reply": {
				const result = whole();
				await this.delay();
				return result;
			}
			case "twice": {
				const result = whole();
				// What was refused stays away: a conflict is final, also for requests that are still on their way.
				if (isAppended(result)) void this.delay().then(whole);
				return result;
			}
			case "stale":
				return (stale ?? whole)();
			case "reply_lost":
				whole();
				throw noAnswer(operation);
			case "request_lost":
				throw noAnswer(operation);
			case "late":
				void this.delay().then(whole);
				throw noAnswer(operation);
			case "unavailable":
				throw Object.assign(new Error(`no ${operation} at the moment`), { type: "ledger_unavailable" });
			case "rolled_back":
			case "settled_late": {
				const end = begun?.();
				if (!end) return whole();
				void this.delay().then(() => end(fault));
				throw noAnswer(operation);
			}
			case "crash_after":
				whole();
				this.#crash();
				return never();
			default:
				return whole();
		}
	}

	#crash(): void {
		this.die();
		this.onCrash();
	}
}

const isAppended = (result: unknown): boolean => (result as Partial<Appended>).result === "appended";

const noAnswer = (operation: Operation): Error => new Error(`no answer to ${operation}`);

/** What somebody who is dead waits for. */
export const never = (): Promise<never> => new Promise(() => {});

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export async function turns(count: number): Promise<void> {
	for (let done = 0; done < count; done++) await turn();
}

/** Injects these faults into the next appends, one each; then all is well again. */
export function faultsInOrder(...faults: (Fault | undefined)[]): Trouble {
	return (operation) => (operation === "append" ? faults.shift() : undefined);
}

/** What a read model in memory would be: it is given every group, and is some groups behind. */
export class LaggingLoader implements Loader {
	readonly #book = new ResidentBook();
	readonly #given: Group[] = [];
	readonly #lag: () => number;
	head: Head = emptyHead;
	/** How often something had to be loaded. */
	loads = 0;

	/** @param lag how many groups it is behind, at least; asked for every group */
	constructor(lag: () => number = () => 0) {
		this.#lag = lag;
	}

	get watermark(): number {
		return this.head.sequence;
	}
	get holds(): readonly Transfer[] {
		return [...this.#book.holds.values()];
	}

	/** In order; what it was given already is ignored, as by every read model. */
	project(group: Group): void {
		if (group.sequence !== (this.#given.at(-1) ?? this.head).sequence + 1) return;
		this.#given.push(group);
		for (let behind = this.#lag(); this.#given.length > behind; ) {
			const next = this.#given.shift();
			if (!next) return;
			for (const entry of entriesOf(next)) apply(this.#book, entry);
			this.head = headOf(next);
		}
	}

	async accounts(ids: readonly AccountId[]): Promise<readonly Account[]> {
		this.loads++;
		await turn();
		return ids.flatMap((id) => this.#book.account(id) ?? []);
	}

	async transfers(ids: readonly TransferId[]): Promise<readonly Transfer[]> {
		this.loads++;
		await turn();
		return ids.flatMap((id) => this.#book.transfer(id) ?? []);
	}

	notTooFarBehind(): Promise<void> {
		return Promise.resolve();
	}
}
