import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, it } from "node:test";
import { SqliteShortLived } from "../../services/auth/short-lived-sqlite.ts";
import { shortLivedConformance } from "./short-lived-conformance.ts";

const folder = mkdtempSync(join(tmpdir(), "hannip-short-lived-"));
after(() => rmSync(folder, { recursive: true, force: true }));

shortLivedConformance(
	"short-lived facts in SQLite",
	async () => new SqliteShortLived(join(folder, "short-lived.sqlite")),
);

it("a file of a platform that did not know questions is taken over, with what was claimed there", async () => {
	const path = join(folder, "older.sqlite");
	const older = new DatabaseSync(path);
	older.exec(`
		CREATE TABLE claims (key TEXT PRIMARY KEY, until_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
		INSERT INTO claims VALUES ('used', 2000);
	`);
	older.close();
	for (const _ of ["first", "again"]) {
		const shortLived = new SqliteShortLived(path);
		const claiming = { nowMs: 1_000, untilMs: 3_000, questionId: "q" };
		assert.deepEqual(await shortLived.claim(["used", "new"], claiming), [false, true]);
		await shortLived.close();
	}
});
