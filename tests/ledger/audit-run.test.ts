import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type AuditProgress, auditLedger } from "../../services/credit/audit-run.ts";
import { type Group, headOf } from "../../services/credit/journal.ts";
import { SqliteReadModel } from "../../services/credit/read-model-sqlite.ts";
import { RunningLedger } from "../../services/credit/running-ledger.ts";
import { LogFold } from "./log-fold.ts";
import { MemoryJournal } from "./memory-journal.ts";
import { FUNDING, memoryOf, openCommand, payCommand, randomLog } from "./random-log.ts";

const folder = mkdtempSync(join(tmpdir(), "hannip-audit-run-"));
after(() => rmSync(folder, { recursive: true }));

const log = randomLog({ seed: 31, groups: 1_500 });
const { accounts, transfers } = LogFold.of(log);
const end = headOf(log.at(-1) as Group);

let files = 0;
type Setting = { readonly ledger: RunningLedger; readonly readModel: SqliteReadModel; readonly path: string };

/** A ledger on this log, for as long as the work takes. */
async function withLedger(work: (setting: Setting) => Promise<void>, journal = new MemoryJournal(memoryOf(log))) {
	const path = join(folder, `${files++}.sqlite`);
	const readModel = await SqliteReadModel.open(path, (ids) => journal.find(ids));
	const ledger = await RunningLedger.open({ journal, readModel });
	await work({ ledger, readModel, path }).finally(() => ledger.close());
}

const charge = (id: string) => payCommand(id, "charge", { from: FUNDING, to: "wallet:u_1", amount: 1 });

describe("auditLedger", () => {
	it("tells how far it is, up to the end that the log had at the beginning", () =>
		withLedger(async ({ ledger }) => {
			const told: AuditProgress[] = [];
			await auditLedger(ledger, { onProgress: (progress) => told.push(progress) });
			assert.ok(told.length > 1);
			assert.deepEqual(told.at(-1), { sequence: log.length, of: log.length, transfers: transfers.size });
			const sorted = told.toSorted((left, right) => left.sequence - right.sequence);
			assert.deepEqual(told, sorted);
		}));

	it("reads on when the journal gives fewer groups than were asked for", () => {
		class Brief extends MemoryJournal {
			override read(range: { fromSequence: number; groupsMax: number }): Promise<Group[]> {
				return super.read({ ...range, groupsMax: Math.min(range.groupsMax, 7) });
			}
		}
		return withLedger(
			async ({ ledger }) => {
				const { clean, headHash, transfers: counted } = await auditLedger(ledger);
				assert.deepEqual([clean, headHash, counted], [true, end.hash, transfers.size]);
			},
			new Brief(memoryOf(log)),
		);
	});

	it("names a log that ends before its head", () =>
		withLedger(async ({ ledger }) => {
			const of = end.sequence + 3;
			ledger.journal.head = async () => ({ ...end, sequence: of });
			const { discrepancy } = await auditLedger(ledger);
			assert.deepEqual(discrepancy, {
				sequence: end.sequence + 1,
				position: null,
				what: `the log ends before group ${of}`,
			});
		}));

	it("lets payments be answered while it goes on", () =>
		withLedger(async ({ ledger }) => {
			let going = true;
			let answered = 0;
			const paying = (async () => {
				for (; going; answered++) {
					await ledger.submit(charge(`during.${answered}`));
					await sleep(1);
				}
			})();
			const answeredAt: number[] = [];
			const audited = await auditLedger(ledger, { onProgress: () => answeredAt.push(answered) });
			going = false;
			await paying;
			assert.deepEqual([audited.clean, audited.discrepancy], [true, null]);
			assert.ok((answeredAt.at(-1) ?? 0) > (answeredAt[0] ?? 0), `answered at each report: ${answeredAt}`);
			assert.ok(audited.headSequence > end.sequence);
			assert.ok(audited.headSequence <= ledger.sequence);
		}));

	/** Something is booked, and in the read model, before each page of it is read. */
	function bookBeforeEachPage(
		{ ledger, readModel }: Setting,
		commands: (page: number) => Parameters<typeof ledger.submit>[0][],
	) {
		const everyAccount = readModel.everyAccount.bind(readModel);
		let pages = 0;
		readModel.everyAccount = async (page) => {
			pages++;
			await Promise.all(commands(pages).map((command) => ledger.submit(command)));
			await readModel.reached(ledger.sequence);
			return everyAccount(page);
		};
	}

	it("finds nothing in a read model that moves on while it is compared, and checks what it moved by", () =>
		withLedger(async (setting) => {
			bookBeforeEachPage(setting, (page) => [charge(`ahead.${page}`), openCommand(`wallet:new_${page}`)]);
			const { clean, discrepancy, headSequence, accounts: counted } = await auditLedger(setting.ledger);
			assert.deepEqual([clean, discrepancy], [true, null]);
			assert.equal(headSequence, setting.ledger.sequence);
			assert.equal(counted, accounts.size + 2, "there are two pages, the second one is empty");
		}));

	const tampering: [string, string, RegExp][] = [
		[
			"an account that was changed",
			"UPDATE accounts SET credits_posted = credits_posted + 1 WHERE id = 'wallet:u_2'",
			/has creditsPosted = \d+ for wallet:u_2, the log \d+/,
		],
		["one that is missing", "DELETE FROM accounts WHERE id = 'wallet:u_2'", /has 6 accounts, the log 7/],
		[
			"one too many",
			"INSERT INTO accounts SELECT 'wallet:z', kind, owner, floor, state, 0, 0, 0, 0 FROM accounts WHERE id = 'wallet:u_1'",
			/has account wallet:z, the log has not/,
		],
	];
	for (const [name, sql, what] of tampering) {
		it(`names ${name} in a read model that moves on`, () =>
			withLedger(async (setting) => {
				const db = new DatabaseSync(setting.path);
				db.exec(sql);
				db.close();
				bookBeforeEachPage(setting, (page) => [charge(`ahead.${page}`), openCommand(`wallet:new_${page}`)]);
				const { clean, discrepancy } = await auditLedger(setting.ledger);
				assert.equal(clean, false);
				assert.match(discrepancy?.what ?? "nothing", what);
			}));
	}

	it("leaves nothing running and nothing open, also when the ledger fails it", () =>
		withLedger(async ({ ledger, readModel }) => {
			readModel.everyAccount = () => Promise.reject(new Error("no pages"));
			await assert.rejects(auditLedger(ledger), /no pages/);
		}));
});
