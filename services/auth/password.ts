import { randomBytes, timingSafeEqual } from "node:crypto";
import type { Params, Result } from "../actions.ts";

/** What `hasher` does. What is kept is compared here: who makes a tag does not say whether it is the right one. */
export type Derive = (params: Params<"hasher.derive">) => Promise<Result<"hasher.derive">>;

type Cost = Pick<Params<"hasher.derive">, "memoryKib" | "passes" | "parallelism">;

/** OWASP's parameters for Argon2id: 19 MiB, two passes, one lane. About 12 ms of CPU, and 30 where it is computed without vectors. */
export const cost: Cost = { memoryKib: 19_456, passes: 2, parallelism: 1 };
const SALT_BYTES = 16;
const TAG_BYTES = 32;

/** A PHC string: `$argon2id$v=19$m=…,t=…,p=…$salt$tag`. It names its parameters, so they can be raised later. */
export async function hashPassword(password: string, derive: Derive): Promise<string> {
	const salt = base64(randomBytes(SALT_BYTES));
	const { tag } = await derive({ password: normal(password), salt, ...cost });
	return phcOf(salt, tag);
}

const phcOf = (salt: string, tag: string): string =>
	`$argon2id$v=19$m=${cost.memoryKib},t=${cost.passes},p=${cost.parallelism}$${salt}$${tag}`;

const base64 = (bytes: Buffer): string => bytes.toString("base64").replaceAll("=", "");

/** Not made from a password, so none matches it. */
const nobodys = phcOf(base64(randomBytes(SALT_BYTES)), base64(randomBytes(TAG_BYTES)));

const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([^$]+)\$([A-Za-z0-9+/]{43})$/;

/** Costs the same whether it matches or not. @param phc of `hashPassword`; null is nobody's, which nothing matches */
export async function matchesPassword(password: string, phc: string | null, derive: Derive): Promise<boolean> {
	const match = PHC.exec(phc ?? nobodys);
	if (!match) throw new Error("a stored password is not in PHC form");
	const [memoryKib, passes, parallelism] = match.slice(1, 4).map(Number) as [number, number, number];
	const [salt, expected] = match.slice(4) as [string, string];
	const { tag } = await derive({ password: normal(password), salt, memoryKib, passes, parallelism });
	return timingSafeEqual(Buffer.from(tag, "base64"), Buffer.from(expected, "base64"));
}

/** The same characters typed on two keyboards may be different bytes (NIST SP 800-63B §3.1.1.2). */
const normal = (password: string): string => password.normalize("NFC");
