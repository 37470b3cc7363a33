import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { balance, cancel, idsIn, OPENING, pay, writer } from "../../tests/ledger/group-writer.ts";
import { faultsInOrder, MemoryJournal, MemoryLog } from "../../tests/ledger/memory-journal.ts";
import { type AccountId, availableOf, type CommandId, type TransferId } from "./model.ts";
import { SqliteReadModel } from "./read-model-sqlite.ts";
import { RunningLedger } from "./running-ledger.ts";

describe("the running ledger", () => {
	const folder = mkdtempSync(join(tmpdir(), "hannip-group-commit-"));
	after(() => rmSync(folder, { recursive: true }));
	const opened = new Set<RunningLedger>();
	afterEach(async () => {
		for (const ledger of opened) await close(ledger);
	});

	let files = 0;
	const newFile = () => join(folder, `${++files}.sqlite`);

	async function openOn(journal: MemoryJournal, path: string, clock: () => number): Promise<RunningLedger> {
		const readModel = await SqliteReadModel.open(path, (ids) => journal.find(ids));
		const ledger = await RunningLedger.open({ journal, readModel, clock });
		opened.add(ledger);
		return ledger;
	}

	async function close(ledger: RunningLedger): Promise<void> {
		opened.delete(ledger);
		await ledger.close();
	}

	async function ledgerOn(journal: MemoryJournal, clock: () => number): Promise<RunningLedger> {
		const ledger = await openOn(journal, newFile(), clock);
		await Promise.all(OPENING.map((command) => ledger.submit(command)));
		return ledger;
	}

	/** What is said about a payment from everywhere, in one value. */
	async function saidOf(ledger: RunningLedger, id: string) {
		const { state } = await ledger.outcome(id as CommandId);
		const found = await ledger.transfer(id as TransferId);
		const payer = await ledger.account("wallet:a" as AccountId);
		return [state, found?.state, payer && balance(payer)];
	}

	it("says of a payment whose reply was lost what became of it, of its transfer and of its account alike", async () => {
		const journal = new MemoryJournal();
		const ledger = await ledgerOn(journal, () => 1_000);
		journal.trouble = faultsInOrder("reply_lost", "request_lost");
		await assert.rejects(ledger.submit(pay("stored", 10)), { type: "outcome_unknown" });
		assert.deepEqual(await saidOf(ledger, "stored"), ["applied", "posted", 990]);
		await assert.rejects(ledger.submit(pay("lost", 10)), { type: "outcome_unknown" });
		assert.deepEqual(await saidOf(ledger, "lost"), ["not_seen", undefined, 990]);
	});

	it("says so of what another process booked, and of what was cancelled there", async () => {
		const log = new MemoryLog();
		const ledger = await ledgerOn(new MemoryJournal(log), () => 1_000);
		const other = writer({ log });
		await other.commit.submit(pay("t", 10));
		await other.commit.submit(pay("too much", 5_000));
		await other.commit.submit(cancel("c", "late"));
		assert.deepEqual(await saidOf(ledger, "t"), ["applied", "posted", 990]);
		assert.deepEqual(await saidOf(ledger, "too much"), ["refused", undefined, 990]);
		assert.deepEqual(await saidOf(ledger, "late"), ["refused", undefined, 990]);
	});

	it("finds by itself what others appended, also their holds, when it has nothing to do", async () => {
		const log = new MemoryLog();
		let nowMs = 1_000;
		const one = await ledgerOn(new MemoryJournal(log), () => nowMs);
		const two = await openOn(new MemoryJournal(log), newFile(), () => nowMs);
		await one.submit(pay("h", 60, { hold: { ttlMs: 10 } }));
		const seen = () => two.account("wallet:a" as AccountId).then((account) => account && availableOf(account));
		assert.equal(await seen(), 1_000);
		two.lookForMore();
		assert.equal(await seen(), 1_000, "it had something to do since the last look");
		two.lookForMore();
		await two.reached(log.groups.length);
		assert.equal(await seen(), 940);
		nowMs = 1_010;
		await two.expireHolds();
		assert.equal(await seen(), 1_000);
	});

	it("answers a taken id with idempotency_key_reused", async () => {
		const ledger = await ledgerOn(new MemoryJournal(), () => 1_000);
		await ledger.submit(pay("t", 10));
		await assert.rejects(ledger.submit({ ...pay("t", 10), fingerprint: "another" }), {
			type: "idempotency_key_reused",
		});
	});

	it("expires holds from their last millisecond on, and never early", async () => {
		const times = { nowMs: 1_000 };
		const journal = new MemoryJournal();
		const ledger = await ledgerOn(journal, () => times.nowMs);
		await ledger.submit(pay("h", 10, { hold: { ttlMs: 500 } }));
		for (const [nowMs, state] of [
			[1_499, "pending"],
			[1_500, "expired"],
			[1_501, "expired"],
		] as const) {
			times.nowMs = nowMs;
			await ledger.expireHolds();
			assert.equal((await ledger.transfer("h" as TransferId))?.state, state, `at ${nowMs}`);
		}
		assert.equal(idsIn(journal.log).flat().length, OPENING.length + 2, "an expired hold is left alone");
	});

	it("expires a hold even if the clock stepped back while it was to expire", async () => {
		const times = { nowMs: 1_000 };
		const ledger = await ledgerOn(new MemoryJournal(), () => times.nowMs);
		await ledger.submit(pay("h", 10, { hold: { ttlMs: 500 } }));
		times.nowMs = 1_500;
		const expiring = ledger.expireHolds();
		times.nowMs = 1_499;
		await expiring;
		assert.equal((await ledger.transfer("h" as TransferId))?.state, "pending");
		times.nowMs = 120_000;
		await ledger.expireHolds();
		assert.equal((await ledger.transfer("h" as TransferId))?.state, "expired");
	});

	it("started again has the holds, and expires them", async () => {
		const times = { nowMs: 1_000 };
		const log = new MemoryLog();
		const path = newFile();
		const open = () => openOn(new MemoryJournal(log), path, () => times.nowMs);
		const first = await open();
		for (const command of [...OPENING, pay("h", 10, { hold: { ttlMs: 500 } })]) await first.submit(command);
		await close(first);
		times.nowMs = 5_000;
		const again = await open();
		await again.expireHolds();
		assert.deepEqual(await saidOf(again, "h"), ["applied", "expired", 1_000]);
	});
});
