import { randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Settings } from "../../moleculer.config.ts";

const FILE = "keys.secret";
const CHARS_MIN = 32;

/** The secret that seals the signing keys, and what it is called when it turns out to be the wrong one. */
export type KeySecret = { readonly secret: string; readonly source: string };

/**
 * `KEY_SECRET`, or else a file beside the database: who gets hold of the database alone, in a backup, has no keys then. Where there are
 * no keys yet, the file is made.
 *
 * @throws when there are keys and no secret, with what to do
 */
export function keySecretOf(
	{ keySecret, dataDir }: Pick<Settings, "keySecret" | "dataDir">,
	{ hasKeys }: { hasKeys: boolean },
): KeySecret {
	if (keySecret) return { secret: keySecret, source: "KEY_SECRET" };
	const path = join(dataDir, FILE);
	if (!existsSync(path)) {
		if (hasKeys) throw new Error(`${path} is missing: without it the signing keys cannot be opened. Bring it back.`);
		write(path, `${randomBytes(32).toString("base64url")}\n`);
	}
	const secret = readFileSync(path, "utf8").trim();
	if (secret.length < CHARS_MIN) throw new Error(`${path} is no secret: it has less than ${CHARS_MIN} characters`);
	return { secret, source: path };
}

/** All of it or nothing, and for good: keys that were sealed by a file that a power cut took away would be lost with it. */
function write(path: string, text: string): void {
	const draft = `${path}.new`;
	writeFileSync(draft, text, { mode: 0o600, flush: true });
	renameSync(draft, path);
	const folder = openSync(join(path, ".."), "r");
	fsyncSync(folder);
	closeSync(folder);
}
