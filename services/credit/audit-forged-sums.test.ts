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
	SALE,
	target,
	withAuditor,
} from "../../tests/ledger/forged-log.ts";
import { FUNDING, idOf, LogMaker, OPENING, payCommand } from "../../tests/ledger/random-log.ts";
import { entriesOf, type Group, headOf, makeGroup } from "./journal.ts";
import type { AccountId, CommandId, Counters, Jti, Transfer } from "./model.ts";

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
