import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
	AB,
	AS,
	account,
	ask,
	cancel,
	close,
	effectsOf,
	type FrozenBook,
	FUNDING,
	open,
	pay,
	post,
	refund,
	release,
	run,
	setState,
	T0,
	transfer,
	transferId,
	world,
} from "../../tests/ledger/ledger-script.ts";
import { claimsOf } from "./journal.ts";
import { decide } from "./ledger.ts";
import { availableOf, balanceOf, type Command, type CommandId } from "./model.ts";

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
