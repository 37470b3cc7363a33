import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { claimsOf, entriesOf } from "../../services/credit/journal.ts";
import { RunningLedger } from "../../services/credit/running-ledger.ts";
import { ledgerFiles, openStorage } from "../../services/credit/storage.ts";
import { FUNDING, LogMaker, OPENING, payCommand } from "./random-log.ts";

// The audit's memory does not grow with the log: it passes in a heap in which nobody can keep every transfer.

const TRANSFERS = 200_000;
const IN_A_GROUP = 500;
const HEAP_MB = 64;

const dataDir = mkdtempSync(join(tmpdir(), "hannip-audit-memory-"));
after(() => rmSync(dataDir, { recursive: true }));

before(async () => {
	const { journal, readModel } = await openStorage({ dataDir, mongodbUri: null });
	const maker = new LogMaker();
	const add = async (commands: Parameters<LogMaker["add"]>[0]) => {
		const group = maker.add(commands) ?? assert.fail();
		assert.deepEqual(await journal.append(group, entriesOf(group).flatMap(claimsOf)), { result: "appended" });
	};
	await add(OPENING);
	const charge = { from: FUNDING, to: "wallet:u_1", amount: 1 };
	for (let first = 0; first < TRANSFERS; first += IN_A_GROUP) {
		await add(Array.from({ length: IN_A_GROUP }, (_, n) => payCommand(`u_1.${first + n}`, "charge", charge)));
	}
	const ledger = await RunningLedger.open({ journal, readModel });
	await ledger.close();
});

/** A process of its own with little memory. */
function inSmallHeap(...args: string[]) {
	const flags = ["--disable-warning=ExperimentalWarning", `--max-old-space-size=${HEAP_MB}`];
	return spawnSync(process.execPath, [...flags, ...args], {
		encoding: "utf8",
		env: { ...process.env, DATA_DIR: dataDir, MONGODB_URI: "" },
	});
}

async function unusedUrl(): Promise<string> {
	const server = createServer().listen(0, "127.0.0.1");
	await new Promise((resolve) => server.once("listening", resolve));
	const { port } = server.address() as AddressInfo;
	await new Promise((resolve) => server.close(resolve));
	return `http://127.0.0.1:${port}`;
}

const urlOf = (path: string) => new URL(`../../${path}`, import.meta.url).href;

/** As simple as can be, and as the audit once was. */
const KEEPS_ALL = `
	import { SqliteJournal } from ${JSON.stringify(urlOf("services/credit/journal-sqlite.ts"))};
	import { entriesOf } from ${JSON.stringify(urlOf("services/credit/journal.ts"))};
	const journal = new SqliteJournal(${JSON.stringify(ledgerFiles({ dataDir }).journal)});
	const kept = new Map();
	for (let next = 1; ; next++) {
		const [group] = await journal.read({ fromSequence: next, groupsMax: 1 });
		if (!group) break;
		for (const { id, created } of entriesOf(group)) kept.set(id, created);
	}
	await journal.close();
	console.log(kept.size);
`;

describe(`${TRANSFERS} transfers in a heap of ${HEAP_MB} MB`, () => {
	it("are too many to be kept", () => {
		const { status, stderr } = inSmallHeap("--eval", KEEPS_ALL);
		assert.notEqual(status, 0);
		assert.match(stderr, /heap out of memory|heap limit/i);
	});

	it("are audited by `npm run audit`", async () => {
		const script = fileURLToPath(urlOf("scripts/audit.ts"));
		const { status, stdout, stderr } = inSmallHeap(script, "--internal-url", await unusedUrl());
		assert.equal(status, 0, stderr);
		assert.match(stdout, /200,000 transfers\n.*\noperator log: 0 lines.*\nclean\n/);
	});
});
