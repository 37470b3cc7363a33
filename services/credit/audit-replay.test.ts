import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FUNDING, idOf, OPENING, payCommand } from "../../tests/ledger/random-log.ts";
import { replayDiffers } from "./audit-replay.ts";
import { apply, decide } from "./ledger.ts";
import type { AccountId, Command, CommandId, Entry, Jti, TransferId } from "./model.ts";
import { ResidentBook } from "./resident-book.ts";

const NOW_MS = 1_000;
const details = { till: "3" };
const transferId = (id: string) => id as TransferId;
const SALE = { from: "wallet:u_1", to: "store:s_1", amount: 100 };
const hold = (id: string): Command => ({ ...payCommand(id, "sale", SALE), hold: { ttlMs: 500 } });

function entryOf(book: ResidentBook, command: Command, nowMs = NOW_MS): Entry {
	const decision = decide(book, command, nowMs);
	assert.equal(decision.kind, "new");
	return (decision as Extract<typeof decision, { kind: "new" }>).entry;
}

/** Accounts with credit, a sale and two holds. */
function world(): ResidentBook {
	const book = new ResidentBook();
	const charge = payCommand("charge", "charge", { from: FUNDING, to: "wallet:u_1", amount: 1_000 });
	for (const command of [...OPENING, charge, payCommand("sale", "sale", SALE), hold("hold"), hold("hold2")]) {
		apply(book, entryOf(book, command));
	}
	return book;
}

const refund: Command = { ...idOf("r"), type: "refund", transferId: transferId("sale"), amount: 30, details };
const cancel = (target: string): Command => ({ ...idOf("c"), type: "cancel", targetId: target as CommandId, details });

describe("an entry that the rules made", () => {
	const redeem = { jti: "code" as Jti, expiresAtMs: 9_999, cap: 500 };
	const accountId = "wallet:new" as AccountId;
	const commands: [string, Command, atMs?: number][] = [
		["an opening", { ...idOf("o"), type: "open", accountId, kind: "wallet", owner: "u" }],
		[
			"a state",
			{ ...idOf("s"), type: "set-state", accountId: "wallet:u_2" as AccountId, state: "frozen", reason: "lost" },
		],
		["a payment with a receipt", { ...payCommand("t", "sale", SALE), details }],
		["a payment by code", { ...payCommand("t", "sale", SALE), redeem }],
		["a hold", hold("t")],
		["a partial post", { ...idOf("p"), type: "post", transferId: transferId("hold"), amount: 60 }],
		["a void", { ...idOf("v"), type: "void", transferId: transferId("hold") }],
		["an expiry", { ...idOf("e"), type: "expire", transferId: transferId("hold") }, NOW_MS + 500],
		["a refund with a receipt", refund],
		["a cancel that refunds, with a receipt", cancel("sale")],
		["a cancel that voids", cancel("hold")],
		["a cancel that keeps an id out", cancel("late")],
	];
	for (const [name, command, atMs = NOW_MS] of commands) {
		it(`is made again: ${name}`, () => {
			const book = world();
			const entry = entryOf(book, command, atMs);
			assert.equal(entry.refusal, undefined);
			assert.equal(replayDiffers(book, entry, atMs), null);
			assert.equal(replayDiffers(book, JSON.parse(JSON.stringify(entry)), atMs), null, "as it is in the log");
		});
	}

	it("is a cancel that found nothing to do", () => {
		assert.equal(replayDiffers(world(), { ...idOf("c"), type: "cancel" }, NOW_MS), null);
	});
});

describe("an entry that the rules did not make", () => {
	const differs = (entry: Entry, change: Partial<Entry>) => replayDiffers(world(), { ...entry, ...change }, NOW_MS);
	const made = (command: Command) => entryOf(world(), command);

	it("has an id that was there before", () => {
		const book = world();
		const entry = entryOf(book, cancel("late"));
		apply(book, entry);
		assert.equal(replayDiffers(book, { ...entry, fingerprint: "another" }, NOW_MS), "its id was there before");
	});

	it("is one that they refuse, and why", () => {
		const created = { ...made(payCommand("t", "sale", SALE)).created, amount: 5_000 } as Entry["created"] & object;
		assert.equal(differs(made(payCommand("t", "sale", SALE)), { created }), "the rules refuse it: insufficient_credit");
	});

	it("is one that they make otherwise", () => {
		assert.equal(differs(made(refund), { kind: "sale" }), "the rules make another entry of it");
		assert.equal(differs(made(refund), { fingerprint: "asked r", counters: [] }), "the rules make another entry of it");
	});

	it("does nothing, or not what its type says", () => {
		const nothing = "it was not refused and has no effect";
		const { created: _, ...changedOnly } = made(refund);
		assert.equal(differs(changedOnly, {}), nothing);
		for (const type of ["open", "set-state"] as const) assert.equal(differs(made(refund), { type }), nothing);
		for (const type of ["open", "transfer", "post", "void", "expire", "refund", "set-state"] as const)
			assert.equal(differs({ ...idOf("x"), type }, {}), nothing);
	});

	it("is a cancel that found nothing to do, and does something", () => {
		const does = "it does more than a cancel that found nothing to do";
		assert.equal(differs({ ...idOf("c"), type: "cancel" }, { counters: [] }), does);
	});
});
