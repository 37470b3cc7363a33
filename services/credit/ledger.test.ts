import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { LogFold } from "../../tests/ledger/read-model-conformance.ts";
import { AMOUNT_MAX, isAmount } from "../amount.ts";
import { Auditor } from "./audit.ts";
import { claimsOf, emptyHead, type Group, headOf, makeGroup } from "./journal.ts";
import { apply, type Book, decide, needs, type View } from "./ledger.ts";
import {
	type Account,
	type AccountId,
	type AccountKind,
	type AccountState,
	availableOf,
	balanceOf,
	type Command,
	type CommandId,
	type Counters,
	type Entry,
	type Jti,
	type Refusal,
	type Transfer,
	type TransferId,
	type TransferKind,
	type TransferState,
} from "./model.ts";
import { Draft } from "./resident-book.ts";

// 1. Parts: a book that notices every wrong write, and short ways to write commands.

type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;

/** Everything that is put in is frozen, so changing it in place throws; an id that gets another entry throws as well. */
class FrozenBook implements Book {
	readonly accounts = new Map<AccountId, Account>();
	readonly transfers = new Map<TransferId, Transfer>();
	readonly entries = new Map<CommandId, Entry>();
	readonly redeemed = new Set<Jti>();

	account(id: AccountId): Account | undefined {
		return this.accounts.get(id);
	}
	transfer(id: TransferId): Transfer | undefined {
		return this.transfers.get(id);
	}
	entry(id: CommandId): Entry | undefined {
		return this.entries.get(id);
	}
	isRedeemed(jti: Jti): boolean {
		return this.redeemed.has(jti);
	}
	putAccount(account: Account): void {
		this.accounts.set(account.id, deepFrozen(account));
	}
	putTransfer(transfer: Transfer): void {
		this.transfers.set(transfer.id, deepFrozen(transfer));
	}
	putEntry(id: CommandId, entry: Entry): void {
		const before = this.entries.get(id);
		assert.ok(before === undefined || isDeepStrictEqual(before, entry), `${id} got a second entry`);
		this.entries.set(id, deepFrozen(entry));
	}
	putRedeemed(jti: Jti): void {
		this.redeemed.add(jti);
	}

	copy(): FrozenBook {
		const copy = new FrozenBook();
		for (const account of this.accounts.values()) copy.putAccount(account);
		for (const transfer of this.transfers.values()) copy.putTransfer(transfer);
		for (const [id, entry] of this.entries) copy.putEntry(id, entry);
		for (const jti of this.redeemed) copy.putRedeemed(jti);
		return copy;
	}
}

function deepFrozen<T>(value: T): T {
	if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
	Object.freeze(value);
	for (const inner of Object.values(value)) deepFrozen(inner);
	return value;
}

const accountId = (id: string) => id as AccountId;
const transferId = (id: string) => id as TransferId;
const jti = (id: string) => id as Jti;
const idOf = (id: string) => ({ id: id as CommandId, fingerprint: `asked ${id}` });

const FUNDING = "system:funding";
const T0 = 1_000_000;

type Rest<Type extends Command["type"], Given extends string> = Partial<Omit<Of<Type>, "id" | "type" | Given>>;

const open = (id: string, kind: AccountKind = "wallet"): Of<"open"> => ({
	...idOf(`open ${id}`),
	type: "open",
	accountId: accountId(id),
	kind,
	owner: `owner of ${id}`,
});
const pay = (
	id: string,
	sides: { from: string; to: string },
	amount: number,
	rest: Rest<"transfer", "amount"> = {},
): Of<"transfer"> => ({
	...idOf(id),
	type: "transfer",
	kind: "sale",
	debitAccountId: accountId(sides.from),
	creditAccountId: accountId(sides.to),
	amount,
	details: { note: id },
	...rest,
});
const post = (id: string, target: string, amount?: number): Of<"post"> => ({
	...idOf(id),
	type: "post",
	transferId: transferId(target),
	...(amount !== undefined && { amount }),
});
const release = (id: string, type: "void" | "expire", target: string): Of<"void"> | Of<"expire"> => ({
	...idOf(id),
	type,
	transferId: transferId(target),
});
const refund = (id: string, target: string, amount?: number): Of<"refund"> => ({
	...idOf(id),
	type: "refund",
	transferId: transferId(target),
	details: { reason: id },
	...(amount !== undefined && { amount }),
});
const cancel = (id: string, target: string): Of<"cancel"> => ({
	...idOf(id),
	type: "cancel",
	targetId: target as CommandId,
	details: {},
});
const setState = (id: string, account: string, state: AccountState): Of<"set-state"> => ({
	...idOf(id),
	type: "set-state",
	accountId: accountId(account),
	state,
	reason: `because ${id}`,
});

const AB = { from: "wallet:a", to: "wallet:b" };
const AS = { from: "wallet:a", to: "store:s" };
const SA = { from: "store:s", to: "wallet:a" };

/** A book with funding, the wallets a (100) and b (0) and the store s (0), made at `T0`. */
function world(): FrozenBook {
	const book = new FrozenBook();
	const opened = [open(FUNDING, "system"), open("wallet:a"), open("wallet:b"), open("store:s", "store")];
	run(book, [...opened, pay("charge", { from: FUNDING, to: "wallet:a" }, 100, { kind: "charge" })]);
	return book;
}

function ask(book: Book, command: Command, nowMs = T0): Entry {
	const decision = decide(book, command, nowMs);
	assert.equal(decision.kind, "new", `${command.id} was to be new`);
	const { entry } = decision as Extract<typeof decision, { kind: "new" }>;
	apply(book, entry);
	return entry;
}

const run = (book: Book, commands: readonly Command[], nowMs = T0): Entry[] =>
	commands.map((command) => ask(book, command, nowMs));

const account = (book: View, id: string): Account => book.account(accountId(id)) ?? assert.fail(`no account ${id}`);
const transfer = (book: View, id: string): Transfer =>
	book.transfer(transferId(id)) ?? assert.fail(`no transfer ${id}`);
const counters = (book: View, id: string): Counters => {
	const { debitsPosted, creditsPosted, debitsPending, creditsPending } = account(book, id);
	return [accountId(id), debitsPosted, creditsPosted, debitsPending, creditsPending];
};

/** What an entry says besides who asked what. */
const effectsOf = ({ id: _id, type: _type, fingerprint: _fingerprint, kind: _kind, ...effects }: Entry) => effects;

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
	});
});

describe("post", () => {
	const held = (amount = 60): FrozenBook => {
		const book = world();
		ask(book, pay("h", AS, amount, { hold: { ttlMs: 10 } }));
		return book;
	};

	for (const [name, amount, posted] of [
		["whole", undefined, 60],
		["whole, said so", 60, 60],
		["a part", 25, 25],
		["the least part", 1, 1],
	] as const) {
		it(`${name}: moves ${posted} of 60 and releases the rest`, () => {
			const book = held();
			const entry = ask(book, post("p", "h", amount));
			assert.deepEqual(effectsOf(entry), {
				changed: { id: "h", kind: "sale", state: "posted", amount: posted, refunded: 0 },
				counters: [
					["wallet:a", posted, 100, 0, 0],
					["store:s", 0, posted, 0, 0],
				],
			});
			assert.equal(transfer(book, "h").amount, posted);
			assert.deepEqual(transfer(book, "h").details, { note: "h" });
		});
	}

	it("works although nothing else is available: the hold was for it", () => {
		const book = held(100);
		assert.equal(ask(book, post("p", "h")).refusal, undefined);
	});

	it("is possible until the last millisecond before the hold expires", () => {
		assert.equal(ask(held(), post("p", "h"), T0 + 9).refusal, undefined);
		assert.equal(ask(held(), post("p", "h"), T0 + 10).refusal, "hold_expired");
	});

	it("happens once", () => {
		const book = held();
		ask(book, post("p", "h", 10));
		assert.equal(ask(book, post("q", "h", 10)).refusal, "not_pending");
	});
});

for (const type of ["void", "expire"] as const) {
	describe(type, () => {
		const state = type === "void" ? "voided" : "expired";
		it("gives the hold back as if it had not been", () => {
			const book = world();
			const before = counters(book, "wallet:a");
			ask(book, pay("h", AS, 60, { hold: { ttlMs: 10 } }));
			const entry = ask(book, release("v", type, "h"), T0 + 10);
			assert.deepEqual(effectsOf(entry), {
				changed: { id: "h", kind: "sale", state, amount: 60, refunded: 0 },
				counters: [before, ["store:s", 0, 0, 0, 0]],
			});
			assert.equal(transfer(book, "h").state, state);
			for (const command of [post("p", "h"), release("w", "void", "h"), release("x", "expire", "h")])
				assert.equal(ask(book, command, T0 + 10).refusal, "not_pending");
			assert.equal(ask(book, refund("r", "h"), T0 + 10).refusal, "not_refundable");
		});

		it("works whatever became of the accounts", () => {
			const book = world();
			ask(book, pay("h", AS, 60, { hold: { ttlMs: 10 } }));
			run(book, [setState("f", "wallet:a", "frozen"), setState("g", "store:s", "frozen")]);
			assert.equal(ask(book, release("v", type, "h"), T0 + 10).refusal, undefined);
			assert.equal(account(book, "wallet:a").debitsPending, 0);
		});
	});
}

describe("expire", () => {
	it("never comes a millisecond early", () => {
		const book = world();
		ask(book, pay("h", AS, 60, { hold: { ttlMs: 10 } }));
		assert.equal(ask(book, release("early", "expire", "h"), T0 + 9).refusal, "not_pending");
		assert.equal(transfer(book, "h").state, "pending");
		assert.equal(ask(book, release("due", "expire", "h"), T0 + 10).refusal, undefined);
	});

	it("and post never both fit", () => {
		for (const nowMs of [T0 + 9, T0 + 10, T0 + 11]) {
			const fits = [post("p", "h"), release("e", "expire", "h")].filter((command) => {
				const book = world();
				ask(book, pay("h", AS, 60, { hold: { ttlMs: 10 } }));
				return ask(book, command, nowMs).refusal === undefined;
			});
			assert.equal(fits.length, 1, `at ${nowMs - T0} of 10 ms`);
		}
	});
});

describe("refund", () => {
	const sold = (): FrozenBook => {
		const book = world();
		ask(book, pay("t", AS, 60));
		return book;
	};

	it("moves the amount back as a transfer of its own and notes it on the sale", () => {
		const book = sold();
		const entry = ask(book, refund("r", "t", 25), T0 + 7);
		const created = {
			id: "r",
			kind: "refund",
			debitAccountId: "store:s",
			creditAccountId: "wallet:a",
			amount: 25,
			state: "posted",
			refunded: 0,
			reference: "t",
			details: { reason: "r" },
			createdAtMs: T0 + 7,
			expiresAtMs: null,
		};
		assert.deepEqual(effectsOf(entry), {
			created,
			changed: { id: "t", kind: "sale", state: "posted", amount: 60, refunded: 25 },
			counters: [
				["store:s", 25, 60, 0, 0],
				["wallet:a", 60, 125, 0, 0],
			],
		});
		assert.equal(transfer(book, "t").refunded, 25);
		assert.equal(balanceOf(account(book, "wallet:a")), 65);
	});

	it("goes up to the sale in any number of parts, and not one credit more", () => {
		const book = sold();
		run(book, [refund("r1", "t", 1), refund("r2", "t", 58)]);
		assert.equal(ask(book, refund("r3", "t", 2)).refusal, "refund_exceeds_sale");
		assert.equal(ask(book, refund("r4", "t", 1)).refusal, undefined);
		for (const command of [refund("r5", "t", 1), refund("r6", "t")])
			assert.equal(ask(book, command).refusal, "refund_exceeds_sale");
	});

	it("without an amount is of what is left", () => {
		const book = sold();
		ask(book, refund("r1", "t", 10));
		assert.equal(ask(book, refund("r2", "t")).created?.amount, 50);
	});

	it("of a partly posted hold goes up to what was posted", () => {
		const book = world();
		run(book, [pay("h", AS, 60, { hold: { ttlMs: 10 } }), post("p", "h", 20)]);
		assert.equal(ask(book, refund("r1", "h", 21)).refusal, "refund_exceeds_sale");
		assert.equal(ask(book, refund("r2", "h")).created?.amount, 20);
	});

	it("needs credit in the store", () => {
		const book = sold();
		ask(book, pay("payout", { from: "store:s", to: FUNDING }, 50, { kind: "payout" }));
		assert.equal(ask(book, refund("r1", "t")).refusal, "insufficient_credit");
		assert.equal(ask(book, refund("r2", "t", 10)).refusal, undefined);
	});

	it("reaches a frozen wallet, not a closed one, and does not leave a frozen store", () => {
		const frozen = sold();
		ask(frozen, setState("f", "wallet:a", "frozen"));
		assert.equal(ask(frozen, refund("r", "t")).refusal, undefined);
		const closed = sold();
		close(closed, "wallet:a");
		assert.equal(ask(closed, refund("r", "t")).refusal, "account_closed");
		const store = sold();
		ask(store, setState("f", "store:s", "frozen"));
		assert.equal(ask(store, refund("r", "t")).refusal, "account_frozen");
	});
});

describe("cancel", () => {
	it("of a sale refunds what is left of it", () => {
		const book = world();
		run(book, [pay("t", AS, 60), refund("r", "t", 10)]);
		const entry = ask(book, cancel("c", "t"), T0 + 3);
		assert.equal(entry.created?.amount, 50);
		assert.equal(entry.created?.kind, "refund");
		assert.equal(entry.created?.reference, "t");
		assert.equal(entry.changed?.refunded, 60);
		assert.equal(balanceOf(account(book, "wallet:a")), 100);
	});

	it("of a hold voids it, also after it expired", () => {
		for (const nowMs of [T0, T0 + 10, T0 + 11]) {
			const book = world();
			ask(book, pay("h", AS, 60, { hold: { ttlMs: 10 } }));
			assert.equal(ask(book, cancel("c", "h"), nowMs).changed?.state, "voided");
			assert.equal(availableOf(account(book, "wallet:a")), 100);
		}
	});

	it("of an id never seen keeps it out for ever, whatever it asks", () => {
		const book = world();
		assert.deepEqual(effectsOf(ask(book, cancel("c", "late"))), { tombstone: "late" });
		const asked: Command[] = [
			pay("late", AS, 1),
			{ ...pay("late", AS, 1), fingerprint: "another" },
			refund("late", "charge"),
			{ ...open("wallet:z"), id: "late" as CommandId },
		];
		for (const command of asked) {
			const decision = decide(book, command, T0);
			assert.equal(decision.kind, "replay");
			assert.equal(decision.kind === "replay" && decision.entry.refusal, "cancelled");
			assert.equal(decision.kind === "replay" && decision.entry.type, command.type);
		}
		assert.equal(book.transfer(transferId("late")), undefined);
	});

	it("leaves alone what has no effect: refused, voided, refunded, kept out already", () => {
		const book = world();
		run(book, [pay("refused", AS, 1_000), pay("h", AS, 5, { hold: { ttlMs: 10 } }), release("v", "void", "h")]);
		run(book, [pay("t", AS, 60), refund("r", "t"), cancel("c", "late")]);
		for (const target of ["refused", "h", "t", "late"])
			assert.deepEqual(effectsOf(ask(book, cancel(`cancel ${target}`, target))), {}, target);
	});

	for (const kind of ["charge", "p2p", "payout", "adjustment"] as const) {
		it(`does not undo a ${kind}`, () => {
			const book = world();
			ask(book, pay("t", AB, 60, { kind }));
			assert.deepEqual(effectsOf(ask(book, cancel("c", "t"))), { refusal: "not_refundable" });
		});
	}

	it("of itself is refused: nobody can take an id and keep it out at once", () => {
		const entry = ask(world(), cancel("c", "c"));
		assert.deepEqual(effectsOf(entry), { refusal: "not_cancellable" });
		assert.deepEqual(claimsOf(entry), ["c"]);
	});

	it("of an applied command that is no transfer does not say that it had no effect", () => {
		const book = world();
		run(book, [pay("h", AS, 5, { hold: { ttlMs: 9 } }), post("p", "h"), setState("f", "wallet:b", "frozen")]);
		run(book, [pay("h2", AS, 5, { hold: { ttlMs: 9 } }), release("v", "void", "h2"), cancel("c", "late")]);
		for (const target of ["p", "f", "v", "c", "open wallet:a"])
			assert.deepEqual(
				effectsOf(ask(book, cancel(`cancel ${target}`, target))),
				{ refusal: "not_cancellable" },
				target,
			);
	});

	it("does not undo a refund", () => {
		const book = world();
		run(book, [pay("t", AS, 60), refund("r", "t")]);
		assert.equal(ask(book, cancel("c", "r")).refusal, "not_refundable");
	});

	it("is refused, and stays refused, when the store cannot give back", () => {
		const book = world();
		run(book, [pay("t", AS, 60), pay("payout", { from: "store:s", to: FUNDING }, 60, { kind: "payout" })]);
		assert.equal(ask(book, cancel("c", "t")).refusal, "insufficient_credit");
		assert.equal(decide(book, cancel("c", "t"), T0).kind, "replay");
	});
});

/** Pays out what is there: only what is empty can be closed. */
function close(book: FrozenBook, id: string): void {
	const balance = balanceOf(account(book, id));
	if (balance > 0) ask(book, pay(`out of ${id}`, { from: id, to: FUNDING }, balance, { kind: "adjustment" }));
	assert.equal(ask(book, setState(`close ${id}`, id, "closed")).refusal, undefined);
}

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

// 3. Properties: arbitrary sequences over few accounts, held against a model that shares nothing with the core.

type Moved = {
	kind: TransferKind;
	from: string;
	to: string;
	amount: number;
	state: TransferState;
	expiresAtMs: number | null;
	refundOf: string | null;
};
type Answer = Refusal | "applied";

/**
 * The rules once more, as a person would tell them: there are no counters, what an account has is summed up from all that moved;
 * what was refunded is the sum of the refunds.
 */
class Oracle {
	readonly states = new Map<string, AccountState>();
	readonly moved = new Map<string, Moved>();
	readonly answers = new Map<string, { readonly asked: string; readonly answer: Answer }>();
	readonly keptOut = new Set<string>();
	readonly codes = new Set<string>();

	sum(state: "posted" | "pending", side: "from" | "to", accountId: string): number {
		let sum = 0;
		for (const moved of this.moved.values())
			if (moved.state === state && moved[side] === accountId) sum += moved.amount;
		return sum;
	}
	available(id: string): number {
		return this.sum("posted", "to", id) - this.sum("posted", "from", id) - this.sum("pending", "from", id);
	}
	refunded(id: string): number {
		let sum = 0;
		for (const { refundOf, amount } of this.moved.values()) if (refundOf === id) sum += amount;
		return sum;
	}

	ask(command: Command, nowMs: number): string {
		const asked = `${command.type} ${command.fingerprint}`;
		if (this.keptOut.has(command.id)) return "replay cancelled";
		const before = this.answers.get(command.id);
		if (before) return before.asked === asked ? `replay ${before.answer}` : "reused";
		const answer = this.#decide(command, nowMs);
		this.answers.set(command.id, { asked, answer });
		return `new ${answer}`;
	}

	#decide(command: Command, nowMs: number): Answer {
		switch (command.type) {
			case "open":
				if (this.states.has(command.accountId)) return "account_exists";
				this.states.set(command.accountId, "open");
				return "applied";
			case "set-state":
				return this.#setState(command);
			case "transfer":
				return this.#pay(command, nowMs);
			case "post":
				return this.#post(command, nowMs);
			case "void":
				return this.#end(command.transferId, "voided");
			case "expire": {
				const hold = this.moved.get(command.transferId);
				if (hold?.state === "pending" && nowMs < (hold.expiresAtMs ?? Number.POSITIVE_INFINITY)) return "not_pending";
				return this.#end(command.transferId, "expired");
			}
			case "refund":
				return this.#refund(command);
			case "cancel":
				return this.#cancel(command);
		}
	}

	#setState({ accountId, state }: Of<"set-state">): Answer {
		const before = this.states.get(accountId);
		if (before === undefined) return "account_not_found";
		if (before === "closed") return "account_closed";
		if (state === "closed" && !this.#isEmpty(accountId)) return "account_not_empty";
		this.states.set(accountId, state);
		return "applied";
	}

	#isEmpty(id: string): boolean {
		const balance = this.sum("posted", "to", id) - this.sum("posted", "from", id);
		return balance === 0 && this.sum("pending", "from", id) === 0 && this.sum("pending", "to", id) === 0;
	}

	#pay(command: Of<"transfer">, nowMs: number): Answer {
		const { id, kind, amount, hold, redeem, deadlineMs } = command;
		if (deadlineMs !== undefined && deadlineMs < nowMs) return "deadline_exceeded";
		if (redeem) {
			if (this.codes.has(redeem.jti)) return "code_used";
			if (redeem.expiresAtMs <= nowMs) return "code_expired";
			this.codes.add(redeem.jti);
		}
		if (!isAmount(amount)) return "amount_out_of_range";
		if (kind === "refund") return "not_refundable";
		if (redeem && redeem.cap < amount) return "code_cap_exceeded";
		const sides = { from: command.debitAccountId, to: command.creditAccountId };
		const blocked = this.#blocked(sides, kind);
		if (blocked) return blocked;
		if (!this.#covers(sides.from, amount)) return "insufficient_credit";
		const state = hold ? "pending" : "posted";
		const expiresAtMs = hold ? nowMs + hold.ttlMs : null;
		this.moved.set(id, { ...sides, kind, amount, state, expiresAtMs, refundOf: null });
		return "applied";
	}

	#blocked({ from, to }: { from: string; to: string }, kind: TransferKind): Refusal | undefined {
		if (!this.states.has(from) || !this.states.has(to)) return "account_not_found";
		if (from === to) return "same_account";
		for (const id of [from, to]) {
			const state = this.states.get(id);
			const excepted = kind === "adjustment" || (kind === "refund" && id === to);
			if (state === "closed" || (state === "frozen" && !excepted)) return `account_${state}`;
		}
		return undefined;
	}

	#covers(id: string, amount: number): boolean {
		return id.startsWith("system:") || this.available(id) >= amount;
	}

	#post({ transferId, amount }: Of<"post">, nowMs: number): Answer {
		const hold = this.moved.get(transferId);
		if (!hold) return "transfer_not_found";
		if (hold.state !== "pending") return "not_pending";
		if (hold.expiresAtMs !== null && hold.expiresAtMs <= nowMs) return "hold_expired";
		const posted = amount ?? hold.amount;
		if (!isAmount(posted)) return "amount_out_of_range";
		if (posted > hold.amount) return "amount_exceeds_hold";
		const blocked = this.#blocked(hold, hold.kind);
		if (blocked) return blocked;
		Object.assign(hold, { state: "posted", amount: posted });
		return "applied";
	}

	#end(id: string, state: "voided" | "expired"): Answer {
		const hold = this.moved.get(id);
		if (!hold) return "transfer_not_found";
		if (hold.state !== "pending") return "not_pending";
		hold.state = state;
		return "applied";
	}

	#refund({ id, transferId, amount }: Of<"refund">): Answer {
		const sale = this.moved.get(transferId);
		if (!sale) return "transfer_not_found";
		if (sale.kind !== "sale" || sale.state !== "posted") return "not_refundable";
		const left = sale.amount - this.refunded(transferId);
		const back = amount ?? left;
		if (left === 0 || back > left) return "refund_exceeds_sale";
		if (!isAmount(back)) return "amount_out_of_range";
		return this.#giveBack({ id, saleId: transferId, amount: back });
	}

	#giveBack({ id, saleId, amount }: { id: string; saleId: string; amount: number }): Answer {
		const sale = this.moved.get(saleId);
		if (!sale) throw new Error("there is no sale to refund");
		const sides = { from: sale.to, to: sale.from };
		const blocked = this.#blocked(sides, "refund");
		if (blocked) return blocked;
		if (!this.#covers(sides.from, amount)) return "insufficient_credit";
		this.moved.set(id, { ...sides, kind: "refund", amount, state: "posted", expiresAtMs: null, refundOf: saleId });
		return "applied";
	}

	#cancel({ id, targetId }: Of<"cancel">): Answer {
		if (id === targetId) return "not_cancellable";
		const target = this.moved.get(targetId);
		if (!target) return this.#cancelUnmade(targetId);
		if (target.state === "pending") return this.#end(targetId, "voided");
		if (target.state !== "posted") return "applied";
		if (target.kind !== "sale") return "not_refundable";
		const amount = target.amount - this.refunded(targetId);
		return amount === 0 ? "applied" : this.#giveBack({ id, saleId: targetId, amount });
	}

	#cancelUnmade(targetId: string): Answer {
		const seen = this.answers.get(targetId);
		if (seen?.answer === "applied") return "not_cancellable";
		if (!seen) this.keptOut.add(targetId);
		return "applied";
	}

	fitting(which: "hold" | "sale" | "transfer"): string[] {
		const fits = ({ state, kind }: Moved) =>
			which === "transfer" || (which === "hold" ? state === "pending" : kind === "sale" && state === "posted");
		return [...this.moved].filter(([, moved]) => fits(moved)).map(([id]) => id);
	}
}

const ACCOUNTS = [FUNDING, "wallet:a", "wallet:b", "store:s", "wallet:late"];
/** Who pays whom: mostly into the store, often from where there is enough, seldom what must be refused. */
const SIDES = [
	...Array.from({ length: 8 }, () => AS),
	...Array.from({ length: 4 }, () => ({ from: "wallet:b", to: "store:s" })),
	...Array.from({ length: 4 }, () => ({ from: FUNDING, to: "wallet:a" })),
	...[
		{ from: FUNDING, to: "wallet:b" },
		{ from: FUNDING, to: "store:s" },
		AB,
		AB,
		SA,
		{ from: "store:s", to: FUNDING },
	],
	...[
		{ from: "wallet:late", to: "store:s" },
		{ from: "wallet:b", to: "wallet:late" },
	],
	{ from: "wallet:a", to: "wallet:a" },
];
const KINDS: TransferKind[] = ["sale", "sale", "sale", "p2p", "charge", "payout", "adjustment", "refund"];

type Step = {
	readonly tickMs: number;
	readonly act: number;
	readonly repeat: { readonly nth: number; readonly sameFingerprint: boolean } | null;
	readonly target: { readonly among: string; readonly nth: number };
	readonly sides: { readonly from: string; readonly to: string };
	readonly account: number;
	readonly kind: number;
	readonly amount: number | undefined;
	readonly ttlMs: number;
	readonly code: { readonly nth: number; readonly leftMs: number; readonly cap: number } | null;
	readonly deadlineInMs: number | null;
	readonly state: AccountState;
};

/** Once in `times`, else null. */
const onceIn = <T>(times: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
	fc.oneof({ weight: times - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });
const amountLike = fc.oneof(
	{ weight: 20, arbitrary: fc.integer({ min: 1, max: 15 }) },
	{ weight: 6, arbitrary: fc.constant(undefined) },
	{ weight: 2, arbitrary: fc.constantFrom(0, -1, 0.5, -5, AMOUNT_MAX, AMOUNT_MAX + 1, 2 ** 53, Number.NaN) },
);
const step: fc.Arbitrary<Step> = fc.record({
	tickMs: fc.constantFrom(0, 0, 0, 1, 1, 2),
	act: fc.integer({ min: 0, max: 99 }),
	repeat: onceIn(8, fc.record({ nth: fc.nat(99), sameFingerprint: fc.boolean() })),
	target: fc.record({
		among: fc.constantFrom(...Array.from({ length: 8 }, () => "fitting"), "any", "later"),
		nth: fc.constantFrom(0, 0, 0, 1, 2, 5),
	}),
	sides: fc.constantFrom(...SIDES),
	account: fc.nat(ACCOUNTS.length - 1),
	kind: fc.integer({ min: 0, max: KINDS.length - 1 }),
	amount: amountLike,
	ttlMs: fc.constantFrom(1, 2, 3, 5, 8, 13, 20),
	code: onceIn(
		3,
		fc.record({ nth: fc.nat(30), leftMs: fc.integer({ min: 0, max: 9 }), cap: fc.integer({ min: 5, max: 15 }) }),
	),
	deadlineInMs: onceIn(12, fc.integer({ min: -1, max: 1 })),
	state: fc.constantFrom(...Array.from({ length: 12 }, () => "open" as const), "frozen", "frozen", "frozen", "closed"),
});

type Past = { readonly asked: readonly Command[]; readonly oracle: Oracle };

/** The command that a step asks, given what was asked before. */
function commandOf(step: Step, past: Past, nowMs: number): Command {
	const { asked } = past;
	const earlier = step.repeat && asked[step.repeat.nth % Math.max(asked.length, 1)];
	if (earlier) return step.repeat?.sameFingerprint ? earlier : { ...earlier, fingerprint: "something else" };
	const id = `i${asked.length}`;
	if (step.act < 24) return paymentOf(step, past, id, nowMs);
	if (step.act < 42) return { ...paymentOf(step, past, id, nowMs), hold: { ttlMs: step.ttlMs } };
	if (step.act < 52) return post(id, targetOf(step, past, "hold"), step.amount);
	if (step.act < 57) return release(id, "void", targetOf(step, past, "hold"));
	if (step.act < 64) return release(id, "expire", targetOf(step, past, "hold"));
	if (step.act < 80) return refund(id, targetOf(step, past, "sale"), step.amount);
	if (step.act < 92) return cancel(id, targetOf(step, past, "transfer"));
	const account = ACCOUNTS[step.account] ?? FUNDING;
	if (step.act < 97) return setState(id, account, step.state);
	return { ...open(step.act < 98 ? account : "wallet:late"), ...idOf(id) };
}

/** Mostly one of the last that fit, sometimes any of the last, sometimes one that is only asked later. */
function targetOf({ target }: Step, { asked, oracle }: Past, fitting: "hold" | "sale" | "transfer"): string {
	if (target.among === "later") return `i${asked.length + target.nth}`;
	const those = target.among === "any" ? asked.map(({ id }) => id as string) : oracle.fitting(fitting);
	return those[those.length - 1 - target.nth] ?? those.at(-1) ?? "nothing";
}

/** Without an amount it is of all that the payer has, so that accounts become empty and can be closed. */
function paymentOf(step: Step, { oracle }: Past, id: string, nowMs: number): Of<"transfer"> {
	const { sides, code, deadlineInMs } = step;
	return pay(id, sides, step.amount ?? Math.max(7, oracle.available(sides.from)), {
		kind: KINDS[step.kind] ?? "sale",
		...(code && { redeem: { jti: jti(`code-${code.nth}`), expiresAtMs: nowMs + code.leftMs, cap: code.cap } }),
		...(deadlineInMs !== null && { deadlineMs: nowMs + deadlineInMs }),
	});
}

const OPENING: Command[] = [
	...[open(FUNDING, "system"), open("wallet:a"), open("wallet:b"), open("store:s", "store")],
	pay("charge a", { from: FUNDING, to: "wallet:a" }, 30, { kind: "charge" }),
	pay("charge b", { from: FUNDING, to: "wallet:b" }, 15, { kind: "charge" }),
];

/** All the commands of some steps with their times. */
function scriptOf(steps: readonly Step[]): { command: Command; nowMs: number }[] {
	const oracle = new Oracle();
	const script: { command: Command; nowMs: number }[] = [];
	let nowMs = T0;
	const add = (command: Command) => {
		script.push({ command, nowMs });
		oracle.ask(command, nowMs);
	};
	for (const command of OPENING) add(command);
	const asked: Command[] = [];
	for (const step of steps) {
		nowMs += step.tickMs;
		const command = commandOf(step, { asked, oracle }, nowMs);
		asked.push(command);
		add(command);
	}
	return script;
}

/** The first invariant that a book breaks, in one sentence. */
function firstViolation(book: FrozenBook): string | null {
	let posted = 0;
	let pending = 0;
	for (const account of book.accounts.values()) {
		const { id, floor, debitsPosted, creditsPosted, debitsPending, creditsPending } = account;
		posted += creditsPosted - debitsPosted;
		pending += creditsPending - debitsPending;
		for (const counter of [debitsPosted, creditsPosted, debitsPending, creditsPending])
			if (counter < 0 || !Number.isSafeInteger(counter)) return `${id} has a counter of ${counter}`;
		if (floor !== null && availableOf(account) < floor) return `${id} has ${availableOf(account)} available`;
	}
	if (posted !== 0) return `the sum over all accounts is ${posted} posted`;
	if (pending !== 0) return `the sum over all accounts is ${pending} pending`;
	return violatingTransfer(book);
}

function violatingTransfer(book: FrozenBook): string | null {
	for (const { id, amount, refunded, state, expiresAtMs, kind } of book.transfers.values()) {
		if (!isAmount(amount)) return `${id} is of ${amount}`;
		if (refunded < 0 || refunded > amount) return `${refunded} of the ${amount} of ${id} was refunded`;
		if (refunded > 0 && (kind !== "sale" || state !== "posted")) return `a ${state} ${kind} was refunded: ${id}`;
		if (state === "pending" && expiresAtMs === null) return `the hold ${id} never ends`;
	}
	return null;
}

/** Where the book and the oracle differ, in one sentence. */
function firstDifference(book: FrozenBook, oracle: Oracle): string | null {
	if (book.accounts.size !== oracle.states.size) return "they have other accounts";
	for (const { id, state } of book.accounts.values()) {
		const expected = [
			id,
			oracle.sum("posted", "from", id),
			oracle.sum("posted", "to", id),
			oracle.sum("pending", "from", id),
			oracle.sum("pending", "to", id),
		];
		const found = counters(book, id);
		if (`${found}` !== `${expected}`) return `${id} stands at ${found}, it should at ${expected}`;
		if (state !== oracle.states.get(id)) return `${id} is ${state}`;
	}
	if (book.transfers.size !== oracle.moved.size) return "they have other transfers";
	for (const { id, state, amount, refunded } of book.transfers.values()) {
		const moved = oracle.moved.get(id);
		if (moved?.state !== state || moved.amount !== amount) return `${id} is ${state} with ${amount}`;
		if (oracle.refunded(id) !== refunded) return `${refunded} of ${id} was refunded, not ${oracle.refunded(id)}`;
	}
	const codes = [...book.redeemed].sort();
	return isDeepStrictEqual(codes, [...oracle.codes].sort()) ? null : `the codes used are ${codes}`;
}

/** Notes what is looked at, and has no way to write. */
class WatchedView implements View {
	readonly #book: View;
	readonly accounts = new Set<AccountId>();
	readonly transfers = new Set<TransferId>();
	constructor(book: View) {
		this.#book = book;
	}
	account(id: AccountId): Account | undefined {
		this.accounts.add(id);
		return this.#book.account(id);
	}
	transfer(id: TransferId): Transfer | undefined {
		this.transfers.add(id);
		return this.#book.transfer(id);
	}
	entry(id: CommandId): Entry | undefined {
		return this.#book.entry(id);
	}
	isRedeemed(id: Jti): boolean {
		return this.#book.isRedeemed(id);
	}
}

const words = (decision: ReturnType<typeof decide>): string =>
	decision.kind === "reused" ? "reused" : `${decision.kind} ${decision.entry.refusal ?? "applied"}`;

const fromLog = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe("whatever is asked in whatever order", () => {
	const steps = fc.array(step, { maxLength: 70, size: "max" });
	const check = (property: fc.IProperty<[Step[]]>, numRuns = 400) => fc.assert(property, { numRuns });

	it("every command meets every answer that it can get, or the properties below would prove little", () => {
		const seen = new Set<string>();
		for (const steps of fc.sample(fc.array(step, { minLength: 70, maxLength: 70 }), { numRuns: 1_000, seed: 1 })) {
			const oracle = new Oracle();
			for (const { command, nowMs } of scriptOf(steps)) seen.add(`${command.type}: ${oracle.ask(command, nowMs)}`);
		}
		const answers: Record<Command["type"], Answer[]> = {
			open: ["applied", "account_exists"],
			"set-state": ["applied", "account_not_found", "account_closed", "account_not_empty"],
			transfer: [
				...(["applied", "deadline_exceeded", "code_used", "code_expired", "amount_out_of_range"] as const),
				...(["code_cap_exceeded", "account_not_found", "same_account", "account_frozen"] as const),
				...(["account_closed", "insufficient_credit", "not_refundable"] as const),
			],
			post: [
				...(["applied", "transfer_not_found", "not_pending", "hold_expired", "amount_out_of_range"] as const),
				...(["amount_exceeds_hold", "account_frozen"] as const),
			],
			void: ["applied", "transfer_not_found", "not_pending"],
			expire: ["applied", "transfer_not_found", "not_pending"],
			refund: [
				...(["applied", "transfer_not_found", "not_refundable", "refund_exceeds_sale", "account_closed"] as const),
				...(["amount_out_of_range", "insufficient_credit", "account_frozen"] as const),
			],
			cancel: [
				...(["applied", "not_refundable", "insufficient_credit", "account_closed", "account_frozen"] as const),
				...(["not_cancellable"] as const),
			],
		};
		const missing = Object.entries(answers)
			.flatMap(([type, of]) => [
				...of.map((answer) => `${type}: new ${answer}`),
				...[`${type}: replay applied`, `${type}: replay cancelled`, `${type}: reused`],
			])
			.filter((key) => !seen.has(key));
		assert.deepEqual(missing, []);
	});

	it("the answer, all balances and all transfers are the model's, and no invariant breaks at any step", () => {
		const property = fc.property(steps, (steps) => {
			const book = new FrozenBook();
			const oracle = new Oracle();
			for (const { command, nowMs } of scriptOf(steps)) {
				const expected = oracle.ask(command, nowMs);
				const decision = decide(book, command, nowMs);
				assert.equal(words(decision), expected, `${command.type} ${command.id}`);
				if (decision.kind === "new") apply(book, decision.entry);
				assert.equal(
					firstViolation(book) ?? firstDifference(book, oracle),
					null,
					`after ${command.type} ${command.id}`,
				);
			}
		});
		check(property, 3_000);
	});

	it("decide is pure: the same question has the same answer, and the view stays as it is", () => {
		const property = fc.property(steps, (steps) => {
			const book = new FrozenBook();
			for (const { command, nowMs } of scriptOf(steps)) {
				const before = book.copy();
				const decision = decide(new WatchedView(book), deepFrozen(structuredClone(command)), nowMs);
				assert.deepEqual(decide(book, command, nowMs), decision);
				assert.deepEqual(book, before, "deciding changed the book");
				if (decision.kind === "new") apply(book, decision.entry);
			}
		});
		check(property, 100);
	});

	it("decide looks at no account and no transfer but those that needs names", () => {
		const property = fc.property(steps, (steps) => {
			const book = new FrozenBook();
			for (const { command, nowMs } of scriptOf(steps)) {
				const view = new WatchedView(book);
				const decision = decide(view, command, nowMs);
				const named = needs(book, command);
				const unnamed = [
					...[...view.accounts].filter((id) => !named.accounts.includes(id)),
					...[...view.transfers].filter((id) => !named.transfers.includes(id)),
				];
				assert.deepEqual(unnamed, [], `${command.type} ${command.id}`);
				if (decision.kind === "new") apply(book, decision.entry);
			}
		});
		check(property);
	});

	it("an entry is only about its command; what is refused has no effect but a used code", () => {
		const property = fc.property(steps, (steps) => {
			const claims = new Set<string>();
			for (const { entry, command } of logOf(scriptOf(steps)).log) {
				assert.deepEqual([entry.id, entry.type, entry.fingerprint], [command.id, command.type, command.fingerprint]);
				const { refusal, redeemed, ...effects } = effectsOf(entry);
				if (refusal) assert.deepEqual(effects, {});
				if (redeemed) assert.equal(entry.type, "transfer");
				for (const claim of claimsOf(entry)) {
					assert.equal(claims.has(claim), false, `${claim} was claimed twice`);
					claims.add(claim);
				}
			}
		});
		check(property);
	});

	it("the audit, and a reader that only adds up, find nothing wrong with what the core decided", () => {
		const property = fc.property(steps, fc.integer({ min: 1, max: 5 }), (steps, size) => {
			const auditor = new Auditor();
			const fold = new LogFold();
			for (const group of groupsOf(scriptOf(steps), size)) {
				assert.equal(auditor.check(group), null);
				assert.equal(fold.take(group), null);
			}
			assert.equal(auditor.finish(), null);
			for (const account of fold.accounts.values()) assert.equal(auditor.compare(account), null);
		});
		fc.assert(property, { numRuns: 400 });
	});

	it("the entries applied in order to an empty book give the book again, read from their JSON as well", () => {
		const property = fc.property(steps, (steps) => {
			const { log, book } = logOf(scriptOf(steps));
			const replayed = new FrozenBook();
			for (const { entry } of log) apply(replayed, fromLog(entry));
			assert.deepEqual(replayed, book);
		});
		check(property);
	});

	it("a group applied once more from its first entry changes nothing: a catch-up that failed half way may start again", () => {
		const property = fc.property(steps, fc.nat(69), (steps, cut) => {
			const { log, book } = logOf(scriptOf(steps));
			const replayed = new FrozenBook();
			for (const { entry } of log) apply(replayed, entry);
			for (const { entry } of log.slice(cut)) apply(replayed, entry);
			assert.deepEqual(replayed, book);
		});
		fc.assert(property, { numRuns: 200 });
	});

	it("a draft that is thrown away leaves no trace, and absorbing it is the same as applying directly", () => {
		const property = fc.property(steps, fc.infiniteStream(fc.integer({ min: 1, max: 9 })), (steps, sizes) => {
			const direct = logOf(scriptOf(steps)).book;
			const book = new FrozenBook();
			for (let rest = scriptOf(steps); rest.length > 0; ) {
				const size = sizes.next().value ?? 1;
				const before = book.copy();
				const thrownAway = new Draft(book);
				const decisions = playInto(thrownAway, rest.slice(0, size));
				assert.deepEqual(book, before, "the draft reached through");
				const draft = new Draft(book);
				assert.deepEqual(
					playInto(draft, rest.slice(0, size)),
					decisions,
					"the draft that was thrown away left a trace",
				);
				draft.absorbInto(book);
				rest = rest.slice(size);
			}
			assert.deepEqual(book, direct);
		});
		fc.assert(property, { numRuns: 200 });
	});
});

type Script = readonly { command: Command; nowMs: number }[];

function playInto(book: Book, script: Script) {
	return script.map(({ command, nowMs }) => {
		const decision = decide(book, command, nowMs);
		if (decision.kind === "new") apply(book, decision.entry);
		return decision;
	});
}

function logOf(script: Script): { log: { entry: Entry; command: Command }[]; book: FrozenBook } {
	const book = new FrozenBook();
	const log = playInto(book, script).flatMap((decision, index) => {
		const command = script[index]?.command;
		return decision.kind === "new" && command ? [{ entry: decision.entry, command }] : [];
	});
	return { log, book };
}

/** The script's log in groups of at most so many commands; each has one time. */
function groupsOf(script: Script, size: number): Group[] {
	const book = new FrozenBook();
	const groups: Group[] = [];
	for (let rest = script; rest.length > 0; ) {
		const nowMs = rest[0]?.nowMs ?? T0;
		const together = rest.slice(0, size).filter((each) => each.nowMs === nowMs);
		rest = rest.slice(together.length);
		const entries = playInto(book, together).flatMap((decision) => (decision.kind === "new" ? [decision.entry] : []));
		const last = groups.at(-1);
		groups.push(makeGroup({ lane: 0, previous: last ? headOf(last) : emptyHead, nowMs, entries }));
	}
	return groups;
}

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
