import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { availableParallelism } from "node:os";
import { promisify } from "node:util";
import pLimit from "p-limit";

/** In this process, whatever they are for. Half of the cores is left to those who pay, and of libuv's threads most to others. */
export const HASHES_AT_ONCE = Math.min(2, Math.max(1, availableParallelism() >> 1));
const limited = pLimit(HASHES_AT_ONCE);
const computed = promisify(argon2);
const derive = (...args: Parameters<typeof computed>): Promise<Buffer> => limited(() => computed(...args));

/** How many are computed, and how many wait for that. */
export const hashes = () => ({ running: limited.activeCount, waiting: limited.pendingCount });

/** OWASP's parameters for Argon2id: 19 MiB, two passes, one lane. About 30 ms of CPU, in libuv's thread pool. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 };
const TAG_BYTES = 32;

/** A PHC string: `$argon2id$v=19$m=…,t=…,p=…$salt$tag`. It names its parameters, so they can be raised later. */
export async function hashPassword(password: string): Promise<string> {
	const nonce = randomBytes(16);
	const tag = await derive("argon2id", { message: normal(password), nonce, tagLength: TAG_BYTES, ...cost });
	const { memory, passes, parallelism } = cost;
	return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(nonce)}$${base64(tag)}`;
}

/** Costs the same whether it matches or not. @param phc of `hashPassword` */
export async function matchesPassword(password: string, phc: string): Promise<boolean> {
	const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/.exec(phc);
	if (!match) throw new Error("a stored password is not in PHC form");
	const [, memory, passes, parallelism, salt, expected] = match as unknown as [
		string,
		string,
		string,
		string,
		string,
		string,
	];
	const tag = await derive("argon2id", {
		message: normal(password),
		nonce: Buffer.from(salt, "base64"),
		tagLength: TAG_BYTES,
		memory: Number(memory),
		passes: Number(passes),
		parallelism: Number(parallelism),
	});
	return timingSafeEqual(tag, Buffer.from(expected, "base64"));
}

/** The same characters typed on two keyboards may be different bytes (NIST SP 800-63B §3.1.1.2). */
const normal = (password: string): Buffer => Buffer.from(password.normalize("NFC"));

const base64 = (bytes: Buffer): string => bytes.toString("base64").replaceAll("=", "");
