import { entriesOf, type Group } from "./journal.ts";
import type { Account, Entry, Transfer } from "./model.ts";
import { HOUR_MS, movedBy, type Place, placeNumber, postingsOf } from "./read-model.ts";
import type { Moved, TransferKey } from "./read-model-mongo-collections.ts";
import type { Update } from "./read-model-mongo-writes.ts";

// What a batch of groups writes into the read model in MongoDB, without a database: each document once, as it stands at the end.
//
// Every document says up to which group it is written (`at`). A write of something older does nothing, so it does not matter who writes
// a batch, how often, how batches are cut, or that somebody who was slow comes late.

type Fields = Record<string, unknown>;

/** What became of one document. */
export type Change<Key> = {
	readonly id: string;
	/** Its `_id`, if these groups made it. */
	readonly madeAs?: Key;
	readonly fields: Fields;
	at: number;
};

/** What a group adds to a sum. */
type Addend = { readonly at: number; count: number; amount: number };
type Hour = { readonly accountId: string; readonly hour: number; readonly sums: Map<string, Addend[]>; at: number };

export class Batch {
	readonly #accounts = new Map<string, Change<string>>();
	readonly #transfers = new Map<string, Change<TransferKey>>();
	readonly #hours = new Map<string, Hour>();
	transferCount = 0;
	postingCount = 0;

	constructor(groups: readonly Group[]) {
		for (const group of groups) {
			for (const [position, entry] of entriesOf(group).entries()) this.#add(entry, group, position);
		}
	}

	get accounts(): readonly Change<string>[] {
		return [...this.#accounts.values()];
	}
	get transfers(): readonly Change<TransferKey>[] {
		return [...this.#transfers.values()];
	}
	get hours(): readonly Addition[] {
		return [...this.#hours].map(([_id, hour]) => addition(_id, hour));
	}

	#add(entry: Entry, { sequence, committedAtMs }: Group, position: number): void {
		const { opened, stateSet, created, changed, counters } = entry;
		if (opened) this.#addAccount(opened, sequence);
		if (stateSet) set(this.#accounts, stateSet.accountId, { state: stateSet.state }, sequence);
		for (const [id, debitsPosted, creditsPosted, debitsPending, creditsPending] of counters ?? []) {
			set(this.#accounts, id, { debitsPosted, creditsPosted, debitsPending, creditsPending }, sequence);
		}
		if (created) this.#addTransfer(created, sequence);
		if (changed) {
			const { id, state, amount, refunded } = changed;
			set(this.#transfers, id, { state, amount, refunded }, sequence);
		}
		this.#addPostings(entry, { sequence, position }, committedAtMs);
		this.#addToHours(entry, sequence, committedAtMs);
	}

	#addAccount({ id, ...fields }: Account, at: number): void {
		this.#accounts.set(id, { id, madeAs: id, fields, at });
	}

	#addTransfer({ reference, details, ...fields }: Transfer, sequence: number): void {
		this.transferCount++;
		const { id, debitAccountId, creditAccountId } = fields;
		const sides = [debitAccountId, creditAccountId];
		const stored = { ...fields, ...(reference !== null && { reference }), details: JSON.stringify(details), sides };
		this.#transfers.set(id, { id, madeAs: { sequence, id }, fields: stored, at: sequence });
	}

	#addPostings(entry: Entry, place: Place, postedAtMs: number): void {
		const [debit, credit] = postingsOf(entry);
		if (!debit || !credit) return;
		this.postingCount += 2;
		const balances = { debitBalance: debit.balanceAfter, creditBalance: credit.balanceAfter };
		const moved: Moved = { place: placeNumber(place), postedAtMs, ...balances };
		set(this.#transfers, debit.transferId, moved, place.sequence);
	}

	#addToHours(entry: Entry, at: number, atMs: number): void {
		const moved = movedBy(entry);
		if (!moved) return;
		const hour = Math.floor(atMs / HOUR_MS);
		for (const [index, [accountId]] of (entry.counters ?? []).entries()) {
			if (!accountId.startsWith("store:")) continue;
			const key = `${accountId} ${hour}`;
			const of = this.#hours.get(key) ?? { accountId, hour, sums: new Map<string, Addend[]>(), at };
			this.#hours.set(key, of);
			of.at = at;
			add(of.sums, `${index === 0 ? "debit" : "credit"}.${moved.kind}`, { at, count: 1, amount: moved.amount });
		}
	}
}

/** All of it is how things stand afterwards, so the last word on a field is the only one that is written. */
function set<Key>(changes: Map<string, Change<Key>>, id: string, fields: Fields, at: number): void {
	const change = changes.get(id);
	if (!change) changes.set(id, { id, fields: { ...fields }, at });
	else {
		Object.assign(change.fields, fields);
		change.at = at;
	}
}

/** One addend for a group, whatever it has in it. */
function add(sums: Map<string, Addend[]>, name: string, addend: Addend): void {
	const addends = sums.get(name);
	const last = addends?.at(-1);
	if (last?.at === addend.at) {
		last.count += addend.count;
		last.amount += addend.amount;
	} else if (addends) addends.push(addend);
	else sums.set(name, [addend]);
}

/** What a batch adds to the sums of an hour, in two ways. */
export type Addition = {
	/** All of it, if the document has nothing of it yet. Otherwise it is as if the document were to be made a second time. */
	readonly wholly: Update;
	/** What the document does not have yet. The server decides what that is, in one step with the adding, which costs it more. */
	readonly missing: Update;
};

function addition(_id: string, { accountId, hour, sums, at }: Hour): Addition {
	const named = [...sums];
	const firstAt = Math.min(...named.flatMap(([, addends]) => addends.map((addend) => addend.at)));
	const total = (addends: readonly Addend[], what: "count" | "amount") =>
		addends.reduce((sum, addend) => sum + addend[what], 0);
	const increments = named.flatMap(([name, addends]) =>
		(["count", "amount"] as const).map((what) => [`${name}.${what}`, total(addends, what)] as const),
	);
	const wholly = { $inc: Object.fromEntries(increments), $set: { at }, $setOnInsert: { accountId, hour } };
	return {
		wholly: { q: { _id, at: { $lt: firstAt } }, u: wholly, upsert: true },
		missing: { q: { _id }, u: [{ $set: fieldsOfMissing(named, at) }] },
	};
}

function fieldsOfMissing(named: readonly (readonly [string, readonly Addend[]])[], at: number): Fields {
	const fields: Fields = { at: { $max: ["$at", at] } };
	for (const [name, addends] of named) {
		const those = { $filter: { input: { $literal: addends }, cond: { $gt: ["$$this.at", "$at"] } } };
		for (const what of ["count", "amount"]) {
			const more = { $sum: { $map: { input: those, in: `$$this.${what}` } } };
			fields[`${name}.${what}`] = { $add: [{ $ifNull: [`$${name}.${what}`, 0] }, more] };
		}
	}
	return fields;
}
