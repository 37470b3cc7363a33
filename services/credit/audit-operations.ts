import type { Result } from "../actions.ts";
import type { Scratch } from "./audit-scratch.ts";
import { entriesOf, type Group } from "./journal.ts";
import type { Entry, Transfer } from "./model.ts";
import { changeIdOf, type Line, LineChain, type LineDocument, lineOf, scopeOf } from "./operator-log.ts";

/** Who did what to what, and why; of what has two operators the ledger does not say why. */
type Said = {
	readonly by: string;
	readonly operation: string;
	readonly target: string;
	readonly reason: string | null;
};
/** A line that begins a change. */
type Begun = Said & { readonly id: string; readonly sequence: number; readonly hash: string; readonly detail: string };
/** What the ledger has of a change that operators make. */
type Change = Said & {
	/** What a line knows it by. */
	readonly id: string;
	readonly at: string;
	readonly place: number;
	/** The line that it says it comes from. */
	readonly line: { readonly sequence: number; readonly hash: string } | null;
	/** How what that line says of the state before ends. */
	readonly detailEnd: string;
};

/**
 * Holds what operators wrote down and what the ledger has of it against each other: first all lines, then the groups, then the lines that came
 * meanwhile. A line is there before what it is about, and says "done" after it, so at the end every change in the ledger must have its line, and
 * everything that was done by the first reading must be in the ledger.
 */
export class OperationsAudit {
	readonly #chain = new LineChain();
	readonly #begun;
	/** Those of them whose end says that they were done, when the ledger had not been read yet. */
	readonly #done;
	readonly #said;
	readonly #changes;
	#discrepancy: string | null = null;

	constructor(scratch: Scratch) {
		this.#begun = scratch.map<Begun>();
		this.#done = scratch.map<Begun>();
		this.#said = scratch.map<{ readonly id: string }>();
		this.#changes = scratch.map<Change>();
	}

	/** The next lines, in order. @returns where to read on, or null: what follows may only be the consequence of what is wrong */
	lines({ page, isBefore }: { page: readonly LineDocument[]; isBefore: boolean }): number | null {
		for (const document of page) {
			this.#discrepancy ??= this.#chain.follow(document);
			if (this.#discrepancy !== null) return null;
			this.#take(lineOf(document), isBefore);
		}
		return this.#chain.head.sequence;
	}

	#take(line: Line, isBefore: boolean): void {
		const { phase, of, sequence, hash } = line;
		if (phase === "begun") {
			// Whoever can write a whole chain anew may have written anything there.
			const [by, operation, target] = [String(line.by), String(line.operation), String(line.target)];
			const begun = { by, operation, target, reason: String(line.reason), detail: String(line.detail), sequence, hash };
			this.#begun.set({ ...begun, id: String(sequence) });
			this.#said.set({ id: wordsOf(begun) });
		}
		const begun = phase === "done" && isBefore ? this.#begun.get(String(of)) : undefined;
		if (begun) this.#done.set(begun);
	}

	/** A group of the ledger that is right by itself. */
	group(group: Group): void {
		// Most have nothing of the kind, and need not be read for it.
		if (!/"operator:|"adjustment"/.test(group.body)) return;
		for (const [position, entry] of entriesOf(group).entries()) {
			const change = entry.refusal ? null : changeOf(entry);
			if (!change || this.#changes.has(change.id)) continue;
			const at = `group ${group.sequence}, entry ${position}: ${entry.type} ${entry.id}`;
			this.#changes.set({ ...change, at, place: group.sequence * 65_536 + position });
		}
	}

	/** Once all was read. @param isLedgerRight if it is not, it is no measure for the lines */
	finish({ isLedgerRight }: { isLedgerRight: boolean }): Result<"credit.audit">["operations"] {
		if (isLedgerRight) this.#discrepancy ??= this.#withoutLine() ?? this.#withoutChange();
		const { sequence: lines, hash: headHash } = this.#chain.head;
		return { clean: this.#discrepancy === null, discrepancy: this.#discrepancy, lines, headHash };
	}

	#withoutLine(): string | null {
		return first(this.#changes, ({ place, at, ...change }) => {
			const wrong = this.#wrongLine(change);
			return wrong === null ? null : { place, what: `${at}: ${wrong}` };
		});
	}

	#wrongLine(change: Omit<Change, "place" | "at">): string | null {
		const { line, detailEnd } = change;
		if (!line) return this.#said.has(wordsOf(change)) ? null : "no line of the operator log says so";
		const begun = this.#begun.get(String(line.sequence));
		if (!begun) return `the operator log has no beginning ${line.sequence}`;
		if (begun.hash !== line.hash) return `line ${line.sequence} of the operator log has another hash than it says`;
		const isTheSame = wordsOf(begun) === wordsOf(change) && begun.detail.endsWith(detailEnd);
		return isTheSame ? null : `line ${line.sequence} of the operator log says something else`;
	}

	#withoutChange(): string | null {
		return first(this.#done, (begun) => {
			const ids = idsOf(begun);
			const isThere = ids.some((id) => {
				const change = this.#changes.get(id);
				return change && wordsOf(change) === wordsOf(begun) && begun.detail.endsWith(change.detailEnd);
			});
			if (ids.length === 0 || isThere) return null;
			const { sequence, operation, target } = begun;
			return {
				place: sequence,
				what: `line ${sequence} was done, says the log, and the ledger has no ${operation} of ${target}`,
			};
		});
	}
}

type Found = { readonly place: number; readonly what: string };

/** Of what is in no order. */
function first<Value>(all: Iterable<[string, Value]>, wrong: (value: Value) => Found | null): string | null {
	let found: Found | null = null;
	for (const [, value] of all) {
		const each = wrong(value);
		if (each && (!found || each.place < found.place)) found = each;
	}
	return found?.what ?? null;
}

const wordsOf = ({ by, operation, target, reason }: Said): string =>
	JSON.stringify([by, operation, target, operation.startsWith("account.") ? reason : null]);

/** By what the ledger may know what a line says was done; nothing where it is no change of the ledger. */
function idsOf(begun: Begun): readonly string[] {
	const { by, operation, target, detail } = begun;
	switch (operation) {
		case "account.freeze":
		case "account.unfreeze":
			// Before they named their line they had a random id.
			return [changeIdOf(begun), wordsOf(begun)];
		case "account.adjust":
			return [/ by (\S+)$/.exec(detail)?.[1] ?? ""];
		case "adjustment.confirm":
		case "adjustment.decline":
			return [`${scopeOf(by)}.${operation.slice(11)}:${target}`];
		default:
			return [];
	}
}

/** What an operator's change must be said to be; null for all that operators have nothing to do with. */
function changeOf(entry: Entry): Omit<Change, "at" | "place"> | null {
	const { id, type, created, changed, stateSet } = entry;
	const by = /^operator:([^.]+)\./.exec(id)?.[1];
	// No line has such words: neither does an operator do such a thing, nor anybody else adjust or confirm.
	const strange = { id, by: by ?? "", operation: type, target: "", reason: null, line: null, detailEnd: "" };
	if (created?.kind === "adjustment") return by === undefined ? strange : adjustmentOf(created, by);
	if (by === undefined) return changed?.kind === "adjustment" && type !== "expire" ? strange : null;
	if (stateSet) return stateSetOf(id, by, stateSet);
	if (changed?.kind !== "adjustment" || (type !== "post" && type !== "void")) return strange;
	const operation = type === "post" ? "adjustment.confirm" : "adjustment.decline";
	return { ...strange, operation, target: changed.id };
}

function stateSetOf(id: string, by: string, { accountId, state, reason }: NonNullable<Entry["stateSet"]>) {
	const operations = { frozen: "account.freeze", open: "account.unfreeze", closed: "account.close" };
	const said = { by, operation: operations[state], target: accountId as string, reason };
	const [, sequence, hash = ""] = /^[^.]+\.(\d+):([0-9a-f]{64})$/.exec(id) ?? [];
	const line = sequence === undefined ? null : { sequence: Number(sequence), hash };
	return { ...said, id: line ? id : wordsOf(said), line, detailEnd: "" };
}

function adjustmentOf({ id, debitAccountId, creditAccountId, amount, details }: Transfer, by: string) {
	const isGiven = debitAccountId === "system:adjustment";
	const { operation, operationHash, reason } = details;
	return {
		id: id as string,
		by,
		operation: "account.adjust",
		target: isGiven ? creditAccountId : debitAccountId,
		reason: String(reason),
		line: { sequence: typeof operation === "number" ? operation : 0, hash: String(operationHash) },
		detailEnd: `; to ${isGiven ? "give" : "take"} ${amount} by ${id}`,
	};
}
