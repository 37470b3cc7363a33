import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import { OperationsAudit } from "./audit-operations.ts";
import { Scratch } from "./audit-scratch.ts";
import { emptyHead, makeGroup } from "./journal.ts";
import type { Entry } from "./model.ts";
import { changeIdOf, type LineDocument } from "./operator-log.ts";

const account = "wallet:u_x";
const note = { by: "kim", operation: "account.freeze", target: account, reason: "why", of: null, detail: "open" };

function chain(...lines: readonly object[]): LineDocument[] {
	let previousHash = "0".repeat(64);
	return lines.map((line, index) => {
		const body = JSON.stringify({ ...note, phase: "begun", ...line, sequence: index + 1, atMs: 0, previousHash });
		previousHash = hash("sha256", body, "hex");
		return { _id: String(index + 1).padStart(12, "0"), hash: previousHash, body };
	});
}

/** What an audit says of these lines, those that come while it reads, and what the ledger has. */
function found(
	{ lines, later = 0 }: { lines: readonly LineDocument[]; later?: number },
	...entries: readonly object[]
): string | null {
	const scratch = new Scratch();
	const audit = new OperationsAudit(scratch);
	const before = lines.length - later;
	audit.lines({ page: lines.slice(0, before), isBefore: true });
	audit.group(makeGroup({ lane: 0, previous: emptyHead, nowMs: 0, entries: entries as Entry[] }));
	audit.lines({ page: lines.slice(before), isBefore: false });
	const { discrepancy, clean } = audit.finish({ isLedgerRight: true });
	scratch.close();
	assert.equal(clean, discrepancy === null);
	return discrepancy;
}

const adjusting = { ...note, operation: "account.adjust", detail: "balance 0; to give 5 by operator:kim.k" };
const lines = chain(
	note,
	{ phase: "done", of: 1 },
	adjusting,
	{ ...adjusting, phase: "done", of: 3 },
	{ ...note, operation: "adjustment.confirm", target: "operator:lee.j" },
);
const hashAt = (sequence: number): string => (lines[sequence - 1] as LineDocument).hash;
const frozen = {
	id: changeIdOf({ by: "kim", sequence: 1, hash: hashAt(1) }),
	type: "set-state",
	stateSet: { accountId: account, state: "frozen", reason: "why" },
};
const transfer = {
	id: "operator:kim.k",
	...{ kind: "adjustment", debitAccountId: "system:adjustment", creditAccountId: account, amount: 5 },
	details: { operation: 3, operationHash: hashAt(3), reason: "why", by: "kim" },
};
const given = { id: transfer.id, type: "transfer", created: transfer };
const confirmed = {
	id: "operator:kim.confirm:operator:lee.j",
	type: "post",
	changed: { id: "operator:lee.j", kind: "adjustment" },
};

test("what both logs say alike is right, and so is what is none of the operators'", () => {
	assert.equal(found({ lines }, frozen, given, confirmed), null);
	const others = [
		{ id: "u_x.freeze", type: "set-state", stateSet: { ...frozen.stateSet, reason: "by the owner of operator:kim" } },
		{ id: "system.expire:1:operator:lee.j", type: "expire", changed: confirmed.changed },
		{ ...given, id: "u_x.k", created: { ...transfer, kind: "sale" } },
		{ ...given, id: "operator:kim.other", created: undefined, refusal: "insufficient_credit" },
	];
	assert.equal(found({ lines }, frozen, given, confirmed, ...others), null);
	// It had a random id once.
	assert.equal(found({ lines }, { ...frozen, id: "operator:kim.0b5" }, given, confirmed), null);
	// One that is asked for twice at once is booked once, and says "done" twice.
	const twice = chain(note, { phase: "done", of: 1 }, adjusting, adjusting, { ...adjusting, phase: "done", of: 4 });
	const first = { ...transfer, details: { ...transfer.details, operationHash: twice[2]?.hash } };
	assert.equal(found({ lines: twice }, frozen, { ...given, created: first }), null);
});

test("a change in the ledger that no line says so of is named, the first one first", () => {
	const wrong = (...entries: readonly object[]) => String(found({ lines }, ...entries)).replace(/^.*: /, "");
	const none = "no line of the operator log says so";
	const other = (sequence: number) => `line ${sequence} of the operator log says something else`;
	const created = (change: object) => ({ ...given, created: { ...transfer, ...change } });
	const because = (change: object) => created({ details: { ...transfer.details, ...change } });
	const state = (change: object) => ({ ...frozen, stateSet: { ...frozen.stateSet, ...change } });
	for (const [entry, what] of [
		[{ ...given, id: "u_x.k" }, none],
		[{ ...given, id: "operator:lee.k" }, other(3)],
		[created({ id: "operator:kim.l" }), other(3)],
		[created({ amount: 6 }), other(3)],
		[created({ debitAccountId: account, creditAccountId: "system:adjustment" }), other(3)],
		[created({ creditAccountId: "wallet:u_y" }), other(3)],
		[because({ reason: "because" }), other(3)],
		[because({ operation: 1, operationHash: hashAt(1) }), other(1)],
		[because({ operation: 2, operationHash: hashAt(2) }), "the operator log has no beginning 2"],
		[because({ operationHash: hashAt(1) }), "line 3 of the operator log has another hash than it says"],
		[created({ details: {} }), "the operator log has no beginning 0"],
		[state({ state: "open" }), other(1)],
		[state({ accountId: "store:s_x" }), other(1)],
		[state({ reason: "because" }), other(1)],
		[{ ...state({ reason: "because" }), id: "operator:kim.0b5" }, none],
		[{ ...frozen, id: "operator:lee.0b5" }, none],
		[{ ...confirmed, id: "operator:mina.confirm:operator:lee.j" }, none],
		[{ ...confirmed, id: "store.confirm" }, none],
		[{ ...confirmed, type: "void" }, none],
		[{ ...confirmed, type: "cancel" }, none],
		[{ ...confirmed, changed: { ...confirmed.changed, id: "operator:lee.i" } }, none],
		[{ id: "operator:kim.open", type: "open", opened: {} }, none],
	] as const) {
		assert.equal(wrong(entry), what, JSON.stringify(entry));
	}
	const both = found({ lines }, { ...frozen, id: "operator:lee.1" }, { ...frozen, id: "operator:lee.2" });
	assert.match(String(both), /^group 1, entry 0: set-state operator:lee\.1: /);
});

test("what was done, says a line, must be in the ledger that was read after it", () => {
	const lacks = (line: number, what: string) =>
		`line ${line} was done, says the log, and the ledger has no ${what} of ${account}`;
	assert.equal(found({ lines }, given, confirmed), lacks(1, "account.freeze"));
	assert.equal(found({ lines }, frozen, confirmed), lacks(3, "account.adjust"));
	assert.equal(found({ lines }), lacks(1, "account.freeze"));
	// It is only known to have begun.
	assert.equal(found({ lines }, frozen, given), null);
	// What was done while the ledger was read may have come too late for that.
	assert.equal(found({ lines, later: 3 }, frozen), null);
	assert.equal(found({ lines, later: 2 }, frozen), null);
	for (const phase of ["failed", "unknown"]) assert.equal(found({ lines: chain(note, { phase, of: 1 }) }), null);
	const keys = { operation: "keys.rotate", target: "signing keys" };
	assert.equal(found({ lines: chain(keys, { ...keys, phase: "done", of: 1 }) }), null);
	const declined = { operation: "adjustment.decline", target: "operator:lee.j" };
	const said = found({ lines: chain(declined, { ...declined, phase: "done", of: 1 }) }, confirmed);
	assert.match(String(said), /^group 1, entry 0: post/);
});

test("a chain that is broken is named before anything that may only follow from it", () => {
	const broken = lines.toSpliced(1, 1);
	assert.equal(found({ lines: broken }, { ...frozen, id: "operator:lee.1" }), "line 2 is missing");
	const strange = chain({ by: 1, operation: null, target: [], detail: 7, reason: {} });
	assert.equal(found({ lines: strange }), null);
});
