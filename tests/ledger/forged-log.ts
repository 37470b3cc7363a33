import assert from "node:assert/strict";
import { Auditor, type Discrepancy } from "../../services/credit/audit.ts";
import { emptyHead, entriesOf, type Group, headOf, makeGroup } from "../../services/credit/journal.ts";
import type {
	Account,
	AccountId,
	Command,
	CommandId,
	Counters,
	Entry,
	Jti,
	Transfer,
	TransferId,
} from "../../services/credit/model.ts";
import { LogFold } from "./log-fold.ts";
import { FUNDING, idOf, LogMaker, OPENING, payCommand } from "./random-log.ts";

export function withAuditor<T>(work: (auditor: Auditor) => T): T {
	const auditor = new Auditor();
	try {
		return work(auditor);
	} finally {
		auditor.close();
	}
}

/** The log and what the read model says, in the order in which the audit runs; the first thing that is wrong. */
export const audit = (groups: readonly Group[], accounts: Iterable<Account> = []): Discrepancy | null =>
	withAuditor((auditor) => {
		for (const group of groups) {
			const discrepancy = auditor.check(group);
			if (discrepancy) return discrepancy;
		}
		const unbalanced = auditor.finish();
		if (unbalanced) return unbalanced;
		for (const account of accounts) {
			const discrepancy = auditor.compare(account);
			if (discrepancy) return discrepancy;
		}
		return null;
	});

// A small log, one command a group, with everything in it that a fault may be planted in.
export type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export type Forged = Mutable<Omit<Entry, "created" | "changed" | "counters">> & {
	created?: Mutable<Transfer>;
	changed?: Mutable<NonNullable<Entry["changed"]>>;
	counters?: Counters[];
};

type Page = { nowMs: number; entries: Forged[] };

export const SALE = { from: "wallet:u_1", to: "store:s_1", amount: 100 };

const redeem = (jti: string) => ({ redeem: { jti: jti as Jti, expiresAtMs: 1e13, cap: 1_000 } });

export const target = (id: string) => ({ transferId: id as TransferId });

const setState = (id: string, accountId: string, state: Account["state"]): Command => ({
	...idOf(id),
	type: "set-state",
	accountId: accountId as AccountId,
	state,
	reason: "because",
});

export const COMMANDS: readonly Command[] = [
	...OPENING,
	payCommand("charge", "charge", { from: FUNDING, to: "wallet:u_1", amount: 1_000 }),
	payCommand("charge2", "charge", { from: FUNDING, to: "wallet:u_2", amount: 500 }),
	payCommand("sale", "sale", SALE),
	{ ...payCommand("coded", "sale", SALE), ...redeem("code-1") },
	{ ...payCommand("coded2", "sale", SALE), ...redeem("code-2") },
	{ ...payCommand("hold", "sale", SALE), hold: { ttlMs: 1_000 } },
	{ ...idOf("post"), type: "post", ...target("hold"), amount: 60 },
	{ ...payCommand("hold2", "sale", SALE), hold: { ttlMs: 1_000 } },
	{ ...idOf("void"), type: "void", ...target("hold2") },
	{ ...payCommand("hold3", "sale", SALE), hold: { ttlMs: 1 } },
	{ ...idOf("refund"), type: "refund", ...target("sale"), amount: 30, details: {} },
	{ ...idOf("refund2"), type: "refund", ...target("sale"), amount: 70, details: {} },
	payCommand("refused", "sale", { ...SALE, amount: 1e6 }),
	{ ...idOf("cancel"), type: "cancel", targetId: "late" as CommandId, details: {} },
	setState("freeze", "wallet:u_2", "frozen"),
	setState("close", "wallet:u_3", "closed"),
	payCommand("p2p", "p2p", { from: "wallet:u_1", to: "store:s_2", amount: 5 }),
	payCommand("last", "sale", SALE),
];

export function original(): Group[] {
	const maker = new LogMaker();
	for (const command of COMMANDS) maker.add([command], maker.nowMs + 10);
	return maker.groups;
}

export const truth = LogFold.of(original());

/** The log as pages that can be written on. */
export class Pages {
	readonly pages: Page[] = original().map((group) => ({
		nowMs: group.committedAtMs,
		entries: entriesOf(group) as Forged[],
	}));

	indexOf(id: string): number {
		const index = this.pages.findIndex(({ entries }) => entries.some((entry) => entry.id === id));
		return index >= 0 ? index : assert.fail(`there is no ${id}`);
	}
	page(id: string): Page {
		return this.pages[this.indexOf(id)] as Page;
	}
	entry(id: string): Forged {
		return this.page(id).entries[0] as Forged;
	}
	created(id: string): Mutable<Transfer> {
		return this.entry(id).created ?? assert.fail(`${id} made no transfer`);
	}
	changed(id: string): Mutable<NonNullable<Entry["changed"]>> {
		return this.entry(id).changed ?? assert.fail(`${id} changed no transfer`);
	}
	/** `[debit side, credit side]` */
	counters(id: string): [number[], number[]] {
		return this.entry(id).counters as unknown as [number[], number[]];
	}
	add(count: (counters: number[]) => void, ...ids: string[]): void {
		for (const id of ids) for (const counters of this.counters(id)) count(counters);
	}
	remove(id: string): void {
		this.pages.splice(this.indexOf(id), 1);
	}
	/** After the page with this id, at its time. */
	/** A moment later, so that it is known what the clock said. */
	insert(after: string, entry: Entry): void {
		const nowMs = this.page(after).nowMs + 1;
		this.pages.splice(this.indexOf(after) + 1, 0, { nowMs, entries: [structuredClone(entry) as Forged] });
	}

	/** With numbers and hashes that fit: a forger would do the same. */
	chained(): Group[] {
		const groups: Group[] = [];
		for (const { nowMs, entries } of this.pages) {
			const previous = groups.at(-1);
			groups.push(makeGroup({ lane: 0, previous: previous ? headOf(previous) : emptyHead, nowMs, entries }));
		}
		return groups;
	}
}

export const DEBITS_POSTED = 1;

export const CREDITS_POSTED = 2;

/** Changes one counter of one side of an entry. */
export const bump = (pages: Pages, id: string, side: 0 | 1, counter: number, by: number): void => {
	const counters = pages.counters(id)[side];
	counters[counter] = (counters[counter] as number) + by;
};
