import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LogFold } from "../../tests/ledger/log-fold.ts";
import { FUNDING, idOf, LogMaker, openCommand, payCommand } from "../../tests/ledger/random-log.ts";
import { Auditor, type Discrepancy } from "./audit.ts";
import { Comparison } from "./audit-comparison.ts";
import type { Group } from "./journal.ts";
import type { Account, AccountId, Command } from "./model.ts";

const COMMANDS: readonly Command[] = [
	openCommand(FUNDING),
	openCommand("wallet:a"),
	openCommand("wallet:b"),
	payCommand("charge", "charge", { from: FUNDING, to: "wallet:a", amount: 10 }),
	{ ...idOf("freeze"), type: "set-state", accountId: "wallet:b" as AccountId, state: "frozen", reason: "lost" },
	openCommand("wallet:c"),
	payCommand("again", "charge", { from: FUNDING, to: "wallet:a", amount: 5 }),
];

/** One group for each command. */
const log: readonly Group[] = (() => {
	const maker = new LogMaker();
	for (const command of COMMANDS) maker.add([command], maker.nowMs + 1);
	return maker.groups;
})();
const accountsAfter = (groups: number): Account[] => [...LogFold.of(log.slice(0, groups)).accounts.values()];

/** What is said of accounts that are read when the log was checked up to one group, and held against it up to another. */
function comparison({ from, to, accounts }: { from: number; to: number; accounts: readonly Account[] }) {
	const auditor = new Auditor();
	try {
		for (const group of log.slice(0, from)) assert.equal(auditor.check(group), null);
		const compared = new Comparison(auditor);
		for (const account of accounts) compared.take([account]);
		for (const group of log.slice(from, to)) {
			assert.equal(auditor.check(group), null);
			compared.settle(group);
		}
		return compared.finish();
	} finally {
		auditor.close();
	}
}

const atEnd = (sequence: number, what: string): Discrepancy => ({ sequence, position: null, what });

describe("a read model that moves on while the log is checked", () => {
	it("is right wherever both were begun and whatever the read model had by then", () => {
		for (let from = 0; from <= log.length; from++)
			for (let read = from; read <= log.length; read++)
				for (let to = read; to <= log.length; to++)
					assert.equal(comparison({ from, to, accounts: accountsAfter(read) }), null, `${from}, ${read}, ${to}`);
	});

	it("is wrong as long as the log does not have what it has", () => {
		assert.deepEqual(
			comparison({
				from: 3,
				to: 3,
				accounts: [...accountsAfter(3).filter(({ id }) => id !== "wallet:a"), ...accountsAfter(4).slice(1, 2)],
			}),
			atEnd(3, "the read model has creditsPosted = 10 for wallet:a, the log 0"),
		);
		assert.deepEqual(
			comparison({ from: 4, to: 4, accounts: accountsAfter(5) }),
			atEnd(4, "the read model has state = frozen for wallet:b, the log open"),
		);
		assert.deepEqual(
			comparison({ from: 5, to: 5, accounts: accountsAfter(6) }),
			atEnd(5, "the read model has account wallet:c, the log has not"),
		);
	});

	it("is wrong for good with what the log never had", () => {
		const accounts = accountsAfter(5).map((account) =>
			account.id === "wallet:a" ? { ...account, creditsPosted: 11 } : account,
		);
		assert.deepEqual(
			comparison({ from: 5, to: log.length, accounts }),
			atEnd(log.length, "the read model has creditsPosted = 11 for wallet:a, the log 15"),
		);
	});

	it("is wrong when it lacks an account, even if it has a newer one instead", () => {
		const accounts = accountsAfter(6).filter(({ id }) => id !== "wallet:b");
		assert.deepEqual(comparison({ from: 5, to: 6, accounts }), atEnd(6, "the read model has 2 accounts, the log 3"));
	});

	it("takes the accounts by the page", () => {
		const auditor = new Auditor();
		for (const group of log) auditor.check(group);
		const compared = new Comparison(auditor);
		compared.take(accountsAfter(log.length));
		assert.equal(compared.finish(), null);
		auditor.close();
	});
});
