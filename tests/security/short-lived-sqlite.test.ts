import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { SqliteShortLived } from "../../services/auth/short-lived-sqlite.ts";
import { shortLivedConformance } from "./short-lived-conformance.ts";

const folder = mkdtempSync(join(tmpdir(), "hannip-short-lived-"));
after(() => rmSync(folder, { recursive: true, force: true }));

shortLivedConformance(
	"short-lived facts in SQLite",
	async () => new SqliteShortLived(join(folder, "short-lived.sqlite")),
);
