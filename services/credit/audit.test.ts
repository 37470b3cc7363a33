import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, it } from "node:test";
import { audit, COMMANDS, type Mutable, original, truth, withAuditor } from "../../tests/ledger/forged-log.ts";
import { LogFold } from "../../tests/ledger/log-fold.ts";
import { MemoryJournal } from "../../tests/ledger/memory-journal.ts";
import { FUNDING, memoryOf, payCommand, randomLog } from "../../tests/ledger/random-log.ts";
import { Auditor } from "./audit.ts";
import { auditLedger } from "./audit-run.ts";
import { entriesOf, type Group, hashOf, headOf } from "./journal.ts";
import type { Account, AccountId, Transfer } from "./model.ts";
import { SqliteReadModel } from "./read-model-sqlite.ts";
import { RunningLedger } from "./running-ledger.ts";

/** As the auditor keeps it. */
const withoutReceipt = (transfer: Transfer): Transfer => ({ ...transfer, details: {} });

describe("the audit of a log that is right", () => {
	for (const seed of [1, 2]) {
		it(`finds nothing in 1,000 random groups (seed ${seed}), and has counted them`, () => {
			const log = randomLog({ seed, groups: 1_000 });
			const fold = LogFold.of(log);
			assert.equal(audit(log, fold.accounts.values()), null);
			withAuditor((auditor) => {
				for (const group of log) auditor.check(group);
				const entries = log.flatMap(entriesOf);
				assert.equal(auditor.entries, entries.length);
				assert.equal(auditor.refused, entries.filter(({ refusal }) => refusal).length);
				assert.deepEqual(auditor.head, headOf(log.at(-1) as Group));
				assert.deepEqual(new Map(auditor.accounts), new Map(fold.accounts));
				const transfers = [...fold.transfers].map(([id, transfer]) => [id, withoutReceipt(transfer)] as const);
				assert.deepEqual(new Map(auditor.transfers), new Map(transfers));
				assert.deepEqual([auditor.accounts.size, auditor.transfers.size], [fold.accounts.size, fold.transfers.size]);
			});
		});
	}

	it("finds nothing in an empty log", () => assert.equal(audit([]), null));
});

describe("the audit of a chain that is broken names", () => {
	const damage: [string, (groups: Group[]) => void, number, RegExp][] = [
		[
			"an amount that was changed in the text",
			(g) => edit(g, 10, (body) => body.replace('"amount":100', '"amount":101')),
			10,
			/not what was hashed/,
		],
		["an edited receipt", (g) => edit(g, 10, (body) => body.replace("라떼", "모카")), 10, /not what was hashed/],
		["a space in the text", (g) => edit(g, 10, (body) => body.replace("{", "{ ")), 10, /not what was hashed/],
		[
			"a changed time",
			(g) => Object.assign(g[9] as Group, { committedAtMs: (g[9]?.committedAtMs ?? 0) + 1 }),
			10,
			/not what was hashed/,
		],
		["another lane", (g) => Object.assign(g[9] as Group, { lane: 1 }), 10, /not what was hashed/],
		["a changed hash", (g) => Object.assign(g[9] as Group, { hash: "0".repeat(64) }), 10, /not what was hashed/],
		["a changed group that was hashed anew", (g) => rehash(g, 10), 11, /does not follow/],
		[
			"another previous hash",
			(g) => Object.assign(g[9] as Group, { previousHash: "0".repeat(64) }),
			10,
			/does not follow/,
		],
		["a missing group", (g) => g.splice(9, 1), 11, /group 10 is missing/],
		["a missing first group", (g) => g.splice(0, 1), 2, /group 1 is missing/],
		["a group twice", (g) => g.splice(9, 0, g[9] as Group), 10, /group 11 is missing/],
		["groups that changed places", (g) => g.splice(9, 2, g[10] as Group, g[9] as Group), 11, /group 10 is missing/],
		[
			"a log that begins with another one's end",
			(g) => g.splice(0, 0, { ...(g[0] as Group), sequence: 0 }),
			0,
			/group 1 is missing/,
		],
	];

	function edit(groups: Group[], sequence: number, change: (body: string) => string): void {
		const group = groups[sequence - 1] as Group;
		const body = change(group.body);
		assert.notEqual(body, group.body);
		groups[sequence - 1] = { ...group, body };
	}

	function rehash(groups: Group[], sequence: number): void {
		edit(groups, sequence, (body) => body.replace("라떼", "모카"));
		const group = groups[sequence - 1] as Group;
		groups[sequence - 1] = { ...group, hash: hashOf(group) };
	}

	for (const [name, inflict, sequence, what] of damage) {
		it(name, () => {
			const groups = original();
			inflict(groups);
			const discrepancy = audit(groups);
			assert.match(discrepancy?.what ?? "nothing", what);
			assert.deepEqual([discrepancy?.sequence, discrepancy?.position], [sequence, null]);
		});
	}
});

describe("the audit of the whole names", () => {
	it("a sum that is not 0, when every group was right", () => {
		for (const counter of ["creditsPosted", "debitsPending"] as const) {
			withAuditor((auditor) => {
				for (const group of original()) assert.equal(auditor.check(group), null);
				assert.equal(auditor.finish(), null);
				const account = auditor.accounts.get("wallet:u_1" as AccountId) ?? assert.fail();
				auditor.accounts.set({ ...account, [counter]: account[counter] + 1 });
				assert.match(
					auditor.finish()?.what ?? "nothing",
					/the sum over all accounts is -?[01] posted and -?[01] pending, not 0/,
				);
			});
		}
	});

	const fields: Partial<Mutable<Account>>[] = [
		...[{ debitsPosted: 1 }, { creditsPosted: 1 }, { debitsPending: 1 }, { creditsPending: 1 }],
		...[{ state: "frozen" as const }, { floor: null }, { owner: "somebody else" }, { kind: "system" as const }],
	];
	for (const by of fields) {
		const [field] = Object.keys(by) as [keyof Account];
		it(`a read model whose ${field} is another`, () => {
			const account = truth.accounts.get("wallet:u_1") ?? assert.fail();
			const value = typeof by[field] === "number" ? (account[field] as number) + 1 : by[field];
			const what = `the read model has ${field} = ${value} for wallet:u_1, the log ${account[field]}`;
			const sequence = original().length;
			assert.deepEqual(audit(original(), [{ ...account, [field]: value }]), { sequence, position: null, what });
		});
	}

	it("an account that only the read model has", () => {
		const account = truth.accounts.get("wallet:u_1") ?? assert.fail();
		const discrepancy = audit(original(), [{ ...account, id: "wallet:u_9" as AccountId }]);
		assert.match(discrepancy?.what ?? "nothing", /the read model has account wallet:u_9, the log has not/);
	});
});

describe("auditLedger", () => {
	const folder = mkdtempSync(join(tmpdir(), "hannip-audit-"));
	after(() => rmSync(folder, { recursive: true }));

	async function ledgerOn(name: string, groups: readonly Group[]): Promise<{ ledger: RunningLedger; path: string }> {
		const path = join(folder, name);
		const journal = new MemoryJournal(memoryOf(groups));
		const readModel = await SqliteReadModel.open(path, (ids) => journal.find(ids));
		return { ledger: await RunningLedger.open({ journal, readModel }), path };
	}

	it("says that all is right, and how much that is", async () => {
		const { ledger } = await ledgerOn("right.sqlite", original());
		const { tookMs, ...report } = await auditLedger(ledger);
		await ledger.close();
		assert.ok(tookMs >= 0);
		const head = headOf(original().at(-1) as Group);
		assert.deepEqual(report, {
			clean: true,
			discrepancy: null,
			operations: { clean: true, discrepancy: null, lines: 0, headHash: "0".repeat(64) },
			groups: COMMANDS.length,
			entries: COMMANDS.length,
			refused: 1,
			accounts: truth.accounts.size,
			transfers: truth.transfers.size,
			inCirculation: 1_500,
			headSequence: head.sequence,
			headHash: head.hash,
		});
	});

	const tampering: [string, string, RegExp][] = [
		[
			"a balance",
			"UPDATE accounts SET credits_posted = credits_posted + 1 WHERE id = 'wallet:u_1'",
			/creditsPosted = 1101 for wallet:u_1/,
		],
		[
			"an account too many",
			"INSERT INTO accounts SELECT 'wallet:z', kind, owner, floor, state, 0, 0, 0, 0 FROM accounts WHERE id = 'wallet:u_1'",
			/has account wallet:z/,
		],
		[
			"an account too few",
			"DELETE FROM accounts WHERE id = 'wallet:u_1'",
			/the read model has \d accounts, the log \d/,
		],
	];
	for (const [name, sql, what] of tampering) {
		it(`names ${name} in the read model's file`, async () => {
			const { ledger, path } = await ledgerOn(`${name}.sqlite`, original());
			const db = new DatabaseSync(path);
			db.exec(sql);
			db.close();
			const { clean, discrepancy } = await auditLedger(ledger);
			await ledger.close();
			assert.equal(clean, false);
			assert.match(discrepancy?.what ?? "nothing", what);
		});
	}

	it("is right while payments go on", async () => {
		const { ledger } = await ledgerOn("busy.sqlite", original());
		let going = true;
		const paying = (async () => {
			for (let n = 0; going; n++)
				await ledger.submit(payCommand(`busy.${n}`, "charge", { from: FUNDING, to: "wallet:u_1", amount: 1 }));
		})();
		const reports = [await auditLedger(ledger), await auditLedger(ledger)];
		going = false;
		await paying;
		await ledger.close();
		for (const { clean, discrepancy } of reports) assert.equal(clean, true, JSON.stringify(discrepancy));
	});
});

it("an auditor that is closed has let go of its scratch file", () => {
	const auditor = new Auditor();
	auditor.close();
	assert.throws(() => auditor.accounts.get("wallet:u_1" as AccountId), /finalized/);
});
