import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { call, type Result } from "../../services/actions.ts";
import { entriesOf, type Group } from "../../services/credit/journal.ts";
import type { AccountId, Entry } from "../../services/credit/model.ts";
import { LogFold } from "../ledger/log-fold.ts";
import type { Ledger } from "./ledger.ts";
import type { Reader } from "./reader.ts";

/** What breaks the chain first, by SHA-256 over the fields as `Group` documents them; null when nothing does. */
export function brokenChain(groups: readonly Group[]): string | null {
	let [previousHash, lastMs] = ["0".repeat(64), 0];
	for (const [index, group] of groups.entries()) {
		const { lane, sequence, committedAtMs, body } = group;
		const hashed = [lane, sequence, previousHash, committedAtMs, body].join("\n");
		if (sequence !== index + 1) return `group ${index + 1} is missing`;
		if (group.previousHash !== previousHash) return `group ${sequence} does not follow the one before it`;
		if (group.hash !== createHash("sha256").update(hashed).digest("hex")) return `group ${sequence} was changed`;
		if (committedAtMs < lastMs) return `time runs backwards at group ${sequence}`;
		[previousHash, lastMs] = [group.hash, committedAtMs];
	}
	return null;
}

/**
 * The accounts, statements, totals and outcomes that follow from the log, added up by a reader that knows no rule of the ledger's.
 * @throws where credit appears or vanishes, an account is overdrawn, an id or code is used twice, more is refunded than was paid …
 */
export function foldOf(groups: readonly Group[]): LogFold {
	assert.equal(brokenChain(groups), null);
	return LogFold.of(groups);
}

/** Everything that the public actions say about these accounts and ids. */
export type Books = {
	readonly accounts: readonly Result<"credit.account">[];
	readonly statements: readonly Result<"credit.statement">["items"][];
	readonly totals: readonly Result<"credit.totals">[];
	readonly outcomes: readonly Result<"credit.outcome">[];
};

const ALWAYS = { fromMs: 0, toMs: 8.64e15 };
const inOrder = <T>(list: readonly T[]): T[] =>
	[...list].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
/** As whoever asks over a network gets it. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const isStore = (accountId: string): boolean => accountId.startsWith("store:");

/** Of one moment, with the log of that moment. */
export function readBooks(ledger: Ledger, { accounts, ids }: { accounts: readonly string[]; ids: readonly string[] }) {
	const stores = accounts.filter(isStore);
	return ledger.atRest(async (reader): Promise<Books> => {
		const totals = stores.map((accountId) => call(reader, "credit.totals", { accountId, ...ALWAYS }));
		return plain({
			accounts: await reader.accounts(accounts),
			statements: await Promise.all(accounts.map((accountId) => reader.statement(accountId))),
			totals: (await Promise.all(totals)).map(inOrder),
			outcomes: await outcomesOf(reader, ids),
		});
	});
}

const AT_ONCE = 200;
/** Not all at once, or there are too many for a database's connections. */
async function outcomesOf(reader: Reader, ids: readonly string[]): Promise<Result<"credit.outcome">[]> {
	const outcomes: Result<"credit.outcome">[] = [];
	while (outcomes.length < ids.length) {
		const some = ids.slice(outcomes.length, outcomes.length + AT_ONCE);
		outcomes.push(...(await Promise.all(some.map((id) => call(reader, "credit.outcome", { id })))));
	}
	return outcomes;
}

/** The same, from the log alone. */
export function booksFrom(
	groups: readonly Group[],
	{ accounts, ids }: { accounts: readonly string[]; ids: readonly string[] },
): Books {
	const fold = foldOf(groups);
	return plain({
		accounts: accounts.map((id) => accountIn(fold, id)),
		statements: accounts.map((id) => fold.statement({ accountId: id as AccountId, limit: Number.MAX_SAFE_INTEGER })),
		totals: accounts.filter(isStore).map((id) => inOrder(fold.totals({ accountId: id as AccountId, ...ALWAYS }))),
		outcomes: outcomesIn(groups, fold, ids),
	});
}

function accountIn(fold: LogFold, accountId: string): Result<"credit.account"> {
	const account = fold.accounts.get(accountId) ?? assert.fail(`the log has no account ${accountId}`);
	const { id, kind, owner, state, creditsPosted, debitsPosted, debitsPending: pending } = account;
	const balance = creditsPosted - debitsPosted;
	return { id, kind, owner, state, balance, available: balance - pending, pending };
}

function outcomesIn(groups: readonly Group[], fold: LogFold, ids: readonly string[]): Result<"credit.outcome">[] {
	const entries = groups.flatMap(entriesOf);
	const decided = new Map(entries.map((entry) => [entry.id as string, entry]));
	const keptOut = new Set<string | undefined>(entries.map(({ tombstone }) => tombstone));
	return ids.map((id) => {
		const entry = decided.get(id);
		const transfer = fold.transfers.get(id) ?? null;
		const refusal = keptOut.has(id) ? "cancelled" : (entry?.refusal ?? null);
		const state = refusal ? "refused" : entry ? "applied" : "not_seen";
		const refunds = fold.refundsOf(id).sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
		return {
			state,
			// A refund names what it gives back, and so no kind of its own.
			kind: transfer?.kind ?? entry?.kind ?? (entry?.type === "refund" ? "refund" : null),
			refusal,
			transfer,
			refunds,
		} as Result<"credit.outcome">;
	});
}

/** How often each id was decided. */
export function decisions(groups: readonly Group[]): Map<string, number> {
	const counts = new Map<string, number>();
	for (const { id } of groups.flatMap(entriesOf)) counts.set(id, (counts.get(id) ?? 0) + 1);
	return counts;
}

/** What was decided because somebody asked, and not because its time was over. */
export const entriesAsked = (groups: readonly Group[]): Entry[] =>
	groups.flatMap(entriesOf).filter(({ type }) => type !== "expire");
