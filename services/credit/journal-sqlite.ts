import { dirname, join } from "node:path";
import type { Appended, Group, Head, Journal } from "./journal.ts";
import type { JournalHandlers } from "./journal-sqlite-worker.ts";
import { WorkerLink } from "./worker-link.ts";

/**
 * The journal in an SQLite file, written by a worker thread: WAL, `synchronous=FULL`, one transaction a group. Beside it lies the
 * index of the claims, which is made from it. For one process: the second one cannot open the index.
 */
export class SqliteJournal implements Journal {
	readonly isShared = false;
	readonly #link: WorkerLink<JournalHandlers>;

	constructor(path: string) {
		this.#link = new WorkerLink(new URL("./journal-sqlite-worker.ts", import.meta.url), {
			path,
			claimsPath: join(dirname(path), "ledger-claims.sqlite"),
		});
	}

	head(): Promise<Head> {
		return this.#link.call("head", undefined);
	}
	append(group: Group, claims: readonly string[]): Promise<Appended> {
		return this.#link.call("append", { group, claims });
	}
	read(range: { fromSequence: number; groupsMax: number }): Promise<Group[]> {
		return this.#link.call("read", range);
	}
	find(claims: readonly string[]): Promise<Map<string, number>> {
		return this.#link.call("find", claims);
	}
	async close(): Promise<void> {
		await this.#link.call("close", undefined).finally(() => this.#link.close());
	}
}
