import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
	AB,
	AS,
	account,
	accountId,
	ask,
	cancel,
	close,
	counters,
	effectsOf,
	FrozenBook,
	FUNDING,
	idOf,
	jti,
	open,
	pay,
	post,
	refund,
	refuseEarly,
	release,
	run,
	SA,
	setState,
	T0,
	transfer,
	transferId,
	world,
} from "../../tests/ledger/ledger-script.ts";
import { AMOUNT_MAX } from "../amount.ts";
import { apply, decide, needs } from "./ledger.ts";
import { availableOf, type Command, type Refusal, type Transfer, type TransferKind } from "./model.ts";

// 2. Rules, one by one.

describe("open", () => {
	it("makes an empty open account; only system accounts may go below zero", () => {
		const zero = { state: "open", debitsPosted: 0, creditsPosted: 0, debitsPending: 0, creditsPending: 0 };
		for (const [kind, floor] of [
			["wallet", 0],
			["store", 0],
			["system", null],
		] as const) {
			const book = new FrozenBook();
			const entry = ask(book, open("x:1", kind));
			assert.deepEqual(effectsOf(entry), { opened: { id: "x:1", kind, owner: "owner of x:1", floor, ...zero } });
			assert.deepEqual(account(book, "x:1"), entry.opened);
		}
	});
});

describe("transfer", () => {
	it("moves the amount from the debit to the credit side and says how both stand afterwards", () => {
		const book = world();
		const entry = ask(book, pay("t", AS, 30), T0 + 5);
		const created: Transfer = {
			id: transferId("t"),
			kind: "sale",
			debitAccountId: accountId("wallet:a"),
			creditAccountId: accountId("store:s"),
			amount: 30,
			state: "posted",
			refunded: 0,
			reference: null,
			details: { note: "t" },
			createdAtMs: T0 + 5,
			expiresAtMs: null,
		};
		const after = [
			["wallet:a", 30, 100, 0, 0],
			["store:s", 0, 30, 0, 0],
		];
		assert.deepEqual(entry, { id: "t", type: "transfer", fingerprint: "asked t", created, counters: after });
		assert.deepEqual([counters(book, "wallet:a"), counters(book, "store:s")], after);
		assert.deepEqual(transfer(book, "t"), created);
	});

	it("may take the last credit, and not one more", () => {
		const book = world();
		assert.equal(ask(book, pay("101", AS, 101)).refusal, "insufficient_credit");
		assert.equal(ask(book, pay("100", AS, 100)).refusal, undefined);
		assert.equal(availableOf(account(book, "wallet:a")), 0);
		assert.equal(ask(book, pay("1", AS, 1)).refusal, "insufficient_credit");
	});

	it("keeps credit on hold from being spent, and gives the credit side nothing before the post", () => {
		const book = world();
		const entry = ask(book, pay("h", AS, 60, { hold: { ttlMs: 10 } }));
		assert.deepEqual(entry.counters, [
			["wallet:a", 0, 100, 60, 0],
			["store:s", 0, 0, 0, 60],
		]);
		assert.equal(entry.created?.state, "pending");
		assert.equal(entry.created?.expiresAtMs, T0 + 10);
		assert.equal(ask(book, pay("41", AB, 41)).refusal, "insufficient_credit");
		assert.equal(ask(book, pay("hold 41", AB, 41, { hold: { ttlMs: 10 } })).refusal, "insufficient_credit");
		assert.equal(ask(book, pay("payout", SA, 1)).refusal, "insufficient_credit");
		assert.equal(ask(book, pay("40", AB, 40)).refusal, undefined);
		assert.equal(availableOf(account(book, "wallet:a")), 0);
	});

	it("may be decided at its deadline, and not a millisecond later", () => {
		assert.equal(ask(world(), pay("t", AS, 1, { deadlineMs: T0 }), T0).refusal, undefined);
		assert.equal(ask(world(), pay("t", AS, 1, { deadlineMs: T0 }), T0 + 1).refusal, "deadline_exceeded");
	});

	it("stops before a counter is no exact number any more", () => {
		const book = world();
		const full = { ...account(book, "store:s"), creditsPosted: Number.MAX_SAFE_INTEGER - 1, debitsPosted: 5 };
		book.putAccount(full);
		assert.equal(ask(book, pay("2", AS, 2)).refusal, "amount_out_of_range");
		assert.equal(ask(book, pay("1", AS, 1)).refusal, undefined);
		book.putAccount({ ...full, creditsPosted: 0, creditsPending: Number.MAX_SAFE_INTEGER });
		assert.equal(ask(book, pay("h", AS, 1, { hold: { ttlMs: 1 } })).refusal, "amount_out_of_range");
		const spent = { ...account(book, FUNDING), debitsPosted: Number.MAX_SAFE_INTEGER };
		book.putAccount(spent);
		assert.equal(ask(book, pay("c", { from: FUNDING, to: "wallet:a" }, 1)).refusal, "amount_out_of_range");
		book.putAccount({ ...spent, debitsPosted: 0, debitsPending: Number.MAX_SAFE_INTEGER });
		const held = pay("d", { from: FUNDING, to: "wallet:a" }, 1, { hold: { ttlMs: 1 } });
		assert.equal(ask(book, held).refusal, "amount_out_of_range");
	});
});

describe("a payment code", () => {
	const code = (rest: { jti?: string; expiresAtMs?: number; cap?: number } = {}) => ({
		redeem: { jti: jti(rest.jti ?? "code-1"), expiresAtMs: rest.expiresAtMs ?? T0 + 10, cap: rest.cap ?? 50 },
	});

	it("is used up by the payment that it allows, in the same entry", () => {
		const book = world();
		const entry = ask(book, pay("t", AS, 50, code()));
		assert.deepEqual(entry.redeemed, { jti: "code-1", expiresAtMs: T0 + 10 });
		assert.equal(entry.created?.amount, 50);
		assert.equal(ask(book, pay("again", AS, 1, code())).refusal, "code_used");
		assert.equal(ask(book, pay("hold", AS, 1, { ...code(), hold: { ttlMs: 9 } })).refusal, "code_used");
	});

	it("is good until the last millisecond before it expires", () => {
		assert.equal(ask(world(), pay("t", AS, 1, code()), T0 + 9).refusal, undefined);
		assert.equal(ask(world(), pay("t", AS, 1, code()), T0 + 10).refusal, "code_expired");
	});

	it("allows its cap, and not one more", () => {
		assert.equal(ask(world(), pay("t", AS, 50, code({ cap: 50 }))).refusal, undefined);
		assert.equal(ask(world(), pay("t", AS, 51, code({ cap: 50 }))).refusal, "code_cap_exceeded");
	});

	const burns: [Refusal, Command, (book: FrozenBook) => void][] = [
		["code_cap_exceeded", pay("t", AS, 51, code()), () => {}],
		["insufficient_credit", pay("t", AS, 101, code({ cap: 200 })), () => {}],
		["amount_out_of_range", pay("t", AS, 0.5, code()), () => {}],
		["account_not_found", pay("t", { from: "wallet:none", to: "store:s" }, 1, code()), () => {}],
		["account_frozen", pay("t", AS, 1, code()), (book) => void ask(book, setState("f", "wallet:a", "frozen"))],
		["account_closed", pay("t", AS, 1, code()), (book) => close(book, "wallet:a")],
		["same_account", pay("t", { from: "wallet:a", to: "wallet:a" }, 1, code()), () => {}],
	];
	for (const [refusal, command, prepare] of burns) {
		it(`is used up by a decline with ${refusal}, which moves nothing`, () => {
			const book = world();
			prepare(book);
			const entry = ask(book, command);
			assert.deepEqual(effectsOf(entry), { refusal, redeemed: { jti: "code-1", expiresAtMs: T0 + 10 } });
			assert.equal(ask(book, pay("second try", AB, 1, code())).refusal, "code_used");
		});
	}

	const keeps: [Refusal, Command, number][] = [
		["deadline_exceeded", pay("t", AS, 1, { ...code(), deadlineMs: T0 - 1 }), T0],
		["code_expired", pay("t", AS, 1, code()), T0 + 10],
	];
	for (const [refusal, command, nowMs] of keeps) {
		it(`is not used up by a decline with ${refusal}`, () => {
			const book = world();
			assert.deepEqual(effectsOf(ask(book, command, nowMs)), { refusal });
			assert.equal(book.isRedeemed(jti("code-1")), false);
		});
	}

	it("is used up once, also for ids that differ only in the code's wording", () => {
		const book = world();
		ask(book, pay("t", AS, 1, code()));
		assert.equal(ask(book, pay("u", AS, 1, code({ jti: "CODE-1" }))).refusal, undefined);
		assert.equal(ask(book, pay("v", AS, 1, code())).refusal, "code_used");
	});
});

describe("set-state", () => {
	it("freezes, opens and closes, and closes for good", () => {
		const book = world();
		ask(book, pay("out", { from: "wallet:a", to: "wallet:b" }, 100));
		for (const state of ["frozen", "open", "frozen", "closed"] as const) {
			const entry = ask(book, setState(`${state} ${Math.random()}`, "wallet:a", state));
			assert.deepEqual(entry.stateSet, { accountId: "wallet:a", state, reason: entry.stateSet?.reason });
			assert.equal(account(book, "wallet:a").state, state);
		}
		assert.equal(ask(book, setState("reopen", "wallet:a", "open")).refusal, "account_closed");
		assert.equal(ask(book, setState("again", "wallet:a", "closed")).refusal, "account_closed");
	});

	it("closes nothing that has credit, owes, holds, or is held for: it would be lost", () => {
		const book = world();
		const closing = (id: string) => ask(book, setState(`close ${Math.random()}`, id, "closed")).refusal;
		assert.equal(closing("wallet:a"), "account_not_empty");
		ask(book, pay("all", { from: "wallet:a", to: "wallet:b" }, 99));
		ask(book, pay("held", AS, 1, { hold: { ttlMs: 9 } }));
		assert.equal(closing("store:s"), "account_not_empty");
		assert.equal(closing("wallet:a"), "account_not_empty");
		ask(book, post("posted", "held"));
		assert.equal(closing("wallet:a"), undefined);
		assert.equal(closing("store:s"), "account_not_empty");
		assert.equal(account(book, "store:s").state, "open");
	});

	it("does not close an account whose whole credit is held", () => {
		const book = world();
		ask(book, pay("held", AS, 100, { hold: { ttlMs: 9 } }));
		ask(book, pay("back", { from: FUNDING, to: "wallet:a" }, 1, { kind: "charge" }));
		ask(book, pay("away", { from: "wallet:a", to: "wallet:b" }, 1));
		assert.equal(ask(book, setState("c", "wallet:a", "closed")).refusal, "account_not_empty");
	});

	const sides = ["debit", "credit"] as const;
	const kinds: TransferKind[] = ["charge", "sale", "p2p", "payout", "adjustment"];
	const cases = sides.flatMap((side) => kinds.map((kind) => ({ side, kind })));
	for (const { side, kind } of cases) {
		const expected = kind === "adjustment" ? undefined : "account_frozen";
		it(`frozen: a ${kind} on the ${side} side is ${kind === "adjustment" ? "booked" : "refused"}`, () => {
			const book = world();
			ask(book, setState("f", side === "debit" ? "wallet:a" : "wallet:b", "frozen"));
			assert.equal(ask(book, pay("t", AB, 1, { kind })).refusal, expected);
			assert.equal(ask(book, pay("h", AB, 1, { kind, hold: { ttlMs: 1 } })).refusal, expected);
		});

		it(`closed: a ${kind} on the ${side} side is refused`, () => {
			const book = world();
			close(book, side === "debit" ? "wallet:a" : "wallet:b");
			assert.equal(ask(book, pay("t", AB, 1, { kind })).refusal, "account_closed");
		});

		it(`frozen after a hold: the ${kind} on the ${side} side is ${expected ? "refused, and stays held" : "posted"}`, () => {
			const book = world();
			ask(book, pay("h", AB, 10, { kind, hold: { ttlMs: 9 } }));
			ask(book, setState("s", side === "debit" ? "wallet:a" : "wallet:b", "frozen"));
			assert.equal(ask(book, post("p", "h")).refusal, expected);
			assert.equal(transfer(book, "h").state, expected ? "pending" : "posted");
		});
	}

	it("an adjustment goes below no floor", () => {
		const book = world();
		assert.equal(ask(book, pay("t", AB, 101, { kind: "adjustment" })).refusal, "insufficient_credit");
	});
});

describe("a refusal", () => {
	const none = { from: "wallet:none", to: "wallet:b" };
	const rows: [Refusal, string, Command, Command[]?, number?][] = [
		["account_exists", "open of an account that is there", { ...open("wallet:a"), ...idOf("again") }],
		["account_not_found", "set-state of nobody", setState("x", "wallet:none", "frozen")],
		["account_not_found", "from nobody", pay("x", none, 1)],
		["account_not_found", "to nobody", pay("x", { from: "wallet:a", to: "wallet:none" }, 1)],
		["account_not_found", "nobody to nobody", pay("x", { from: "wallet:none", to: "wallet:none" }, 1)],
		["same_account", "to oneself", pay("x", { from: "wallet:a", to: "wallet:a" }, 1)],
		["insufficient_credit", "more than is there", pay("x", AB, 101)],
		...[0, -0, -1, 0.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, AMOUNT_MAX + 1, 2 ** 53].map(
			(amount): [Refusal, string, Command] => [
				"amount_out_of_range",
				`amount ${amount}`,
				pay("x", { from: FUNDING, to: "wallet:a" }, amount),
			],
		),
		["transfer_not_found", "post of nothing", post("x", "nothing")],
		["transfer_not_found", "void of nothing", release("x", "void", "nothing")],
		["transfer_not_found", "expire of nothing", release("x", "expire", "nothing")],
		["transfer_not_found", "refund of nothing", refund("x", "nothing")],
		["not_refundable", "a refund as a transfer, without its sale", pay("x", AS, 1, { kind: "refund" })],
		["not_pending", "post of a posted one", post("x", "charge")],
		["not_pending", "void of a posted one", release("x", "void", "charge")],
		["not_pending", "expire of a posted one", release("x", "expire", "charge")],
		["not_refundable", "refund of a charge", refund("x", "charge")],
		["not_refundable", "refund of a hold", refund("x", "h"), [pay("h", AS, 5, { hold: { ttlMs: 9 } })]],
		[
			"not_refundable",
			"refund of a refund",
			refund("x", "r"),
			[pay("t", AS, 9), { ...refund("r", "t"), type: "refund" }],
		],
		["amount_exceeds_hold", "post of more", post("x", "h", 6), [pay("h", AS, 5, { hold: { ttlMs: 9 } })]],
		...[0, -1, 0.5, Number.NaN].map((amount): [Refusal, string, Command, Command[]] => [
			"amount_out_of_range",
			`post of ${amount}`,
			post("x", "h", amount),
			[pay("h", AS, 5, { hold: { ttlMs: 9 } })],
		]),
		...[0, -1, 0.5, Number.NaN].map((amount): [Refusal, string, Command, Command[]] => [
			"amount_out_of_range",
			`refund of ${amount}`,
			refund("x", "t", amount),
			[pay("t", AS, 5)],
		]),
		["refund_exceeds_sale", "refund of more", refund("x", "t", 6), [pay("t", AS, 5)]],
		["refund_exceeds_sale", "refund of a fraction too much", refund("x", "t", 5.5), [pay("t", AS, 5)]],
		["hold_expired", "post of an expired hold", post("x", "h"), [pay("h", AS, 5, { hold: { ttlMs: 9 } })], T0 + 9],
	];
	for (const [refusal, name, command, prepared = [], nowMs = T0] of rows) {
		it(`${refusal}: ${name} moves nothing, and stays refused under that id`, () => {
			const book = world();
			run(book, prepared);
			const before = book.copy();
			const entry = ask(book, command, nowMs);
			assert.deepEqual(effectsOf(entry), { refusal });
			assert.deepEqual(book.accounts, before.accounts);
			assert.deepEqual(book.transfers, before.transfers);
			ask(book, pay("rich", { from: FUNDING, to: "wallet:a" }, AMOUNT_MAX));
			assert.deepEqual(decide(book, command, nowMs), { kind: "replay", entry });
		});
	}
});

describe("a refused transfer", () => {
	it("says what kind it was to be; nothing else does", () => {
		for (const kind of ["charge", "sale", "p2p", "payout", "adjustment"] as const)
			assert.equal(ask(world(), pay("x", AB, 101, { kind })).kind, kind);
		assert.equal("kind" in ask(world(), pay("x", AB, 1)), false);
		assert.equal("kind" in ask(world(), refund("x", "nothing")), false);
	});
});

describe("a transfer that was refused before the ledger was asked", () => {
	const early = refuseEarly(idOf("t"));

	it("has no effect, and none when somebody else submits it", () => {
		const book = world();
		assert.deepEqual(effectsOf(ask(book, early)), { refusal: "price_changed" });
		assert.equal(book.entry(early.id)?.kind, "sale");
		const decision = decide(book, pay("t", AS, 30), T0);
		assert.deepEqual(decision, { kind: "replay", entry: book.entry(early.id) });
		assert.deepEqual(needs(book, early), { accounts: [], transfers: [] });
	});

	it("is made where it was made before", () => {
		const book = world();
		const made = ask(book, pay("t", AS, 30));
		assert.deepEqual(decide(book, early, T0), { kind: "replay", entry: made });
	});

	it("is another one if something else was asked", () => {
		const book = world();
		ask(book, pay("t", AS, 30));
		assert.deepEqual(decide(book, { ...early, fingerprint: "other" }, T0), { kind: "reused" });
		ask(book, setState("s", "wallet:a", "open"));
		assert.deepEqual(decide(book, { ...refuseEarly(idOf("s")) }, T0), { kind: "reused" });
	});
});

describe("an id", () => {
	it("repeated with the same fingerprint gets the stored answer, whatever has changed since", () => {
		const book = world();
		const entry = ask(book, pay("t", AS, 100));
		const again = { ...pay("t", AS, 1), details: { price: "changed since" }, deadlineMs: 1 };
		assert.deepEqual(decide(book, again, T0 + 1_000_000), { kind: "replay", entry });
	});

	it("repeated with another fingerprint, or for another type of command, is refused", () => {
		const book = world();
		ask(book, pay("t", AS, 1));
		assert.deepEqual(decide(book, { ...pay("t", AS, 1), fingerprint: "another" }, T0), { kind: "reused" });
		assert.deepEqual(decide(book, refund("t", "t"), T0), { kind: "reused" });
	});
});

describe("apply", () => {
	it("refuses to go on when an entry names what the book does not have", () => {
		const book = world();
		const [hold, posted] = run(book, [pay("h", AS, 5, { hold: { ttlMs: 9 } }), post("p", "h")]);
		const frozen = ask(book, setState("f", "wallet:a", "frozen"));
		const empty = () => new FrozenBook();
		for (const entry of [hold, posted, frozen]) assert.throws(() => entry && apply(empty(), entry), /does not have/);
	});
});

describe("needs", () => {
	it("names what a command looks at, and nothing that would be loaded in vain", () => {
		const book = world();
		ask(book, pay("sale", AS, 30));
		const sides = ["wallet:a", "store:s"];
		const cases: [Command, accounts: string[], transfers: string[]][] = [
			[open("wallet:c"), ["wallet:c"], []],
			[setState("s", "wallet:a", "frozen"), ["wallet:a"], []],
			[pay("t", AB, 1), ["wallet:a", "wallet:b"], []],
			[post("p", "sale"), sides, ["sale"]],
			[release("v", "void", "sale"), sides, ["sale"]],
			[release("e", "expire", "sale"), sides, ["sale"]],
			[refund("r", "sale"), sides, ["sale"]],
			[cancel("c", "sale"), sides, ["sale"]],
			[cancel("d", "never"), [], ["never"]],
			[refund("q", "never"), [], ["never"]],
		];
		for (const [command, accounts, transfers] of cases) {
			assert.deepEqual(needs(book, command), { accounts, transfers }, `${command.type} ${command.id}`);
		}
	});
});

describe("what only system accounts and other books have", () => {
	it("an account that owes nothing yet, but holds, is not closed", () => {
		const book = world();
		ask(book, open("system:payouts", "system"));
		ask(book, pay("held", { from: "system:payouts", to: "wallet:a" }, 5, { hold: { ttlMs: 9 } }));
		assert.deepEqual(counters(book, "system:payouts"), ["system:payouts", 0, 0, 5, 0]);
		assert.equal(ask(book, setState("c", "system:payouts", "closed")).refusal, "account_not_empty");
		ask(book, release("v", "void", "held"));
		assert.equal(ask(book, setState("d", "system:payouts", "closed")).refusal, undefined);
	});

	it("a hold without an end is posted at any time, and never expires", () => {
		const book = world();
		ask(book, pay("held", AS, 5, { hold: { ttlMs: 9 } }));
		book.putTransfer({ ...transfer(book, "held"), expiresAtMs: null });
		assert.equal(ask(book, release("e", "expire", "held"), T0 * 2).refusal, "not_pending");
		assert.equal(ask(book, post("p", "held"), T0 * 2).refusal, undefined);
	});
});
