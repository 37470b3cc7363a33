import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
	audit,
	bump,
	CREDITS_POSTED,
	DEBITS_POSTED,
	type Forged,
	original,
	Pages,
	truth,
} from "../../tests/ledger/forged-log.ts";
import { idOf } from "../../tests/ledger/random-log.ts";
import type { AccountId, CommandId, Entry, Jti } from "./model.ts";

const DEBITS_PENDING = 3;

const CREDITS_PENDING = 4;

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
