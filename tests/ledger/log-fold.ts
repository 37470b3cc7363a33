import { claimsOf, emptyHead, entriesOf, type Group, hashOf, headOf } from "../../services/credit/journal.ts";
import type { Account, AccountId, Counters, Entry, Transfer } from "../../services/credit/model.ts";
import type { Locate, StatementLine, StatementQuery, Total } from "../../services/credit/read-model.ts";
import { plain } from "./read-model-conformance.ts";

// 2. What a log means, by a reader that has nothing in common with `apply`, `Auditor` or a read model.

type Sums = [debitsPosted: number, creditsPosted: number, debitsPending: number, creditsPending: number];

type Movement = { created: Entry["created"]; changed: Entry["changed"]; before: Transfer | undefined };

type At = { readonly group: Group; readonly position: number };

/** The group's, and what the clock by which it was decided said at least. */
type Times = { readonly nowMs: number; readonly clockMinMs: number };

type Line = Omit<StatementLine, "kind" | "state" | "refunded" | "reference" | "counterpartyId" | "details">;

/** Adds up what transfers say, never what counters say, and compares both; `take` names the first thing that is wrong. */
export class LogFold {
	readonly accounts = new Map<string, Account>();
	readonly transfers = new Map<string, Transfer>();
	readonly claims = new Map<string, number>();
	readonly #lines: Line[] = [];
	#head = emptyHead;

	/** @throws what is wrong */
	static of(groups: readonly Group[]): LogFold {
		const fold = new LogFold();
		for (const group of groups) {
			const wrong = fold.take(group);
			if (wrong) throw new Error(wrong);
		}
		return fold;
	}

	take(group: Group): string | null {
		const { sequence, previousHash, committedAtMs } = group;
		if (sequence !== this.#head.sequence + 1) return `${sequence} comes after ${this.#head.sequence}`;
		if (previousHash !== this.#head.hash || group.hash !== hashOf(group)) return `the chain is broken at ${sequence}`;
		if (committedAtMs < this.#head.committedAtMs) return `time runs backwards at ${sequence}`;
		for (const [position, entry] of entriesOf(group).entries()) {
			const wrong = this.#takeEntry(entry, { group, position }) ?? this.#unbalanced();
			if (wrong) return `group ${sequence}, ${entry.type} ${entry.id}: ${wrong}`;
		}
		this.#head = headOf(group);
		return null;
	}

	#takeEntry(entry: Entry, at: At): string | null {
		for (const claim of claimsOf(entry)) {
			if (this.claims.has(claim)) return `${claim} was claimed in group ${this.claims.get(claim)} before`;
			this.claims.set(claim, at.group.sequence);
		}
		const { refusal, opened, stateSet, created, changed, counters, tombstone } = entry;
		if (refusal)
			return (opened ?? stateSet ?? created ?? changed ?? counters ?? tombstone)
				? "it was refused and has an effect"
				: null;
		if (opened) this.accounts.set(opened.id, opened);
		if (stateSet)
			this.accounts.set(stateSet.accountId, { ...this.#account(stateSet.accountId), state: stateSet.state });
		if (created || changed) return this.#move(entry, at);
		return counters ? "counters change without a transfer" : null;
	}

	#move({ created, changed, counters = [] }: Entry, at: At): string | null {
		const before = changed && this.transfers.get(changed.id);
		const moved = created ?? (before && changed && { ...before, state: changed.state, amount: changed.amount });
		if (!moved) return "it changes a transfer that is not there";
		const { committedAtMs: nowMs } = at.group;
		// A group no later than the one before it has that one's time, and was decided by a clock that may have been behind.
		const clockMinMs = nowMs > this.#head.committedAtMs ? nowMs : 0;
		const wrong = this.#wrongTransfer(moved, { created, changed, before }, { nowMs, clockMinMs });
		if (wrong) return wrong;
		const posted = moved.state === "posted" ? moved.amount : 0;
		const pending = created ? created.amount - posted : -(before?.amount ?? 0);
		this.#shift(moved.debitAccountId, [posted, 0, pending, 0]);
		this.#shift(moved.creditAccountId, [0, posted, 0, pending]);
		if (created) this.transfers.set(created.id, created);
		if (before && changed) this.transfers.set(before.id, { ...before, ...changed });
		if (posted > 0) this.#addLines(moved, at);
		const sides = [moved.debitAccountId, moved.creditAccountId];
		return this.#wrongCounters(counters, sides) ?? this.#wrongSides(moved);
	}

	#wrongTransfer(moved: Transfer, { created, changed, before }: Movement, times: Times): string | null {
		if (!Number.isSafeInteger(moved.amount) || moved.amount < 1 || moved.amount > 1e12)
			return `it is of ${moved.amount}`;
		if (!created) return before && changed ? wrongEnd(before, changed, times) : null;
		if (this.transfers.has(created.id) || created.createdAtMs !== times.nowMs) return "it is not new";
		if ((created.kind === "refund") !== (created.reference !== null)) return "a refund needs a sale";
		return created.reference ? this.#wrongRefund(created, before, changed) : null;
	}

	#wrongRefund(refund: Transfer, sale: Transfer | undefined, changed: Entry["changed"]): string | null {
		if (!sale || !changed || sale.id !== refund.reference) return "a refund without its sale";
		if (sale.kind !== "sale" || sale.state !== "posted") return `a refund of a ${sale.state} ${sale.kind}`;
		if (changed.refunded !== sale.refunded + refund.amount) return "the refunds do not add up";
		if (changed.refunded > sale.amount) return `${changed.refunded} of ${sale.amount} was refunded`;
		return refund.debitAccountId === sale.creditAccountId && refund.creditAccountId === sale.debitAccountId
			? null
			: "it goes to somebody else";
	}

	#account(id: string): Account {
		const account = this.accounts.get(id);
		if (!account) throw new Error(`there is no account ${id}`);
		return account;
	}

	#shift(id: string, by: Sums): void {
		const account = this.#account(id);
		this.accounts.set(id, {
			...account,
			debitsPosted: account.debitsPosted + by[0],
			creditsPosted: account.creditsPosted + by[1],
			debitsPending: account.debitsPending + by[2],
			creditsPending: account.creditsPending + by[3],
		});
	}

	#wrongCounters(counters: readonly Counters[], ids: readonly string[]): string | null {
		const expected = ids.map((id) => {
			const { debitsPosted, creditsPosted, debitsPending, creditsPending } = this.#account(id);
			return [id, debitsPosted, creditsPosted, debitsPending, creditsPending];
		});
		const same = JSON.stringify(expected) === JSON.stringify(counters);
		return same ? null : `the counters are ${JSON.stringify(counters)}, they should be ${JSON.stringify(expected)}`;
	}

	#wrongSides({ debitAccountId, creditAccountId, kind, state }: Transfer): string | null {
		const [debit, credit] = [this.#account(debitAccountId), this.#account(creditAccountId)];
		if (debit.id === credit.id) return "both sides are one account";
		const available = debit.creditsPosted - debit.debitsPosted - debit.debitsPending;
		if (debit.kind !== "system" && available < 0) return `${debit.id} has ${available} available`;
		for (const { id, debitsPosted, creditsPosted, debitsPending, creditsPending } of [debit, credit])
			if (Math.min(debitsPosted, creditsPosted, debitsPending, creditsPending) < 0) return `${id} has less than none`;
		// What is released is given back whatever became of the accounts.
		if (state === "voided" || state === "expired") return null;
		if (debit.state === "closed" || credit.state === "closed") return "an account is closed";
		const frozen = debit.state === "frozen" || (credit.state === "frozen" && kind !== "refund");
		return frozen && kind !== "adjustment" ? "an account is frozen" : null;
	}

	#unbalanced(): string | null {
		let [posted, pending] = [0, 0];
		for (const account of this.accounts.values()) {
			posted += account.creditsPosted - account.debitsPosted;
			pending += account.creditsPending - account.debitsPending;
		}
		return posted === 0 && pending === 0 ? null : `the sum over all accounts is ${posted} posted, ${pending} pending`;
	}

	#addLines(
		{ id, amount, debitAccountId, creditAccountId }: Transfer,
		{ group, position }: { group: Group; position: number },
	) {
		for (const [accountId, change] of [
			[debitAccountId, -amount],
			[creditAccountId, amount],
		] as const) {
			const { creditsPosted, debitsPosted } = this.#account(accountId);
			const place = { sequence: group.sequence, position, postedAtMs: group.committedAtMs };
			this.#lines.push({
				accountId,
				transferId: id,
				amount: change,
				balanceAfter: creditsPosted - debitsPosted,
				...place,
			});
		}
	}

	get lineCount(): number {
		return this.#lines.length;
	}
	holds(): Transfer[] {
		return [...this.transfers.values()].filter(({ state }) => state === "pending");
	}
	refundsOf(id: string): Transfer[] {
		return [...this.transfers.values()].filter(({ reference }) => reference === id);
	}

	/** Newest first. */
	statement({
		accountId,
		before,
		kinds,
		fromMs = 0,
		toMs = Number.POSITIVE_INFINITY,
		limit,
	}: StatementQuery): StatementLine[] {
		const older = (line: Line) =>
			!before ||
			line.sequence < before.sequence ||
			(line.sequence === before.sequence && line.position < before.position);
		const lines = this.#lines
			.filter(
				(line) => line.accountId === accountId && older(line) && line.postedAtMs >= fromMs && line.postedAtMs < toMs,
			)
			.map((line): StatementLine => {
				const { kind, state, refunded, reference, details, ...sides } = this.transfers.get(line.transferId) as Transfer;
				const counterpartyId = sides.debitAccountId === accountId ? sides.creditAccountId : sides.debitAccountId;
				return { ...line, kind, state, refunded, reference, counterpartyId, details };
			})
			.filter(({ kind }) => !kinds || kinds.includes(kind));
		return lines.reverse().slice(0, limit);
	}

	totals({ accountId, fromMs, toMs }: { accountId: AccountId; fromMs: number; toMs: number }): Total[] {
		const totals = new Map<string, Total>();
		const lines = this.statement({ accountId, fromMs, toMs, limit: Number.POSITIVE_INFINITY });
		for (const { kind, amount, postedAtMs } of lines) {
			const side = amount < 0 ? "debit" : "credit";
			const hourMs = postedAtMs - (postedAtMs % 3_600_000);
			const key = `${hourMs} ${kind} ${side}`;
			const before = totals.get(key) ?? { hourMs, kind, side, count: 0, amount: 0 };
			totals.set(key, { ...before, count: before.count + 1, amount: before.amount + Math.abs(amount) });
		}
		return [...totals.values()].sort(byJson);
	}
}

/** What is wrong with how a hold ended. */
function wrongEnd(held: Transfer, ended: NonNullable<Entry["changed"]>, { nowMs, clockMinMs }: Times): string | null {
	const endMs = held.expiresAtMs ?? Number.POSITIVE_INFINITY;
	if (held.state !== "pending") return `${held.id} was ${held.state}`;
	if (ended.state === "posted" && clockMinMs >= endMs) return "a hold was posted after its end";
	if (ended.state === "expired" && nowMs < endMs) return "a hold expired before its end";
	if (ended.state !== "posted" && ended.amount !== held.amount) return "what was released is not what was held";
	return ended.amount > held.amount || ended.refunded !== 0 ? "more was posted than was held" : null;
}

const byJson = (left: unknown, right: unknown): number => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1);

export const sorted = <T>(values: Iterable<T>): T[] => plain([...values]).sort(byJson);

/** Says which of these groups made what, as the journal of their log would. */
export function locateIn(groups: readonly Group[]): Locate {
	const { claims } = LogFold.of(groups);
	return async (ids) => new Map(ids.flatMap((id) => (claims.has(id) ? [[id, claims.get(id) as number]] : [])));
}
