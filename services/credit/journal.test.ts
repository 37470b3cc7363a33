import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { claimsOf, codeClaim, emptyHead, entriesOf, type Group, hashOf, headOf, makeGroup } from "./journal.ts";
import type { CommandId, Entry, Jti } from "./model.ts";

const entry = (id: string, effect: Partial<Entry> = {}): Entry => ({
	...{ id: id as CommandId, type: "cancel", fingerprint: "asked" },
	...effect,
});
const first = makeGroup({ lane: 0, previous: emptyHead, nowMs: 5, entries: [entry("a"), entry("b")] });

describe("a group", () => {
	it("is the next one, follows its predecessor, and carries its entries as text", () => {
		const { hash, ...rest } = makeGroup({ lane: 3, previous: headOf(first), nowMs: 9, entries: [entry("c")] });
		assert.deepEqual(rest, {
			lane: 3,
			sequence: 2,
			previousHash: first.hash,
			committedAtMs: 9,
			body: '[{"id":"c","type":"cancel","fingerprint":"asked"}]',
		});
		assert.equal(hash, hashOf(rest));
	});

	it("has the hash that whoever reads the log with other tools expects", () => {
		const text = ["0", "1", "0".repeat(64), "5", first.body].join("\n");
		assert.equal(first.hash, createHash("sha256").update(text).digest("hex"));
	});

	it("has another hash for every other content", () => {
		const others: Partial<Group>[] = [
			...[{ lane: 1 }, { sequence: 2 }, { previousHash: "1".repeat(64) }, { committedAtMs: 6 }, { body: "[]" }],
			{ committedAtMs: 51, body: first.body.slice(1) },
		];
		const hashes = new Set([first, ...others.map((other) => ({ ...first, ...other }))].map(hashOf));
		assert.equal(hashes.size, 1 + others.length);
	});

	it("gives back its entries and what the next one follows", () => {
		assert.deepEqual(entriesOf(first), [entry("a"), entry("b")]);
		assert.deepEqual(headOf(first), { sequence: 1, hash: first.hash, committedAtMs: 5 });
	});
});

it("the head of an empty log is before the first group", () => {
	assert.deepEqual(emptyHead, { sequence: 0, hash: "0".repeat(64), committedAtMs: 0 });
});

describe("an entry claims", () => {
	it("its id", () => assert.deepEqual(claimsOf(entry("a")), ["a"]));

	it("the id that it keeps out", () => {
		assert.deepEqual(claimsOf(entry("a", { tombstone: "late" as CommandId })), ["a", "late"]);
	});

	it("the code that it uses up, which is no id", () => {
		const redeemed = { jti: "late" as Jti, expiresAtMs: 9 };
		assert.deepEqual(claimsOf(entry("a", { redeemed })), ["a", "code:late"]);
		assert.equal(codeClaim("late"), "code:late");
	});
});
