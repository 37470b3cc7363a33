import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";

// What is kept of hourly archives. What makes one, MongoDB's own `mongodump`, cannot be had here: a script stands in its place.

const script = join(import.meta.dirname, "../../k8s/base/mongodb/backup.sh");
const root = mkdtempSync(join(tmpdir(), "hannip-backup-"));
after(() => rmSync(root, { recursive: true }));
const password = join(root, "password");
writeFileSync(password, "secret");

const HOUR_MS = 3_600_000;
/** Far enough back that none of them is newer than the one that is made. */
const FIRST_MS = Date.parse("2026-01-01T00:17:00Z");
const nameAt = (hour: number): string =>
	`hannip-${new Date(FIRST_MS + hour * HOUR_MS).toISOString().slice(0, 19).replaceAll(":", "")}Z.archive.gz`;

function folderWith(archives: readonly string[]): string {
	const folder = mkdtempSync(join(root, "archives-"));
	for (const name of archives) writeFileSync(join(folder, name), "");
	return folder;
}

function backUp(folder: string, { fails = false } = {}): number | null {
	const bin = mkdtempSync(join(root, "bin-"));
	const write = `for each; do case $each in --archive=*) echo dumped > "\${each#--archive=}";; esac; done`;
	writeFileSync(join(bin, "mongodump"), `#!/bin/sh\n${write}\nexit ${fails ? 1 : 0}\n`);
	chmodSync(join(bin, "mongodump"), 0o755);
	const env = { PATH: `${bin}:${process.env.PATH}`, MONGO_BACKUP_HOST: "x", MONGO_BACKUP_PASSWORD_FILE: password };
	return spawnSync("bash", [script, folder, "24", "14"], { env }).status;
}

const hours = (count: number): string[] => Array.from({ length: count }, (_, hour) => nameAt(hour));

it("the newest 24 are kept, and of the 14 days before them the last one each", () => {
	const all = hours(24 * 30);
	const folder = folderWith(all);
	assert.equal(backUp(folder), 0);
	const left = readdirSync(folder).sort();
	const hourly = all.slice(-23);
	// The hourly ones end within a day, of which no other one is kept.
	const daily = Array.from({ length: 14 }, (_, day) => nameAt(24 * (day + 15) + 23));
	assert.deepEqual(left.slice(0, -1), [...daily, ...hourly]);
	assert.match(left.at(-1) ?? "", /^hannip-20.*\.archive\.gz$/);
	assert.equal(left.length, 14 + 24);
});

it("all are kept as long as there are few", () => {
	const folder = folderWith(hours(20));
	assert.equal(backUp(folder), 0);
	assert.equal(readdirSync(folder).length, 21);
});

it("one that fails says so and leaves nothing of itself, and neither does one that was killed", () => {
	const folder = folderWith([...hours(3), ".hannip-2026-01-01T001700Z.archive.gz"]);
	assert.equal(backUp(folder, { fails: true }), 1);
	assert.deepEqual(readdirSync(folder).sort(), hours(3));
});
