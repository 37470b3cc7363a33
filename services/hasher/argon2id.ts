import { argon2 } from "node:crypto";
import { availableParallelism } from "node:os";
import { promisify } from "node:util";
import type { Params } from "../actions.ts";

/** Where it shares its cores half of them is left to those who pay, and of libuv's threads most to others. */
export const HASHES_AT_ONCE = Math.min(2, Math.max(1, availableParallelism() >> 1));

const TAG_BYTES = 32;
const computed = promisify(argon2);

/** In one of libuv's threads. @returns the tag, in base64 without padding */
export async function argon2id({
	password,
	salt,
	memoryKib: memory,
	passes,
	parallelism,
}: Params<"hasher.derive">): Promise<string> {
	const tag = await computed("argon2id", {
		message: Buffer.from(password),
		nonce: Buffer.from(salt, "base64"),
		tagLength: TAG_BYTES,
		memory,
		passes,
		parallelism,
	});
	return tag.toString("base64").replaceAll("=", "");
}
