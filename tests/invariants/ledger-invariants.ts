import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { call } from "../../services/actions.ts";
import { entriesOf, type Group } from "../../services/credit/journal.ts";
import { type Random, seeded } from "../ledger/random-log.ts";
import { ask, Business, isFailure } from "./business.ts";
import { Ledger, type Where } from "./ledger.ts";
import { booksFrom, brokenChain, foldOf, readBooks } from "./log.ts";
import * as money from "./money.ts";
import * as repeats from "./repeats.ts";
import { fill, type Storage } from "./storage.ts";
import { Teller, times } from "./teller.ts";

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9));

/**
 * The fifteen invariants of the Ledger Conformance Kit (technomorphcorporation, Apache-2.0), through the public actions. Where the log
 * has to say something it is read past the service, and added up by code that shares nothing with it.
 *
 * All of them run on one ledger, and the last test looks at what they leave behind.
 */
export function ledgerInvariants(name: string, start: () => Promise<{ storage: Storage; where: Where }>): void {
	describe(`${name} (SEED=${SEED})`, () => {
		let ledger: Ledger;
		const random = seeded(SEED);
		before(async () => {
			const { storage, where } = await start();
			ledger = await Ledger.start(storage, where);
			await storage.watch();
		});
		after(() => ledger.remove());

		const invariants: [string, (ledger: Ledger, random: Random) => Promise<void>][] = [
			["1 balanced: a transfer takes from one account what it gives to another", money.balanced],
			["2 append-only: what was written stays, byte for byte, whatever happens afterwards", appendOnly],
			["3 hash chain: every group is chained to the one before it, and a changed one is found", hashChain],
			["4 a duplicate is a no-op, after a restart too", repeats.duplicateIsNoOp],
			["5 64 concurrent duplicates collapse into one", repeats.concurrentDuplicates],
			["6 no lost update: 1,000 transfers at once over a hot account", money.noLostUpdate],
			["7 conservation: 400 random transfers at once, while others add up", money.conservation],
			["8 balance = journal: accounts, statements, totals and outcomes follow from the log", balanceIsJournal],
			["9 overdrafts are refused while the account drains", money.noOverdraft],
			["10 no precision drift, up to the last exact credit", money.noDrift],
			["11 no currency mixing: not applicable, there is one asset and no command can name another", money.noMixing],
			["12 reversal is compensation: nothing is struck out", money.reversal],
			["13 rebuild: from the entries alone everything is there again", rebuild],
			["14 ordering: statements are in the order of the log, and what follows sees what went before", ordering],
			["15 the duplicate of a refused command is never reported as applied", repeats.refusedStaysRefused],
			["what one process refuses early and another one submits is one of the two for ever", repeats.refusedEarly],
		];
		for (const [invariant, holds] of invariants) it(invariant, () => holds(ledger, random));

		it("and the whole log, after all that, is one chain in which everything adds up, and the audit says so", async () => {
			const { groups, value } = await ledger.atRest((reader) => call(reader, "credit.audit", {}));
			const fold = foldOf(groups);
			const entries = groups.flatMap(entriesOf);
			const { clean, discrepancy, headHash, accounts, transfers, refused } = value;
			assert.deepEqual([clean, discrepancy, headHash], [true, null, groups.at(-1)?.hash]);
			const refusals = entries.filter(({ refusal }) => refusal).length;
			assert.deepEqual([accounts, transfers, refused], [fold.accounts.size, fold.transfers.size, refusals]);
			assert.equal(value.entries, entries.length);
			assert.deepEqual(await ledger.storage.changes(), []);
		});
	});
}

async function appendOnly(ledger: Ledger, random: Random): Promise<void> {
	const before = await ledger.storage.groups();
	const business = await Business.open(ledger, random);
	await business.go({ rounds: 8, width: 30 });
	await ledger.restart();
	const between = await ledger.storage.groups();
	const answers = await business.go({ rounds: 8, width: 30 });
	assert.deepEqual(Object.keys(answers).filter(isFailure), []);
	const after = await ledger.storage.groups();
	assert.ok(before.length < between.length && between.length < after.length);
	for (const earlier of [before, between]) assert.deepEqual(after.slice(0, earlier.length), earlier);
	assert.deepEqual(await ledger.storage.changes(), [], "the database was asked to change a group");
}

async function hashChain(ledger: Ledger): Promise<void> {
	const { groups, value } = await ledger.atRest((reader) => call(reader, "credit.audit", {}));
	assert.equal(brokenChain(groups), null);
	assert.equal(value.headHash, groups.at(-1)?.hash);
	for (const [sequence, changed] of changesOf(groups)) {
		assert.match(String(brokenChain(changed)), new RegExp(`^(group|time runs backwards at group) ${sequence}\\b`));
	}
	const [sequence, raised] = raisedAmount(groups);
	await Ledger.during(await fill(ledger.storage.another(), raised), async (other) => {
		const { clean, discrepancy } = await call(other, "credit.audit", {});
		assert.deepEqual([clean, discrepancy?.sequence], [false, sequence], "the audit does not find a raised amount");
	});
}

/** The log with one group changed in one field, and from which group on that must be seen. */
function* changesOf(groups: readonly Group[]): Generator<readonly [number, Group[]]> {
	const index = Math.floor(groups.length / 2);
	const group = groups[index] ?? assert.fail("the log is empty");
	const { sequence, hash, body, committedAtMs } = group;
	const flipped = (hash.startsWith("0") ? "1" : "0") + hash.slice(1);
	const changed = [{ hash: flipped }, { previousHash: flipped }, { body: `${body} ` }, { lane: 1 }];
	for (const change of [...changed, { committedAtMs: committedAtMs + 1 }, { sequence: sequence + 1 }])
		yield [sequence, groups.with(index, { ...group, ...change })];
	yield [sequence, groups.toSpliced(index, 1)];
	yield raisedAmount(groups);
}

function raisedAmount(groups: readonly Group[]): readonly [number, Group[]] {
	const index = groups.findIndex(({ body }) => body.includes('"amount":2000,'));
	const group = groups[index] ?? assert.fail("the log has no such amount");
	const body = group.body.replace('"amount":2000,', '"amount":2001,');
	return [group.sequence, groups.with(index, { ...group, body })];
}

async function balanceIsJournal(ledger: Ledger, random: Random): Promise<void> {
	const business = await Business.open(ledger, random);
	const answers = await business.go({ rounds: 12, width: 40 });
	assert.deepEqual(Object.keys(answers).filter(isFailure), []);
	assert.ok(Object.keys(answers).length > 8, `too little happened: ${JSON.stringify(answers)}`);
	const what = { accounts: business.accounts, ids: [...business.asked.map(({ params }) => params.id), "never.seen"] };
	const { groups, value } = await readBooks(ledger, what);
	assert.deepEqual(value, booksFrom(groups, what));
}

async function rebuild(ledger: Ledger, random: Random): Promise<void> {
	const business = await Business.open(ledger, random);
	await business.go({ rounds: 6, width: 40 });
	const what = { accounts: business.accounts, ids: business.asked.map(({ params }) => params.id) };
	const { groups, value } = await readBooks(ledger, what);
	await Ledger.during(await fill(ledger.storage.another(), groups), async (other) => {
		const rebuilt = await readBooks(other, what);
		// Holds end in one as in the other, at their own time.
		if (rebuilt.groups.length === groups.length) assert.deepEqual(rebuilt.value, value);
		assert.deepEqual(rebuilt.value, booksFrom(rebuilt.groups, what));
		assert.deepEqual(rebuilt.groups.slice(0, groups.length), groups);
		const [{ name, params } = assert.fail("nothing was asked")] = business.asked;
		const again = { name, params: { ...params, fingerprint: "something else" } };
		await assert.rejects(ask(other, again), { type: /idempotency_key_reused|cancelled/ });
		assert.equal((await call(other, "credit.audit", {})).clean, true);
	});
}

async function ordering(ledger: Ledger): Promise<void> {
	const teller = new Teller(ledger);
	// Each can only pay with what the one before has given: 32 of 32 are applied, in any process.
	const chain = await Promise.all(times(33, () => teller.wallet()));
	await teller.transfer({ kind: "charge", from: "system:funding", to: chain[0] ?? "", amount: 100 });
	const sequences: number[] = [];
	for (const [index, from] of chain.slice(0, -1).entries()) {
		const to = chain[index + 1] ?? "";
		sequences.push((await teller.transfer({ kind: "p2p", from, to, amount: 100 })).sequence);
	}
	assert.deepEqual(
		sequences,
		sequences.toSorted((a, b) => a - b),
	);
	assert.equal((await (await teller.reader()).account(chain.at(-1) ?? "")).balance, 100);
	const [payer, store] = [await teller.wallet({ credit: 5_000 }), await teller.open("store")];
	await Promise.all(times(250, (n) => teller.transfer({ from: payer, to: store, amount: 1 + (n % 9) })));
	const groups = await ledger.storage.groups();
	const logged = groups.flatMap((group) =>
		entriesOf(group).map(({ id }, position) => ({ id, sequence: group.sequence, position })),
	);
	const reader = await teller.reader();
	for (const accountId of [payer, store]) {
		const lines = (await reader.statement(accountId)).toReversed();
		const ids = new Set<string>(lines.map(({ transferId }) => transferId));
		assert.equal(ids.size, lines.length);
		const places = lines.map(({ transferId: id, sequence, position }) => ({ id, sequence, position }));
		assert.deepEqual(
			places,
			logged.filter(({ id }) => ids.has(id)),
		);
		let balance = 0;
		for (const { amount, balanceAfter } of lines) {
			balance += amount;
			assert.equal(balanceAfter, balance);
		}
	}
}
