import assert from "node:assert/strict";
import { it } from "node:test";
import type { Account, AccountId, Transfer, TransferId } from "./model.ts";
import { Draft, ResidentBook } from "./resident-book.ts";

const account = (id: string, debitsPosted: number, creditsPosted: number): Account => ({
	...{ id: id as AccountId, kind: "wallet", owner: "u", floor: 0, state: "open" },
	...{ debitsPosted, creditsPosted, debitsPending: 0, creditsPending: 0 },
});
const hold = (id: string, amount: number, state: Transfer["state"]): Transfer => ({
	...{ id: id as TransferId, kind: "sale", amount, state, refunded: 0, reference: null, details: {}, createdAtMs: 0 },
	...{ debitAccountId: "wallet:a" as AccountId, creditAccountId: "store:b" as AccountId, expiresAtMs: 1 },
});

it("what was booked adds up to nothing, unless credit was made or lost; what was only loaded does not count", () => {
	const book = new ResidentBook();
	book.putAccount(account("wallet:a", 0, 900));
	book.putAccount(account("wallet:b", 100, 100));
	// What another process booked, and is read here.
	book.putAccount(account("wallet:a", 0, 950));
	assert.equal(book.drift, 0);
	const decide = (...accounts: Account[]) => {
		const draft = new Draft(book);
		for (const each of accounts) draft.putAccount(each);
		book.absorb(draft);
	};
	decide(account("wallet:a", 300, 950), account("wallet:b", 100, 400));
	assert.equal(book.drift, 0);
	decide(account("wallet:a", 301, 950));
	assert.equal(book.drift, -1);
	decide(account("wallet:b", 100, 403));
	assert.equal(book.drift, 2);
	decide(account("wallet:new", 0, 0));
	assert.equal(book.drift, 2);
});

it("knows what open holds come to, however they end", () => {
	const book = new ResidentBook();
	for (const [id, amount] of [
		["h1", 500],
		["h2", 70],
		["h3", 3],
	] as const)
		book.putTransfer(hold(id, amount, "pending"));
	assert.equal(book.held, 573);
	// A part of it; the same once more, as a follower may see it.
	book.putTransfer(hold("h1", 200, "posted"));
	book.putTransfer(hold("h1", 200, "posted"));
	assert.equal(book.held, 73);
	book.putTransfer(hold("h2", 70, "voided"));
	book.putTransfer(hold("h3", 3, "pending"));
	assert.equal(book.held, 3);
});
