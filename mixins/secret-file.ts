import { randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** As many characters as a secret has at least: 32 random ones cannot be guessed. */
export const SECRET_CHARS_MIN = 32;

/**
 * A secret in a file that only its owner can read.
 *
 * @param make whether it is made where there is none yet
 * @returns nothing when there is none
 * @throws when what is there is none
 */
export function secretIn(path: string, { make }: { make: boolean }): string | undefined {
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
