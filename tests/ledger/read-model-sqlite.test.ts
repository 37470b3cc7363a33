import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, it } from "node:test";
import { type Group, headOf } from "../../services/credit/journal.ts";
import type { Locate } from "../../services/credit/read-model.ts";
import { SqliteReadModel } from "../../services/credit/read-model-sqlite.ts";
import { RunningLedger } from "../../services/credit/running-ledger.ts";
import { LogFold, locateIn } from "./log-fold.ts";
import { MemoryJournal } from "./memory-journal.ts";
import { memoryOf, randomLog } from "./random-log.ts";
import { dumpOf, dumpOfFold, readModelConformance } from "./read-model-conformance.ts";
import { locatingConformance } from "./read-model-locating.ts";
import { lookingConformance } from "./read-model-looking.ts";

const root = mkdtempSync(join(tmpdir(), "hannip-read-model-"));
after(() => rmSync(root, { recursive: true }));

const pathOf = (place: string) => join(root, `${place}.sqlite`);
const forget = async (place: string) => {
	for (const suffix of ["", "-wal", "-shm"]) rmSync(pathOf(place) + suffix, { force: true });
};

const kind = { open: (place: string, locate: Locate) => SqliteReadModel.open(pathOf(place), locate), forget };
readModelConformance("SQLite", kind);
locatingConformance("SQLite", kind);
lookingConformance("SQLite", kind);

const log = randomLog({ seed: 5, groups: 60 });
const expected = dumpOfFold(LogFold.of(log), headOf(log.at(-1) as Group));

/** What can be read after a start of the ledger on this log, with whatever read model there is. */
async function dumpAfterStart(place: string, groups: readonly Group[]) {
	const journal = new MemoryJournal(memoryOf(groups));
	const readModel = await SqliteReadModel.open(pathOf(place), (ids) => journal.find(ids));
	const ledger = await RunningLedger.open({ journal, readModel });
	const dump = await dumpOf(ledger.readModel);
	await ledger.close();
	return dump;
}

describe("read model in SQLite", () => {
	it("of another version is made anew", async () => {
		assert.deepEqual(await dumpAfterStart("version", log), expected);
		const db = new DatabaseSync(pathOf("version"));
		db.exec("PRAGMA user_version = 77; DROP TABLE transfers");
		db.close();
		assert.deepEqual(await dumpAfterStart("version", log), expected);
	});

	it("that is behind the log catches up at the start", async () => {
		await dumpAfterStart("behind", log.slice(0, 20));
		assert.deepEqual(await dumpAfterStart("behind", log), expected);
	});

	it("that is deleted is made anew from more groups than fit into one batch", async () => {
		const long = randomLog({ seed: 6, groups: 1_500, entriesMax: 2 });
		const all = dumpOfFold(LogFold.of(long), headOf(long.at(-1) as Group));
		assert.deepEqual(await dumpAfterStart("long", long), all);
	});

	it("that could not be written once is written by the next group, or by whoever asks for it", async () => {
		const readModel = await SqliteReadModel.open(pathOf("locked"), locateIn(log));
		const rival = new DatabaseSync(pathOf("locked"));
		rival.exec("BEGIN IMMEDIATE");
		readModel.project(log[0] as Group);
		await assert.rejects(readModel.drained(), /locked/);
		rival.exec("ROLLBACK");
		rival.close();
		await readModel.reached(1);
		for (const group of log.slice(1)) readModel.project(group);
		await readModel.drained();
		await readModel.notTooFarBehind();
		const dump = await dumpOf(readModel);
		await readModel.close();
		assert.deepEqual(dump, expected);
	});
});
