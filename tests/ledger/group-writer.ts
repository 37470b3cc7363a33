import assert from "node:assert/strict";
import { type CommitLimits, GroupCommit, type Receipt } from "../../services/credit/group-commit.ts";
import { entriesOf, type Group, type Head, hashOf } from "../../services/credit/journal.ts";
import type { Account, AccountId, Command, CommandId } from "../../services/credit/model.ts";
import { ResidentBook, type ResidentLimits } from "../../services/credit/resident-book.ts";
import { LaggingLoader, MemoryJournal, type MemoryLog, type Trouble } from "./memory-journal.ts";

type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;

export const idOf = (id: string) => ({ id: id as CommandId, fingerprint: `asked ${id}` });

export const open = (id: string): Of<"open"> => ({
	...idOf(`open ${id}`),
	type: "open",
	accountId: id as AccountId,
	kind: id.startsWith("system:") ? "system" : id.startsWith("store:") ? "store" : "wallet",
	owner: id,
});

export const pay = (id: string, amount = 1, rest: Partial<Of<"transfer">> = {}): Of<"transfer"> => ({
	...idOf(id),
	type: "transfer",
	kind: "sale",
	debitAccountId: "wallet:a" as AccountId,
	creditAccountId: "store:s" as AccountId,
	amount,
	details: {},
	...rest,
});

export const cancel = (id: string, target: string): Of<"cancel"> => ({
	...idOf(id),
	type: "cancel",
	targetId: target as CommandId,
	details: {},
});

const charge = pay("charge", 1_000, {
	kind: "charge",
	debitAccountId: "system:funding" as AccountId,
	creditAccountId: "wallet:a" as AccountId,
});

export const OPENING: Command[] = [open("system:funding"), open("wallet:a"), open("store:s"), charge];

export type WriterOptions = {
	readonly log?: MemoryLog;
	readonly trouble?: Trouble;
	readonly clock?: () => number;
	readonly limits?: Partial<CommitLimits>;
	readonly residents?: Partial<ResidentLimits>;
	readonly lag?: () => number;
	readonly onAppended?: (head: Head) => void;
};

export function writer({ log, trouble, clock, limits, residents, lag, onAppended }: WriterOptions = {}) {
	const journal = new MemoryJournal(log, trouble);
	const loader = new LaggingLoader(lag);
	const book = new ResidentBook(residents);
	const committed: Group[] = [];
	const failures: unknown[] = [];
	const commit = new GroupCommit({
		journal,
		book,
		loader,
		clock: clock ?? (() => 1_000),
		limits: limits ?? {},
		onFailed: (error) => failures.push(error),
		...(onAppended && { onAppended }),
		onCommitted: (group) => {
			committed.push(group);
			loader.project(group);
		},
	});
	return { journal, loader, book, committed, failures, commit, log: journal.log };
}

/** A writer with the accounts opened and 1,000 in wallet:a. */
export async function openedWriter(options: WriterOptions = {}) {
	const opened = writer({ ...options, trouble: () => undefined });
	await Promise.all(OPENING.map((command) => opened.commit.submit(command)));
	if (options.trouble) opened.journal.trouble = options.trouble;
	return opened;
}

/** What became of it, in a word or two. */
export async function wordOf(receipt: Promise<Receipt>): Promise<string> {
	try {
		const { entry, ...rest } = await receipt;
		if (!entry) return "reused";
		return `${"replayed" in rest && rest.replayed ? "replay" : "new"} ${entry.refusal ?? "applied"}`;
	} catch (error) {
		return (error as { type?: string }).type ?? `${error}`;
	}
}

export const wordsOf = (receipts: readonly Promise<Receipt>[]): Promise<string[]> => Promise.all(receipts.map(wordOf));

export const idsIn = (log: MemoryLog): string[][] => log.groups.map((group) => entriesOf(group).map(({ id }) => id));

export const balance = ({ creditsPosted, debitsPosted }: Account) => creditsPosted - debitsPosted;

export const balanceIn = (book: ResidentBook, id: string) => balance(book.account(id as AccountId) ?? assert.fail(id));

export function assertChain(log: MemoryLog): void {
	let [sequence, hash, atMs] = [0, "0".repeat(64), 0];
	const ids = new Set<string>();
	for (const group of log.groups) {
		assert.equal(group.sequence, ++sequence);
		assert.equal(group.previousHash, hash);
		assert.equal(group.hash, hashOf(group));
		assert.ok(group.committedAtMs >= atMs, `time runs backwards in ${sequence}`);
		[hash, atMs] = [group.hash, group.committedAtMs];
		for (const { id } of entriesOf(group)) {
			assert.equal(ids.has(id), false, `${id} is in the log twice`);
			ids.add(id);
		}
	}
}

/** Holds the appends up until they are let go. */
export function gate() {
	let release = () => {};
	const opened = new Promise<undefined>((resolve) => {
		release = () => resolve(undefined);
	});
	const trouble: Trouble = (operation) => (operation === "append" ? opened : undefined);
	return { trouble, release };
}
