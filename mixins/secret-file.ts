import { randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** As many characters as a secret has at least: 32 random ones cannot be guessed. */
const SECRET_CHARS_MIN = 32;

/** A secret, and what it is called when it turns out to be the wrong one. */
export type Secret = { readonly secret: string; readonly source: string };

type Place = {
	/** What the setting is called, and what it says. */
	readonly setting: string;
	readonly given: string | null;
	/** The file that has the secret where the setting says nothing; only its owner can read it. */
	readonly path: string;
};

/**
 * What a setting says, or else what a file has.
 *
 * @param make whether the file is made where there is none yet
 * @returns nothing when there is neither
 * @throws when what the file has is no secret
 */
export function secretAt({ setting, given, path }: Place, { make }: { make: boolean }): Secret | undefined {
	if (given) return { secret: given, source: setting };
	const secret = secretIn(path, make);
	return secret === undefined ? undefined : { secret, source: path };
}

/** The same, but once it is in use no other one is made. @throws when it is gone, with what to do */
export function lastingSecretAt(place: Place, { isInUse, without }: { isInUse: boolean; without: string }): Secret {
	const found = secretAt(place, { make: !isInUse });
	if (!found) throw new Error(`${place.path} is missing: without it ${without}. Bring it back.`);
	return found;
}

function secretIn(path: string, make: boolean): string | undefined {
	if (!existsSync(path)) {
		if (!make) return undefined;
		write(path, `${randomBytes(32).toString("base64url")}\n`);
	}
	const secret = readFileSync(path, "utf8").trim();
	if (secret.length < SECRET_CHARS_MIN)
		throw new Error(`${path} is no secret: it has less than ${SECRET_CHARS_MIN} characters`);
	return secret;
}

/** All of it or nothing, and for good: what was sealed by a file that a power cut took away would be lost with it. */
function write(path: string, text: string): void {
	const draft = `${path}.new`;
	writeFileSync(draft, text, { mode: 0o600, flush: true });
	renameSync(draft, path);
	const folder = openSync(join(path, ".."), "r");
	fsyncSync(folder);
	closeSync(folder);
}
