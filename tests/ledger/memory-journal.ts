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
	/** It is surely not done, and that is what is said. */
	| "unavailable"
	/** It takes some turns, and others may come first. */
	| "slow";

export type Operation = "head" | "append" | "read" | "find";

/** Asked before every call; what it does itself (another writer's append, say) has happened before the call. */
export type Trouble = (operation: Operation, group?: Group) => Fault | undefined | Promise<Fault | undefined>;

/** The log that several writers share: what a database would keep. Strings only, so nobody can change what is in it. */
export class MemoryLog {
	readonly groups: Group[] = [];
	readonly #claims = new Map<string, number>();

	get head(): Head {
		const last = this.groups.at(-1);
		return last ? headOf(last) : emptyHead;
	}

	append(group: Group, claims: readonly string[]): Appended {
		const { sequence, hash } = this.head;
		if (group.sequence !== sequence + 1 || group.previousHash !== hash) return { result: "conflict" };
		const taken = claims.filter((claim, index) => this.#claims.has(claim) || claims.indexOf(claim) < index);
		if (taken.length > 0) return { result: "duplicate", claims: taken };
		for (const claim of claims) this.#claims.set(claim, group.sequence);
		this.groups.push(Object.freeze({ ...group }));
		return { result: "appended" };
	}

	read({ fromSequence, groupsMax }: { fromSequence: number; groupsMax: number }): Group[] {
		const from = Math.max(fromSequence, 1) - 1;
		return this.groups.slice(from, from + groupsMax);
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

/** One writer's connection to a log in memory: a whole `Journal`, and every way in which a real one can let its caller down. */
export class MemoryJournal implements Journal {
	readonly log: MemoryLog;
	trouble: Trouble;
	/** How long what is slow takes, in turns of the event loop. */
	turns: () => number = () => 3;
	#closed = false;

	constructor(log = new MemoryLog(), trouble: Trouble = () => undefined) {
		this.log = log;
		this.trouble = trouble;
	}

	head(): Promise<Head> {
		return this.#call("head", () => this.log.head);
	}
	append(group: Group, claims: readonly string[]): Promise<Appended> {
		return this.#call("append", () => this.log.append(group, claims), group);
	}
	read(range: { fromSequence: number; groupsMax: number }): Promise<Group[]> {
		return this.#call("read", () => this.log.read(range));
	}
	find(claims: readonly string[]): Promise<Map<string, number>> {
		return this.#call("find", () => this.log.find(claims));
	}
	async close(): Promise<void> {
		this.#closed = true;
	}

	async #call<T>(operation: Operation, work: () => T, group?: Group): Promise<T> {
		if (this.#closed) throw new Error("the journal is closed");
		const fault = await this.trouble(operation, group);
		await turn();
		switch (fault) {
			case undefined:
				return work();
			case "slow":
				await turns(this.turns());
				return work();
			case "reply_lost":
				work();
				throw new Error(`no answer to ${operation}`);
			case "request_lost":
				throw new Error(`no answer to ${operation}`);
			case "late":
				void turns(this.turns()).then(work);
				throw new Error(`no answer to ${operation}`);
			case "unavailable":
				throw Object.assign(new Error(`no ${operation} at the moment`), { type: "ledger_unavailable" });
		}
	}
}

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
