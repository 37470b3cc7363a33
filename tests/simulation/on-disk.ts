import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { auditLedger } from "../../services/credit/audit-run.ts";
import { type Group, headOf } from "../../services/credit/journal.ts";
import { SqliteReadModel } from "../../services/credit/read-model-sqlite.ts";
import { RunningLedger } from "../../services/credit/running-ledger.ts";
import { LogFold } from "../ledger/log-fold.ts";
import { MemoryJournal } from "../ledger/memory-journal.ts";
import { memoryOf } from "../ledger/random-log.ts";
import { dumpOf, dumpOfFold } from "../ledger/read-model-conformance.ts";
import { must } from "./invariants.ts";

/** Makes the real read model of a world's log, in SQLite, and audits it as an operator would. In real time. @throws Violation */
export async function mustBeSoOnDisk(groups: readonly Group[]): Promise<void> {
	const folder = mkdtempSync(join(tmpdir(), "hannip-simulation-"));
	const journal = new MemoryJournal(memoryOf(groups));
	const readModel = await SqliteReadModel.open(join(folder, "read-model.sqlite"), (ids) => journal.find(ids));
	const ledger = await RunningLedger.open({ journal, readModel });
	try {
		const { discrepancy } = await auditLedger(ledger);
		must("audit", discrepancy === null, () => JSON.stringify(discrepancy));
		const expected = dumpOfFold(LogFold.of(groups), headOf(groups.at(-1) as Group));
		must("readModel", isDeepStrictEqual(await dumpOf(readModel), expected), () => "SQLite has something else");
	} finally {
		await ledger.close();
		rmSync(folder, { recursive: true });
	}
}
