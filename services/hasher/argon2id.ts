import { availableParallelism } from "node:os";
import { hashRaw } from "@node-rs/argon2";
import type { Params } from "../actions.ts";

/** Where it shares its cores half of them is left to those who pay, and of libuv's threads most to others. */
export const HASHES_AT_ONCE = Math.min(2, Math.max(1, availableParallelism() >> 1));

const TAG_BYTES = 32;

/**
 * Argon2id of RFC 9106, version 19, in one of libuv's threads. By a library that uses the processor's vectors: a third of the time of
 * `node:crypto`, for the same tag. Whoever guesses passwords has it as well, so a hash that is slow only here protects nobody.
 *
 * @returns the tag, in base64 without padding
 */
export async function argon2id({
	password,
	salt,
	memoryKib: memoryCost,
	passes: timeCost,
	parallelism,
}: Params<"hasher.derive">): Promise<string> {
	const tag = await hashRaw(password, {
		salt: Buffer.from(salt, "base64"),
		outputLen: TAG_BYTES,
		memoryCost,
		timeCost,
		parallelism,
	});
	return tag.toString("base64").replaceAll("=", "");
}
