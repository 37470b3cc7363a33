import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, it } from "node:test";
import { claimsOf, emptyHead, entriesOf, type Group, headOf, makeGroup } from "../../services/credit/journal.ts";
import { SqliteJournal } from "../../services/credit/journal-sqlite.ts";
import { assertLog, entryOf, journalConformance } from "./journal-conformance.ts";

const root = mkdtempSync(join(tmpdir(), "hannip-journal-"));
after(() => rmSync(root, { recursive: true }));

const FILE = "hannip.sqlite";

function folderOf(place: string): string {
	const folder = join(root, place);
	mkdirSync(folder, { recursive: true });
	return folder;
}

let folders = 0;
const newFolder = () => folderOf(`folder-${++folders}`);
const openIn = (folder: string) => new SqliteJournal(join(folder, FILE));

journalConformance("SQLite", async (place) => openIn(folderOf(place)));

const everything = (journal: SqliteJournal): Promise<Group[]> =>
	journal.read({ fromSequence: 1, groupsMax: 1_000_000 });

async function add(journal: SqliteJournal, ...ids: string[]): Promise<Group> {
	const entries = ids.map((id) => entryOf(id, { jti: `code of ${id}` }));
	const group = makeGroup({ lane: 0, previous: await journal.head(), nowMs: 1, entries });
	assert.deepEqual(await journal.append(group, entries.flatMap(claimsOf)), { result: "appended" });
	return group;
}

/** Every claim of the log is found where it was made, and is taken. */
async function assertClaims(journal: SqliteJournal, groups: readonly Group[]): Promise<void> {
	const made = groups.flatMap((group) =>
		entriesOf(group)
			.flatMap(claimsOf)
			.map((claim) => [claim, group.sequence] as const),
	);
	const found = await journal.find(made.map(([claim]) => claim));
	assert.deepEqual(found, new Map(made));
	const again = entriesOf(groups.at(-1) ?? assert.fail("the log is empty"));
	const group = makeGroup({ lane: 0, previous: await journal.head(), nowMs: 1, entries: again });
	const answer = await journal.append(group, again.flatMap(claimsOf));
	assert.deepEqual(answer, { result: "duplicate", claims: again.flatMap(claimsOf) });
}

/** Another process that runs `script` with an open `journal` and the functions of the ledger; `say` reports a line. */
const child = (folder: string, script: string): ChildProcess =>
	spawn(process.execPath, [...NODE_FLAGS, moduleOf(folder, script)], { stdio: ["ignore", "pipe", "pipe"] });

const NODE_FLAGS = ["--disable-warning=ExperimentalWarning"];

const urlOf = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);

/** A file, since a worker thread cannot start from a module that came by the command line. */
function moduleOf(folder: string, script: string): string {
	const file = join(newFolder(), "child.mjs");
	writeFileSync(
		file,
		`
		import { claimsOf, makeGroup } from ${urlOf("../../services/credit/journal.ts")};
		import { SqliteJournal } from ${urlOf("../../services/credit/journal-sqlite.ts")};
		import { assertLog, entryOf } from ${urlOf("./journal-conformance.ts")};
		const journal = new SqliteJournal(${JSON.stringify(join(folder, FILE))});
		const say = (line) => new Promise((said) => process.stdout.write(line + "\\n", said));
		const group = (previous, entries) => makeGroup({ lane: 0, previous, nowMs: previous.committedAtMs + 1, entries });
		${script}`,
	);
	return file;
}

/** Appends as fast as it can, and says which group was acknowledged after each. */
const appendForever = (who: string, entriesMax: number) => `
	for (let n = 0; ; n++) {
		const entries = Array.from({ length: 1 + n % ${entriesMax} }, (_, i) => entryOf("${who}." + n + "." + i, { jti: "${who}." + n + "." + i }));
		const made = group(await journal.head(), entries);
		const { result } = await journal.append(made, entries.flatMap(claimsOf));
		if (result === "appended") await say(made.sequence + " " + made.hash);
	}`;

/** The lines that a process has said until it ends or is killed. */
function linesOf(process: ChildProcess): { lines: () => string[]; errors: () => string } {
	let out = "";
	let errors = "";
	process.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
		out += chunk;
	});
	process.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
		errors += chunk;
	});
	// What follows the last line break was not said to its end.
	return { lines: () => out.split("\n").slice(0, -1), errors: () => errors };
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(condition: () => boolean, what: string): Promise<void> {
	const giveUpAt = Date.now() + 20_000;
	while (!condition()) {
		assert.ok(Date.now() < giveUpAt, `${what}: it did not happen within 20 s`);
		await sleep(5);
	}
}

async function kill(process: ChildProcess): Promise<void> {
	const closed = once(process, "close");
	process.kill("SIGKILL");
	await closed;
}

/** Whatever was acknowledged is in the log as it was acknowledged. */
function assertAcknowledged(groups: readonly Group[], lines: readonly string[]): void {
	for (const line of lines) {
		const [sequence, hash] = line.split(" ");
		assert.equal(groups[Number(sequence) - 1]?.hash, hash, `group ${sequence} was acknowledged and is not there`);
	}
}

describe("SQLite journal: processes", { concurrency: true }, () => {
	it("killed with -9 while it appends, again and again: everything acknowledged is there, and the chain is whole", async () => {
		const folder = newFolder();
		const acknowledged: string[] = [];
		for (let round = 0; round < 7; round++) {
			// Many entries in a group let the index commit now and then.
			const process = child(folder, appendForever(`round ${round}`, round % 2 === 0 ? 3 : 600));
			const { lines, errors } = linesOf(process);
			await until(() => lines().length > 0 || process.exitCode !== null, "a first append");
			assert.equal(process.exitCode, null, errors());
			await sleep(Math.random() * 250);
			await kill(process);
			acknowledged.push(...lines());
			const journal = openIn(folder);
			const groups = await everything(journal);
			assertLog(groups);
			assertAcknowledged(groups, acknowledged);
			await assertClaims(journal, groups);
			assert.deepEqual(await journal.head(), headOf(groups.at(-1) as Group));
			await journal.close();
		}
		assert.ok(acknowledged.length > 50, `only ${acknowledged.length} groups were acknowledged`);
	});

	it("two at once on one file: one chain, nothing lost, no claim twice; whoever is kept out says so and can come later", async () => {
		const folder = newFolder();
		const processes = ["one", "two"].map((who) => child(folder, appendForever(who, 5)));
		const outputs = processes.map(linesOf);
		const settled = (n: number) => (outputs[n]?.lines().length ?? 0) >= 20 || processes[n]?.exitCode !== null;
		await until(() => settled(0) && settled(1), "both append, or are told that they cannot");
		const working = outputs.filter(({ lines }) => lines().length >= 20);
		assert.ok(working.length >= 1, outputs.map(({ errors }) => errors()).join("\n"));
		for (const [n, { lines, errors }] of outputs.entries()) {
			if (lines().length >= 20) continue;
			assert.notEqual(processes[n]?.exitCode, 0);
			assert.match(errors(), /locked|busy/i);
		}
		for (const process of processes) if (process.exitCode === null) await kill(process);
		const journal = openIn(folder);
		const groups = await everything(journal);
		assertLog(groups);
		for (const { lines } of outputs) assertAcknowledged(groups, lines());
		await assertClaims(journal, groups);
		await add(journal, "afterwards");
		await journal.close();
	});
});

describe("SQLite journal: its files", () => {
	it("the index of claims can be deleted: it is made anew from the log", async () => {
		const folder = newFolder();
		const first = openIn(folder);
		for (let n = 0; n < 20; n++) await add(first, `a${n}`, `b${n}`);
		await first.close();
		for (const file of readdirSync(folder)) if (!file.startsWith(FILE)) rmSync(join(folder, file));
		const again = openIn(folder);
		await assertClaims(again, await everything(again));
		await again.close();
	});

	it("an older log under a newer index (a backup put back) knows its own claims and no others", async () => {
		const folder = newFolder();
		const backup = newFolder();
		const first = openIn(folder);
		for (let n = 0; n < 5; n++) await add(first, `a${n}`);
		await first.close();
		cpSync(join(folder, FILE), join(backup, FILE));
		const second = openIn(folder);
		for (let n = 0; n < 5; n++) await add(second, `lost ${n}`);
		await second.close();
		cpSync(join(backup, FILE), join(folder, FILE));
		const restored = openIn(folder);
		const groups = await everything(restored);
		assert.equal(groups.length, 5);
		await assertClaims(restored, groups);
		assert.deepEqual(await restored.find(["lost 0", "lost 4"]), new Map());
		await add(restored, "lost 0");
		await restored.close();
	});

	it("keeps large groups compressed, and their text comes back whole", async () => {
		const folder = newFolder();
		const journal = openIn(folder);
		const small = await add(journal, "small");
		const large = await add(journal, ...Array.from({ length: 200 }, (_, n) => `커피 ☕ ${n}`));
		await journal.close();
		const again = openIn(folder);
		const groups = await everything(again);
		assert.deepEqual(groups, [small, large]);
		assertLog(groups);
		await assertClaims(again, groups);
		await again.close();
		const stored = new DatabaseSync(join(folder, FILE));
		const { size } = stored.prepare("SELECT length(body) AS size FROM ledger_groups WHERE sequence = 2").get() as {
			size: number;
		};
		stored.close();
		assert.ok(size < large.body.length / 2, `${size} bytes for ${large.body.length} characters`);
	});

	it("a file of a version that is not known, or that is no database, is refused and left as it is", async () => {
		for (const version of [1, 99]) {
			const other = newFolder();
			const db = new DatabaseSync(join(other, FILE));
			db.exec(`PRAGMA user_version = ${version}`);
			db.close();
			await assert.rejects(openIn(other).head(), new RegExp(`version ${version}`));
		}
		const torn = newFolder();
		writeFileSync(join(torn, FILE), "not a database ".repeat(1_000));
		await assert.rejects(openIn(torn).head(), /not a database/);
		await assert.rejects(openIn(torn).append(makeGroup({ lane: 0, previous: emptyHead, nowMs: 1, entries: [] }), []));
	});
});

/** A file system of its own, so small that it fills up. Whoever runs this needs the right to mount in a namespace of their own. */
const inTinyDisk = (folder: string, sizeKb: number, script: string) =>
	spawnSync(
		"unshare",
		[
			...["-rm", "sh", "-c", `mount -t tmpfs -o size=${sizeKb}k tmpfs "$0" && exec "$@"`],
			...[folder, process.execPath, ...NODE_FLAGS, moduleOf(folder, script)],
		],
		{ encoding: "utf8", timeout: 60_000 },
	);

const canMount = spawnSync("unshare", ["-rm", "sh", "-c", `mount -t tmpfs tmpfs "${root}"`]).status === 0;

describe("SQLite journal: a full disk", () => {
	const script = (folder: string) => `
		import { rmSync, writeFileSync } from "node:fs";
		const ballast = ${JSON.stringify(join(folder, "ballast"))};
		writeFileSync(ballast, Buffer.alloc(2_000_000, 1));
		const report = { acknowledged: 0, refusals: [], stored: 0, found: 0, headMoved: false, afterwards: 0 };
		const attempt = async (n) => {
			const entries = [entryOf("full." + n, { jti: "full." + n, note: "x".repeat(20_000) })];
			const made = group(await journal.head(), entries);
			return { made, claims: entries.flatMap(claimsOf), append: () => journal.append(made, entries.flatMap(claimsOf)) };
		};
		let n = 0;
		for (; report.refusals.length < 5; n++) {
			const before = await journal.head();
			const { made, claims, append } = await attempt(n);
			try {
				await append();
				report.acknowledged++;
			} catch (error) {
				report.refusals.push(error.type ?? String(error));
				report.headMoved ||= (await journal.head()).hash !== before.hash;
				report.stored += (await journal.read({ fromSequence: made.sequence, groupsMax: 1 })).length;
				report.found += await journal.find(claims).then((found) => found.size, () => 0);
			}
		}
		rmSync(ballast);
		for (let m = 0; m < n && report.afterwards < 5; m++) {
			const { append } = await attempt("again." + m);
			await append();
			report.afterwards++;
		}
		const groups = await journal.read({ fromSequence: 1, groupsMax: 100_000 });
		assertLog(groups);
		await journal.close();
		const again = new SqliteJournal(${JSON.stringify(join(folder, FILE))});
		const reopened = await again.read({ fromSequence: 1, groupsMax: 100_000 });
		const same = JSON.stringify(reopened) === JSON.stringify(groups);
		const claims = await again.find(groups.flatMap(({ body }) => JSON.parse(body).flatMap(claimsOf)));
		await again.close();
		await say(JSON.stringify({ ...report, groups: groups.length, same, claims: claims.size }));`;

	const skip = canMount ? false : "NOT TESTED: no tmpfs can be mounted in a namespace of one's own here";
	it("is ledger_unavailable with nothing stored, and when there is room again it goes on", {
		skip: process.env.CI === "true" ? false : skip,
	}, () => {
		assert.ok(canMount, "a full disk must be tested where CI=true, and no tmpfs can be mounted here");
		const folder = newFolder();
		const { stdout, stderr, status } = inTinyDisk(folder, 4_096, script(folder));
		assert.equal(status, 0, stderr);
		const report = JSON.parse(stdout);
		assert.deepEqual(report.refusals, Array(5).fill("ledger_unavailable"));
		assert.deepEqual([report.headMoved, report.stored, report.found], [false, 0, 0]);
		assert.ok(report.acknowledged > 3);
		assert.equal(report.afterwards, 5);
		assert.deepEqual(
			[report.same, report.claims],
			[true, 2 * report.groups],
			"the file says something else when it is opened again",
		);
		assert.equal(report.groups, report.acknowledged + report.afterwards);
		assert.equal(existsSync(join(folder, FILE)), false, "the small disk is gone with its process");
	});

	const closing = (folder: string) => `
		import { appendFileSync } from "node:fs";
		for (let full = false, n = 0; !full; n++) {
			const entries = Array.from({ length: 100 }, (_, i) => entryOf(n + "." + i, { note: "x".repeat(100) }));
			const made = group(await journal.head(), entries);
			await journal.append(made, entries.flatMap(claimsOf)).catch(() => { full = true; });
		}
		try {
			for (;;) appendFileSync(${JSON.stringify(join(folder, "fill"))}, "x".repeat(4_096));
		} catch {}
		setTimeout(() => process.exit(3), 2_000).unref();
		await journal.close().catch(() => {});`;

	it("does not keep a process alive that has closed the journal", {
		skip,
	}, () => {
		const folder = newFolder();
		const { status, stderr } = inTinyDisk(folder, 3_072, closing(folder));
		assert.equal(status, 0, `2 s after close was asked the process is still there ${stderr}`);
	});
});
