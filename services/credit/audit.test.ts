import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, it } from "node:test";
import { MemoryJournal } from "../../tests/ledger/memory-journal.ts";
import {
	FUNDING,
	idOf,
	LogFold,
	LogMaker,
	memoryOf,
	OPENING,
	payCommand,
	randomLog,
} from "../../tests/ledger/read-model-conformance.ts";
import { Auditor, type Discrepancy } from "./audit.ts";
import { auditLedger } from "./audit-run.ts";
import { emptyHead, entriesOf, type Group, hashOf, headOf, makeGroup } from "./journal.ts";
import type { Account, AccountId, Command, CommandId, Counters, Entry, Jti, Transfer, TransferId } from "./model.ts";
import { SqliteReadModel } from "./read-model-sqlite.ts";
import { RunningLedger } from "./running-ledger.ts";

function withAuditor<T>(work: (auditor: Auditor) => T): T {
	const auditor = new Auditor();
	try {
		return work(auditor);
	} finally {
		auditor.close();
	}
}

/** The log and what the read model says, in the order in which the audit runs; the first thing that is wrong. */
const audit = (groups: readonly Group[], accounts: Iterable<Account> = []): Discrepancy | null =>
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

/** As the auditor keeps it. */
const withoutReceipt = (transfer: Transfer): Transfer => ({ ...transfer, details: {} });

describe("the audit of a log that is right", () => {
	for (const seed of [1, 2]) {
		it(`finds nothing in 1,000 random groups (seed ${seed}), and has counted them`, () => {
			const log = randomLog({ seed, groups: 1_000 });
			const fold = LogFold.of(log);
			assert.equal(audit(log, fold.accounts.values()), null);
			withAuditor((auditor) => {
				for (const group of log) auditor.check(group);
				const entries = log.flatMap(entriesOf);
				assert.equal(auditor.entries, entries.length);
				assert.equal(auditor.refused, entries.filter(({ refusal }) => refusal).length);
				assert.deepEqual(auditor.head, headOf(log.at(-1) as Group));
				assert.deepEqual(new Map(auditor.accounts), new Map(fold.accounts));
				const transfers = [...fold.transfers].map(([id, transfer]) => [id, withoutReceipt(transfer)] as const);
				assert.deepEqual(new Map(auditor.transfers), new Map(transfers));
				assert.deepEqual([auditor.accounts.size, auditor.transfers.size], [fold.accounts.size, fold.transfers.size]);
			});
		});
	}

	it("finds nothing in an empty log", () => assert.equal(audit([]), null));
});

// A small log, one command a group, with everything in it that a fault may be planted in.

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type Forged = Mutable<Omit<Entry, "created" | "changed" | "counters">> & {
	created?: Mutable<Transfer>;
	changed?: Mutable<NonNullable<Entry["changed"]>>;
	counters?: Counters[];
};
type Page = { nowMs: number; entries: Forged[] };

const SALE = { from: "wallet:u_1", to: "store:s_1", amount: 100 };
const redeem = (jti: string) => ({ redeem: { jti: jti as Jti, expiresAtMs: 1e13, cap: 1_000 } });
const target = (id: string) => ({ transferId: id as TransferId });
const setState = (id: string, accountId: string, state: Account["state"]): Command => ({
	...idOf(id),
	type: "set-state",
	accountId: accountId as AccountId,
	state,
	reason: "because",
});

const COMMANDS: readonly Command[] = [
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

function original(): Group[] {
	const maker = new LogMaker();
	for (const command of COMMANDS) maker.add([command], maker.nowMs + 10);
	return maker.groups;
}

const truth = LogFold.of(original());

/** The log as pages that can be written on. */
class Pages {
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
	insert(after: string, entry: Entry): void {
		const { nowMs } = this.page(after);
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

const DEBITS_POSTED = 1;
const CREDITS_POSTED = 2;
const DEBITS_PENDING = 3;
const CREDITS_PENDING = 4;

/** Changes one counter of one side of an entry. */
const bump = (pages: Pages, id: string, side: 0 | 1, counter: number, by: number): void => {
	const counters = pages.counters(id)[side];
	counters[counter] = (counters[counter] as number) + by;
};

/** An entry, how its log is forged, and what the audit says of the first wrong entry. */
type Fault = [name: string, where: string, plant: (pages: Pages) => void, what: RegExp];

const OFF = /stands at \[.*\], it should be/;

const semantic: Fault[] = [
	["an amount that is one more", "sale", (p) => p.created("sale").amount++, OFF],
	["an amount that is one less", "sale", (p) => p.created("sale").amount--, OFF],
	["an amount of 0", "sale", (p) => Object.assign(p.created("sale"), { amount: 0 }), /the amount is 0/],
	["an amount below 0", "sale", (p) => Object.assign(p.created("sale"), { amount: -5 }), /the amount is -5/],
	[
		"an amount of half a credit",
		"sale",
		(p) => Object.assign(p.created("sale"), { amount: 99.5 }),
		/the amount is 99.5/,
	],
	...[DEBITS_POSTED, CREDITS_POSTED, DEBITS_PENDING, CREDITS_PENDING].flatMap((counter) =>
		([0, 1] as const).map(
			(side): Fault => [
				`counter ${counter} of side ${side} one off`,
				"sale",
				(p) => bump(p, "sale", side, counter, 1),
				OFF,
			],
		),
	),
	[
		"one credit that appears on both sides",
		"sale",
		(p) => p.add((c) => c[CREDITS_POSTED] && c[CREDITS_POSTED]++, "sale"),
		OFF,
	],
	["a hold that holds one less", "hold", (p) => bump(p, "hold", 0, DEBITS_PENDING, -1), OFF],
	["a hold that is booked as posted", "hold", (p) => Object.assign(p.created("hold"), { state: "posted" }), OFF],
	["a post of more than was booked", "post", (p) => p.changed("post").amount++, OFF],
	["a post of more than was held", "post", postOfMore, /more was posted than was held/],
	["a post that releases nothing", "post", (p) => bump(p, "post", 0, DEBITS_PENDING, 100), OFF],
	["a void that is booked as a post", "void", (p) => Object.assign(p.changed("void"), { state: "posted" }), OFF],
	[
		"a void of a hold that was posted",
		"void",
		(p) => Object.assign(p.changed("void"), { id: "hold" }),
		/posted became voided/,
	],
	[
		"a hold that stays pending",
		"void",
		(p) => Object.assign(p.changed("void"), { state: "pending" }),
		/became pending/,
	],
	["a void of what is not there", "void", (p) => Object.assign(p.changed("void"), { id: "none" }), /no transfer none/],
	["a sale that is deleted", "coded", (p) => p.remove("sale"), OFF],
	["a hold that is deleted", "post", (p) => p.remove("hold"), /no transfer hold/],
	["an opening that is deleted", "charge", (p) => p.remove("open.wallet:u_1"), /no account wallet:u_1/],
	["a post before its hold", "post", (p) => swap(p, "hold", "post"), /no transfer hold/],
	["two sales that changed places", "coded", (p) => swap(p, "sale", "coded"), OFF],
	["an id twice", "sale", (p) => p.insert("coded2", p.entry("sale")), /sale was there before/],
	["an id of a refused one twice", "refused", (p) => p.insert("last", p.entry("refused")), /refused was there before/],
	[
		"a code twice",
		"coded2",
		(p) => Object.assign(p.entry("coded2").redeemed ?? {}, { jti: "code-1" }),
		/code:code-1 was there before/,
	],
	[
		"a late arrival of what was kept out",
		"late",
		(p) => p.insert("cancel", { ...p.entry("refused"), id: "late" as CommandId }),
		/late was there before/,
	],
	[
		"a tombstone for what is booked",
		"cancel",
		(p) => Object.assign(p.entry("cancel"), { tombstone: "sale" }),
		/sale was there before/,
	],
	["refunds of more than the sale", "refund2", refundOverSale, /101 of 100 was refunded/],
	[
		"a refund that is not noted on its sale",
		"refund",
		(p) => Object.assign(p.changed("refund"), { refunded: 0 }),
		/do not add up/,
	],
	["a refund that is noted with one less", "refund2", (p) => p.changed("refund2").refunded--, /do not add up/],
	[
		"a refund that makes its sale smaller",
		"refund",
		(p) => p.changed("refund").amount--,
		/changed more than the refunded sum/,
	],
	["a refund without its sale", "refund", (p) => delete p.entry("refund").changed, /without its sale/],
	[
		"a refund of another sale than it says",
		"refund",
		(p) => Object.assign(p.created("refund"), { reference: "coded" }),
		/without its sale/,
	],
	["a refund of a charge", "refund", (p) => refundOf(p, "charge"), /a refund of a posted charge/],
	["a refund of a hold", "refund", (p) => refundOf(p, "hold3"), /a refund of a pending sale/],
	[
		"a refund to somebody else",
		"refund",
		(p) => Object.assign(p.created("refund"), { creditAccountId: "wallet:u_2" }),
		/between other accounts/,
	],
	[
		"a refused sale that moved credit",
		"refused",
		(p) => Object.assign(p.entry("refused"), { counters: p.counters("last") }),
		/refused and has an effect/,
	],
	[
		"a refused sale that made a transfer",
		"refused",
		(p) => Object.assign(p.entry("refused"), { created: p.created("last") }),
		/refused and has an effect/,
	],
	[
		"a code that a refused refund uses up",
		"unmatched",
		(p) => p.insert("last", { ...codeOf("unmatched"), type: "refund", refusal: "transfer_not_found" }),
		/uses up the code code-9 without a payment/,
	],
	[
		"a code that a sale uses up which came too late",
		"unmatched",
		(p) => p.insert("last", { ...codeOf("unmatched"), type: "transfer", refusal: "deadline_exceeded" }),
		/uses up the code code-9 without a payment/,
	],
	[
		"a code that a refused sale uses up after its end",
		"unmatched",
		(p) => p.insert("last", { ...codeOf("unmatched", 5), type: "transfer", refusal: "insufficient_credit" }),
		/the code code-9 had expired/,
	],
	[
		"a code that is used up by a cancel which found nothing to do",
		"unmatched",
		(p) => p.insert("last", { ...codeOf("unmatched"), type: "cancel" }),
		/more than a cancel that found nothing to do/,
	],
	[
		"a code that is used up by nothing",
		"unmatched",
		(p) => p.insert("last", { ...codeOf("unmatched"), type: "transfer" }),
		/not refused and has no effect/,
	],
	[
		"a sale that is called a cancel",
		"last",
		(p) => Object.assign(p.entry("last"), { type: "cancel" }),
		/more than a cancel/,
	],
	[
		"a sale that is called refused afterwards",
		"sale",
		(p) => Object.assign(p.entry("sale"), { refusal: "code_used" }),
		/refused and has an effect/,
	],
	["more spent than there was", "last", spendTooMuch, /wallet:u_1 has -\d+ left, below 0/],
	["more held than there was", "hold3", holdTooMuch, /wallet:u_1 has -\d+ left, below 0/],
	["one side only", "sale", (p) => p.entry("sale").counters?.pop(), /one debit and one credit side/],
	[
		"three sides",
		"sale",
		(p) => p.entry("sale").counters?.push(["wallet:u_2" as AccountId, 0, 500, 0, 0]),
		/one debit and one credit side/,
	],
	["sides that changed places", "sale", (p) => p.entry("sale").counters?.reverse(), /other accounts changed/],
	[
		"another payer than it says",
		"sale",
		(p) => Object.assign(p.counters("sale")[0], { 0: "wallet:u_2" }),
		/other accounts changed/,
	],
	["counters without a transfer", "sale", (p) => delete p.entry("sale").created, /counters change without a transfer/],
	[
		"a transfer with another id",
		"sale",
		(p) => Object.assign(p.created("sale"), { id: "other" }),
		/another id than its command/,
	],
	[
		"a transfer at another time than its group",
		"sale",
		(p) => p.created("sale").createdAtMs--,
		/time is not its group's/,
	],
	["a group that is dated later", "sale", (p) => p.page("sale").nowMs++, /time is not its group's/],
	[
		"an account that is opened twice",
		"again",
		(p) => p.insert("last", opening(p, "wallet:u_1", "again")),
		/the account exists/,
	],
	[
		"an account that starts with credit",
		"open.wallet:u_1",
		(p) => Object.assign(p.entry("open.wallet:u_1").opened ?? {}, { creditsPosted: 1 }),
		/starts with something in it/,
	],
	[
		"a wallet without a floor",
		"open.wallet:u_1",
		(p) => Object.assign(p.entry("open.wallet:u_1").opened ?? {}, { floor: null }),
		/the floor is null/,
	],
	[
		"a wallet that may go below zero",
		"open.wallet:u_1",
		(p) => Object.assign(p.entry("open.wallet:u_1").opened ?? {}, { floor: -1 }),
		/the floor is -1/,
	],
	[
		"a state of nobody",
		"freeze",
		(p) => Object.assign(p.entry("freeze").stateSet ?? {}, { accountId: "wallet:none" }),
		/no such account/,
	],
];

/** An entry that redeems a code, and nothing else. */
const codeOf = (id: string, expiresAtMs = 1e13): Omit<Entry, "type"> => ({
	...idOf(id),
	redeemed: { jti: "code-9" as Jti, expiresAtMs },
});

function swap(pages: Pages, left: string, right: string): void {
	const [one, two] = [pages.page(left), pages.page(right)];
	[one.entries, two.entries] = [two.entries, one.entries];
	for (const page of [one, two]) for (const { created } of page.entries) if (created) created.createdAtMs = page.nowMs;
}

function postOfMore(pages: Pages): void {
	pages.changed("post").amount = 101;
	bump(pages, "post", 0, DEBITS_POSTED, 41);
	bump(pages, "post", 1, CREDITS_POSTED, 41);
}

function refundOverSale(pages: Pages): void {
	pages.created("refund2").amount++;
	pages.changed("refund2").refunded++;
	bump(pages, "refund2", 0, DEBITS_POSTED, 1);
	bump(pages, "refund2", 1, CREDITS_POSTED, 1);
}

function refundOf(pages: Pages, sale: string): void {
	Object.assign(pages.created("refund"), { reference: sale });
	const { id, kind, state, amount } = sale === "charge" ? pages.created("charge") : pages.created(sale);
	Object.assign(pages.changed("refund"), { id, kind, state, amount, refunded: 30 });
}

function spendTooMuch(pages: Pages): void {
	pages.created("last").amount += 1_000;
	bump(pages, "last", 0, DEBITS_POSTED, 1_000);
	bump(pages, "last", 1, CREDITS_POSTED, 1_000);
}

function holdTooMuch(pages: Pages): void {
	pages.created("hold3").amount += 1_000;
	bump(pages, "hold3", 0, DEBITS_PENDING, 1_000);
	bump(pages, "hold3", 1, CREDITS_PENDING, 1_000);
}

function opening(pages: Pages, account: string, id: string): Entry {
	const entry = structuredClone(pages.entry(`open.${account}`)) as Entry;
	return { ...entry, id: id as CommandId };
}

describe("the audit of a forged log, its hashes made anew, names", () => {
	it("nothing when nothing was changed: the forger's tools are sound", () => {
		assert.deepEqual(new Pages().chained(), original());
		assert.equal(audit(new Pages().chained(), truth.accounts.values()), null);
	});

	for (const [name, where, plant, what] of semantic) {
		it(name, () => {
			const pages = new Pages();
			plant(pages);
			const discrepancy = audit(pages.chained());
			assert.ok(discrepancy, "nothing was found");
			assert.match(discrepancy.what, what);
			assert.match(discrepancy.what, new RegExp(`^[a-z-]+ ${where}: `), `found at ${discrepancy.what}`);
			assert.deepEqual(
				[discrepancy.sequence, discrepancy.position],
				[pages.indexOf(where) + 1 + twice(pages, where), 0],
			);
		});
	}

	it("time that runs backwards", () => {
		const pages = new Pages();
		pages.page("freeze").nowMs = 5;
		const discrepancy = audit(pages.chained());
		assert.deepEqual(discrepancy, {
			sequence: pages.indexOf("freeze") + 1,
			position: null,
			what: "time runs backwards",
		});
	});

	it("the place within a group", () => {
		const pages = new Pages();
		const [first] = pages.pages;
		for (const page of pages.pages.splice(1)) first?.entries.push(...page.entries);
		for (const { created } of first?.entries ?? []) if (created && first) created.createdAtMs = first.nowMs;
		assert.equal(audit(pages.chained()), null);
		pages.pages[0]?.entries.splice(12, 0, structuredClone(pages.pages[0]?.entries[3] as Forged));
		assert.deepEqual(audit(pages.chained()), {
			sequence: 1,
			position: 12,
			what: "open open.wallet:u_2: open.wallet:u_2 was there before",
		});
	});

	/** An id that is in the log twice is wrong where it comes again. */
	function twice(pages: Pages, id: string): number {
		const places = pages.pages.flatMap(({ entries }, index) =>
			entries.some((entry) => entry.id === id) ? [index] : [],
		);
		return (places.at(-1) ?? 0) - (places[0] ?? 0);
	}
});

describe("the audit of a chain that is broken names", () => {
	const damage: [string, (groups: Group[]) => void, number, RegExp][] = [
		[
			"an amount that was changed in the text",
			(g) => edit(g, 10, (body) => body.replace('"amount":100', '"amount":101')),
			10,
			/not what was hashed/,
		],
		["an edited receipt", (g) => edit(g, 10, (body) => body.replace("라떼", "모카")), 10, /not what was hashed/],
		["a space in the text", (g) => edit(g, 10, (body) => body.replace("{", "{ ")), 10, /not what was hashed/],
		[
			"a changed time",
			(g) => Object.assign(g[9] as Group, { committedAtMs: (g[9]?.committedAtMs ?? 0) + 1 }),
			10,
			/not what was hashed/,
		],
		["another lane", (g) => Object.assign(g[9] as Group, { lane: 1 }), 10, /not what was hashed/],
		["a changed hash", (g) => Object.assign(g[9] as Group, { hash: "0".repeat(64) }), 10, /not what was hashed/],
		["a changed group that was hashed anew", (g) => rehash(g, 10), 11, /does not follow/],
		[
			"another previous hash",
			(g) => Object.assign(g[9] as Group, { previousHash: "0".repeat(64) }),
			10,
			/does not follow/,
		],
		["a missing group", (g) => g.splice(9, 1), 11, /group 10 is missing/],
		["a missing first group", (g) => g.splice(0, 1), 2, /group 1 is missing/],
		["a group twice", (g) => g.splice(9, 0, g[9] as Group), 10, /group 11 is missing/],
		["groups that changed places", (g) => g.splice(9, 2, g[10] as Group, g[9] as Group), 11, /group 10 is missing/],
		[
			"a log that begins with another one's end",
			(g) => g.splice(0, 0, { ...(g[0] as Group), sequence: 0 }),
			0,
			/group 1 is missing/,
		],
	];

	function edit(groups: Group[], sequence: number, change: (body: string) => string): void {
		const group = groups[sequence - 1] as Group;
		const body = change(group.body);
		assert.notEqual(body, group.body);
		groups[sequence - 1] = { ...group, body };
	}

	function rehash(groups: Group[], sequence: number): void {
		edit(groups, sequence, (body) => body.replace("라떼", "모카"));
		const group = groups[sequence - 1] as Group;
		groups[sequence - 1] = { ...group, hash: hashOf(group) };
	}

	for (const [name, inflict, sequence, what] of damage) {
		it(name, () => {
			const groups = original();
			inflict(groups);
			const discrepancy = audit(groups);
			assert.match(discrepancy?.what ?? "nothing", what);
			assert.deepEqual([discrepancy?.sequence, discrepancy?.position], [sequence, null]);
		});
	}
});

describe("the audit of the whole names", () => {
	it("a sum that is not 0, when every group was right", () => {
		for (const counter of ["creditsPosted", "debitsPending"] as const) {
			withAuditor((auditor) => {
				for (const group of original()) assert.equal(auditor.check(group), null);
				assert.equal(auditor.finish(), null);
				const account = auditor.accounts.get("wallet:u_1" as AccountId) ?? assert.fail();
				auditor.accounts.set({ ...account, [counter]: account[counter] + 1 });
				assert.match(
					auditor.finish()?.what ?? "nothing",
					/the sum over all accounts is -?[01] posted and -?[01] pending, not 0/,
				);
			});
		}
	});

	const fields: Partial<Mutable<Account>>[] = [
		...[{ debitsPosted: 1 }, { creditsPosted: 1 }, { debitsPending: 1 }, { creditsPending: 1 }],
		...[{ state: "frozen" as const }, { floor: null }, { owner: "somebody else" }, { kind: "system" as const }],
	];
	for (const by of fields) {
		const [field] = Object.keys(by) as [keyof Account];
		it(`a read model whose ${field} is another`, () => {
			const account = truth.accounts.get("wallet:u_1") ?? assert.fail();
			const value = typeof by[field] === "number" ? (account[field] as number) + 1 : by[field];
			const what = `the read model has ${field} = ${value} for wallet:u_1, the log ${account[field]}`;
			const sequence = original().length;
			assert.deepEqual(audit(original(), [{ ...account, [field]: value }]), { sequence, position: null, what });
		});
	}

	it("an account that only the read model has", () => {
		const account = truth.accounts.get("wallet:u_1") ?? assert.fail();
		const discrepancy = audit(original(), [{ ...account, id: "wallet:u_9" as AccountId }]);
		assert.match(discrepancy?.what ?? "nothing", /the read model has account wallet:u_9, the log has not/);
	});
});

describe("auditLedger", () => {
	const folder = mkdtempSync(join(tmpdir(), "hannip-audit-"));
	after(() => rmSync(folder, { recursive: true }));

	async function ledgerOn(name: string, groups: readonly Group[]): Promise<{ ledger: RunningLedger; path: string }> {
		const path = join(folder, name);
		const journal = new MemoryJournal(memoryOf(groups));
		return { ledger: await RunningLedger.open({ journal, readModel: await SqliteReadModel.open(path) }), path };
	}

	it("says that all is right, and how much that is", async () => {
		const { ledger } = await ledgerOn("right.sqlite", original());
		const { tookMs, ...report } = await auditLedger(ledger);
		await ledger.close();
		assert.ok(tookMs >= 0);
		const head = headOf(original().at(-1) as Group);
		assert.deepEqual(report, {
			clean: true,
			discrepancy: null,
			groups: COMMANDS.length,
			entries: COMMANDS.length,
			refused: 1,
			accounts: truth.accounts.size,
			transfers: truth.transfers.size,
			inCirculation: 1_500,
			headSequence: head.sequence,
			headHash: head.hash,
		});
	});

	const tampering: [string, string, RegExp][] = [
		[
			"a balance",
			"UPDATE accounts SET credits_posted = credits_posted + 1 WHERE id = 'wallet:u_1'",
			/creditsPosted = 1101 for wallet:u_1/,
		],
		[
			"an account too many",
			"INSERT INTO accounts SELECT 'wallet:z', kind, owner, floor, state, 0, 0, 0, 0 FROM accounts WHERE id = 'wallet:u_1'",
			/has account wallet:z/,
		],
		[
			"an account too few",
			"DELETE FROM accounts WHERE id = 'wallet:u_1'",
			/the read model has \d accounts, the log \d/,
		],
	];
	for (const [name, sql, what] of tampering) {
		it(`names ${name} in the read model's file`, async () => {
			const { ledger, path } = await ledgerOn(`${name}.sqlite`, original());
			const db = new DatabaseSync(path);
			db.exec(sql);
			db.close();
			const { clean, discrepancy } = await auditLedger(ledger);
			await ledger.close();
			assert.equal(clean, false);
			assert.match(discrepancy?.what ?? "nothing", what);
		});
	}

	it("is right while payments go on", async () => {
		const { ledger } = await ledgerOn("busy.sqlite", original());
		let going = true;
		const paying = (async () => {
			for (let n = 0; going; n++)
				await ledger.submit(payCommand(`busy.${n}`, "charge", { from: FUNDING, to: "wallet:u_1", amount: 1 }));
		})();
		const reports = [await auditLedger(ledger), await auditLedger(ledger)];
		going = false;
		await paying;
		await ledger.close();
		for (const { clean, discrepancy } of reports) assert.equal(clean, true, JSON.stringify(discrepancy));
	});
});

// What adds up, and is against the rules all the same.

describe("the audit of a forged log whose sums are right names", () => {
	const unseen: [string, (pages: Pages) => void][] = [
		["a post of less than nothing", (p) => forgePost(p, -5)],
		["a post of nothing", (p) => forgePost(p, 0)],
		["an amount over the maximum", amountOverMaximum],
		["an opening that moves credit as well", openingThatMoves],
		[
			"a state that moves credit as well",
			(p) => Object.assign(p.entry("last"), { stateSet: p.entry("freeze").stateSet }),
		],
		[
			"a hold that was posted after its end",
			(p) => Object.assign(p.created("hold"), { expiresAtMs: p.page("hold").nowMs + 1 }),
		],
		["a hold that expired before its end", (p) => Object.assign(p.changed("void"), { state: "expired" })],
		["a sale of a frozen wallet", (p) => Object.assign(p.entry("freeze").stateSet ?? {}, { accountId: "wallet:u_1" })],
		[
			"a sale of a closed store",
			(p) => Object.assign(p.entry("freeze").stateSet ?? {}, { accountId: "store:s_1", state: "closed" }),
		],
		[
			"a closed account that is opened again",
			(p) =>
				p.insert("last", {
					...p.entry("close"),
					id: "reopen" as CommandId,
					stateSet: { accountId: "wallet:u_3" as AccountId, state: "open", reason: "" },
				}),
		],
		[
			"an account that starts closed",
			(p) => Object.assign(p.entry("open.store:s_2").opened ?? {}, { state: "closed" }),
		],
		["a void of less than was held", (p) => p.changed("void").amount--],
		["a post that notes a refund", (p) => Object.assign(p.changed("post"), { refunded: 7 })],
		["a post that changes the kind", (p) => Object.assign(p.changed("post"), { kind: "charge" })],
		["a transfer that starts as voided", (p) => Object.assign(p.created("last"), { state: "voided" })],
		["a transfer that starts as refunded", (p) => Object.assign(p.created("last"), { refunded: 100 })],
		["a sale that refers to another", (p) => Object.assign(p.created("last"), { reference: "sale" })],
		["a hold that never ends", (p) => Object.assign(p.created("hold3"), { expiresAtMs: null })],
		["a transfer from an account to itself", toItself],
		[
			"a transfer that was not refused and did nothing",
			(p) => {
				delete p.entry("last").created;
				delete p.entry("last").counters;
			},
		],
		[
			"a sale that posts a hold on the side",
			(p) =>
				Object.assign(p.entry("last"), {
					changed: { id: "hold3", kind: "sale", state: "posted", amount: 100, refunded: 0 },
				}),
		],
		[
			"a code that was used after it expired",
			(p) => Object.assign(p.entry("coded").redeemed ?? {}, { expiresAtMs: 5 }),
		],
		["a sale that keeps another id out", (p) => Object.assign(p.entry("last"), { tombstone: "somebody's" })],
	];
	for (const [name, plant] of unseen) {
		it(name, () => {
			const pages = new Pages();
			plant(pages);
			assert.ok(audit(pages.chained()), "nothing was found");
		});
	}

	/** The post is the last that happens, so that nothing after it gives it away. */
	function forgePost(pages: Pages, amount: number): void {
		pages.pages.splice(pages.indexOf("post") + 1);
		pages.changed("post").amount = amount;
		bump(pages, "post", 0, DEBITS_POSTED, amount - 60);
		bump(pages, "post", 1, CREDITS_POSTED, amount - 60);
	}

	function amountOverMaximum(pages: Pages): void {
		pages.pages.splice(pages.indexOf("charge2") + 1);
		pages.created("charge2").amount += 1e12;
		bump(pages, "charge2", 0, DEBITS_POSTED, 1e12);
		bump(pages, "charge2", 1, CREDITS_POSTED, 1e12);
	}

	/** The last sale is in an entry that is called an opening. */
	function openingThatMoves(pages: Pages): void {
		const { opened } = pages.entry("open.wallet:u_1");
		assert.ok(opened);
		Object.assign(pages.entry("last"), { type: "open", opened: { ...opened, id: "wallet:u_8" } });
	}

	function toItself(pages: Pages): void {
		pages.created("last").creditAccountId = "wallet:u_1" as AccountId;
		const [debit, credit] = pages.counters("last");
		credit.splice(0, 5, ...debit);
		bump(pages, "last", 1, CREDITS_POSTED, 100);
	}
});

// The exact words for what only one of several checks would find.

describe("the audit says exactly what is wrong with", () => {
	/** What it says of a forged last group, in its words for an entry. */
	function saidOf(id: string, forge: (pages: Pages) => void): string | undefined {
		const pages = new Pages();
		forge(pages);
		pages.pages.splice(pages.indexOf(id) + 1);
		return audit(pages.chained())?.what.replace(/^[a-z-]+ [^ ]+: /, "");
	}

	const effects = {
		...{ opened: "open.wallet:u_1", stateSet: "freeze", created: "charge" },
		...{ changed: "void", counters: "charge", tombstone: "cancel" },
	} as const;
	for (const [name, donor] of Object.entries(effects) as [keyof typeof effects, string][]) {
		it(`a refusal that has an effect: ${name}`, () => {
			const said = saidOf("refused", (p) => Object.assign(p.entry("refused"), { [name]: p.entry(donor)[name] }));
			assert.equal(said, "it was refused and has an effect");
		});
	}

	it("a refusal that uses up a code which was not looked at", () => {
		const redeemed = { jti: "x" as Jti, expiresAtMs: 1e13 };
		for (const refusal of ["deadline_exceeded", "code_used", "code_expired"] as const) {
			const said = saidOf("refused", (p) => Object.assign(p.entry("refused"), { refusal, redeemed }));
			assert.equal(said, "it uses up the code x without a payment", refusal);
		}
		assert.equal(
			saidOf("refused", (p) => Object.assign(p.entry("refused"), { redeemed })),
			undefined,
		);
	});

	it("a refusal that uses up a code at the end of its time, and not before", () => {
		const at = (offsetMs: number) =>
			saidOf("refused", (p) => {
				const expiresAtMs = p.page("refused").nowMs + offsetMs;
				Object.assign(p.entry("refused"), { redeemed: { jti: "x", expiresAtMs } });
			});
		assert.deepEqual([at(0), at(1)], ["the code x had expired", undefined]);
	});

	it("counters that are of other accounts, whatever the side", () => {
		const other = "other accounts changed than the transfer's";
		for (const side of [0, 1] as const) {
			const said = saidOf("p2p", (p) => p.counters("p2p")[side].splice(0, 1, "wallet:u_3" as unknown as number));
			assert.equal(said, other);
		}
	});

	it("a transfer without counters", () => {
		const said = saidOf("p2p", (p) => delete p.entry("p2p").counters);
		assert.equal(said, "it does not have one debit and one credit side");
	});

	it("a refund that is taken from another, given to another, or changes more than the sum", () => {
		const refund = (created: Partial<Transfer>, changed: Partial<Forged["changed"]> = {}) =>
			saidOf("refund", (p) => {
				Object.assign(p.created("refund"), created);
				Object.assign(p.changed("refund"), changed);
			});
		const between = "a refund between other accounts";
		assert.equal(refund({ debitAccountId: "store:s_2" as AccountId }), between);
		assert.equal(refund({ creditAccountId: "wallet:u_2" as AccountId }), between);
		const more = "a refund changed more than the refunded sum";
		assert.deepEqual([refund({}, { state: "voided" }), refund({}, { amount: 99 })], [more, more]);
	});

	it("a counter below 0", () => {
		const maker = new LogMaker();
		for (const command of [...OPENING, payCommand("charge", "charge", { from: FUNDING, to: "wallet:u_1", amount: 9 })])
			maker.add([command], 10);
		maker.add([{ ...payCommand("hold", "sale", { ...SALE, amount: 5 }), hold: { ttlMs: 9 } }], 10);
		const [posting] = entriesOf(maker.add([{ ...idOf("post"), type: "post", ...target("hold") }], 10) as Group);
		assert.ok(posting?.changed);
		const changed = { ...posting.changed, amount: -1 };
		const counters = [
			["wallet:u_1", -1, 9, 0, 0],
			["store:s_1", 0, -1, 0, 0],
		] as unknown as Counters[];
		const previous = headOf(maker.groups.at(-2) as Group);
		const forged = makeGroup({ lane: 0, previous, nowMs: 10, entries: [{ ...posting, changed, counters }] });
		const said = audit([...maker.groups.slice(0, -1), forged])?.what;
		assert.equal(said, "post post: wallet:u_1 has a negative counter");
	});

	it("a sum that is not 0", () => {
		for (const [counter, sum] of [
			["creditsPosted", "1 posted and 0 pending"],
			["debitsPosted", "-1 posted and 0 pending"],
			["creditsPending", "0 posted and 1 pending"],
			["debitsPending", "0 posted and -1 pending"],
		] as const) {
			withAuditor((auditor) => {
				for (const group of original()) auditor.check(group);
				const account = auditor.accounts.get("wallet:u_1" as AccountId) ?? assert.fail();
				auditor.accounts.set({ ...account, [counter]: account[counter] + 1 });
				assert.equal(auditor.finish()?.what, `the sum over all accounts is ${sum}, not 0`);
			});
		}
	});
});

it("an auditor that is closed has let go of its scratch file", () => {
	const auditor = new Auditor();
	auditor.close();
	assert.throws(() => auditor.accounts.get("wallet:u_1" as AccountId), /finalized/);
});
