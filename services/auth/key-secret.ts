import { join } from "node:path";
import { secretIn } from "../../mixins/secret-file.ts";
import type { Settings } from "../../moleculer.config.ts";

const FILE = "keys.secret";

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
	const secret = secretIn(path, { make: !hasKeys });
	if (!secret) throw new Error(`${path} is missing: without it the signing keys cannot be opened. Bring it back.`);
	return { secret, source: path };
}
