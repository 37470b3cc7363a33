import { Auditor } from "../../services/credit/audit.ts";
import type { Group } from "../../services/credit/journal.ts";
import type { Account } from "../../services/credit/model.ts";
import type { ResidentBook } from "../../services/credit/resident-book.ts";
import type { Bookkeeper } from "./bookkeeper.ts";
import { isAlike } from "./history.ts";
import { type Invariant, must, Violation } from "./invariants.ts";
import type { LedgerProcess } from "./ledger-process.ts";
import type { ReadModelContent } from "./memory-read-model.ts";

// What others have made of the log, held against the log: processes, read models, the ledger's own audit.

type Copy = Pick<ResidentBook, "account" | "transfer">;

/**
 * A process has just read, or written, this group. What it loaded from a read model that is ahead of it is newer than that, which harms
 * no decision, and can only be told once it has read the log to its end.
 */
export function mustBeRemembered(book: Bookkeeper, memory: Copy, sequence: number): void {
	if (sequence === book.head.sequence) mustBeLike(book, memory, { sequence, invariant: "memory" });
}

/** A read model has just written this group down. */
export function mustBeProjected(book: Bookkeeper, content: ReadModelContent, sequence: number): void {
	mustBeLike(book, content, { sequence, invariant: "readModel" });
}

/** As far as the group changed it. */
function mustBeLike(book: Bookkeeper, copy: Copy, { sequence, invariant }: { sequence: number; invariant: Invariant }) {
	const touched = book.touchedBy(sequence);
	for (const id of touched.accounts) {
		mustBeAlike(invariant, copy.account(id), book.accounts.history(id)?.at(sequence));
	}
	for (const id of touched.transfers) mustBeAlike(invariant, copy.transfer(id), book.history(id)?.at(sequence));
}

function mustBeAlike<T extends object>(invariant: Invariant, found: T | undefined, truth: T | undefined): void {
	const isSo = truth !== undefined && isAlike(truth, found);
	must(invariant, isSo, () => `it has ${JSON.stringify(found)}, the log says ${JSON.stringify(truth)}`);
}

/** When nothing is under way any more, every process and its read model have everything. */
export async function mustBeAtRest(book: Bookkeeper, running: LedgerProcess, content: ReadModelContent): Promise<void> {
	const { sequence } = book.head;
	await running.call(async (ledger) => {
		must("alive", ledger.sequence() === sequence, () => `a process is at group ${ledger.sequence()} of ${sequence}`);
		for (const account of book.accounts.all()) mustBeAlike("memory", await ledger.account(account.id), account);
		for (const hold of book.pending()) mustBeAlike("memory", await ledger.transfer(hold.id), hold);
	});
	await running.readModel.drained();
	must("alive", content.head.sequence === sequence, () => `a read model is at ${content.head.sequence} of ${sequence}`);
	const [holds, pending] = [content.pending().length, book.pending().length];
	must("readModel", holds === pending, () => `it has ${holds} holds, the log ${pending}`);
	for (const account of book.accounts.all()) mustHaveWholeStatement(account, content);
}

function mustHaveWholeStatement(account: Account, content: ReadModelContent): void {
	mustBeAlike("readModel", content.accounts.get(account.id), account);
	let balance = 0;
	for (const { amount, balanceAfter } of content.postingsOf(account.id)) {
		balance += amount;
		must("readModel", balance === balanceAfter, () => `${account.id} has ${balanceAfter} after a line, not ${balance}`);
	}
	const truth = account.creditsPosted - account.debitsPosted;
	must("readModel", balance === truth, () => `the statement of ${account.id} adds up to ${balance}, not ${truth}`);
}

export function mustPassAudit(book: Bookkeeper, groups: readonly Group[]): void {
	const auditor = new Auditor();
	const check = (what: unknown) => must("audit", what === null, () => JSON.stringify(what));
	try {
		for (const group of groups) check(auditor.check(group));
		check(auditor.finish());
		for (const account of book.accounts.all()) check(auditor.compare(account));
		// What was answered was in the log then; it still is, since the chain has not changed.
		must("answers", auditor.head.hash === book.head.hash, () => "the log is not what it was");
	} finally {
		auditor.close();
	}
}

const INJECTED = /^(no (answer to )?(append|read|find|write|load)\b|the connection was lost)/;

/** @throws Violation when something fails that nobody made fail */
export function mustBeInjected(error: unknown): void {
	if (error instanceof Violation) throw error;
	const { message, stack, cause } = error as Error;
	const first = cause instanceof Error ? cause.message : message;
	must("unexpected", INJECTED.test(first), () => stack ?? message);
}
