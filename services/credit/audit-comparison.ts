import type { Auditor, Discrepancy } from "./audit.ts";
import { entriesOf, type Group } from "./journal.ts";
import type { Account } from "./model.ts";

/**
 * Holds the accounts of a read model that moves on against a log that was checked up to some group.
 *
 * An account that is not as the log has it there may be newer: it stays unsettled until the log has a group after which it is so.
 * By the end of a log that is no older than what was read, every right account was that once.
 */
export class Comparison {
	readonly #auditor: Auditor;
	readonly #unsettled: Auditor["accounts"];
	/** No account ever goes, so the read model must have all of these, whatever came later. */
	readonly #expected: number;
	#found = 0;

	/** @param auditor has checked the log up to a group that the read model has */
	constructor(auditor: Auditor) {
		this.#auditor = auditor;
		this.#unsettled = auditor.scratch.map();
		this.#expected = auditor.accounts.size;
	}

	/** Takes each account of the read model once; all of them before the auditor goes on. */
	take(accounts: readonly Account[]): void {
		for (const account of accounts) {
			if (this.#auditor.accounts.has(account.id)) this.#found++;
			if (this.#auditor.compare(account)) this.#unsettled.add(account);
		}
	}

	/** @param group that the auditor has just checked */
	settle(group: Group): void {
		if (this.#unsettled.size === 0) return;
		for (const { opened, stateSet, counters = [] } of entriesOf(group)) {
			for (const id of [opened?.id, stateSet?.accountId, ...counters.map(([accountId]) => accountId)]) {
				const account = id && this.#unsettled.get(id);
				if (account && !this.#auditor.compare(account)) this.#unsettled.delete(account.id);
			}
		}
	}

	/** What is wrong, now that the auditor has come to an end that is no older than what was read. */
	finish(): Discrepancy | null {
		for (const [, account] of this.#unsettled) return this.#auditor.compare(account);
		if (this.#found === this.#expected) return null;
		const what = `the read model has ${this.#found} accounts, the log ${this.#expected}`;
		return { sequence: this.#auditor.head.sequence, position: null, what };
	}
}
