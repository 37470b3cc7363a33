import { hash } from "node:crypto";
import { fail } from "../errors.ts";
import type { Count, Counted, ShortLived } from "./short-lived.ts";

/** So many wrong passwords, from the first one on for so long. */
export type Limit = { readonly key: string; readonly failuresMax: number; readonly windowMs: number };

const MINUTE_MS = 60_000;

/**
 * For whom a device speaks that was logged in to the account before. It has a count of its own: what strangers do does not keep it out.
 *
 * @param jkt the thumbprint of the device's key
 */
export const limitsOfDevice = (handle: string, jkt: string): readonly Limit[] => [
	{ key: keyOf("device", handle, jkt), failuresMax: 10, windowMs: 15 * MINUTE_MS },
];

/**
 * All other devices share what there is for the account, and for where they are. Anybody can use that up, and keeps out other strangers
 * only. A handle that nobody has is counted like any other.
 */
export const limitsOfStranger = (handle: string, address: string): readonly Limit[] => [
	{ key: keyOf("account", handle), failuresMax: 20, windowMs: 60 * MINUTE_MS },
	{ key: keyOf("address", address), failuresMax: 50, windowMs: 60 * MINUTE_MS },
];

/**
 * Checks a password, if not too many were wrong before. It counts as wrong until it is known to be right, so that many who guess at
 * the same time do not all pass; and stays wrong if the process dies over it. Many at the same moment may be refused by each other.
 * One that could not be checked does not count.
 *
 * @param countsRight what is right stays counted as well, where the answer must not tell it from what is wrong
 * @param check whether it is right; called only within the limits
 * @returns what `check` found
 * @throws too_many_attempts; what `check` throws
 */
export async function attempt(
	{
		limits,
		nowMs,
		countsRight = false,
	}: { readonly limits: readonly Limit[]; readonly nowMs: number; readonly countsRight?: boolean },
	shortLived: ShortLived,
	check: () => Promise<boolean>,
): Promise<boolean> {
	const asked = limits.map(({ key, windowMs }) => ({ key, amount: 1, nowMs, untilMs: nowMs + windowMs }));
	const counted = await shortLived.add(asked);
	const held = asked.map((count, index) => ({ ...count, untilMs: (counted[index] as Counted).untilMs }));
	const exceeded = limits.flatMap(({ failuresMax }, index) => {
		const { count, untilMs } = counted[index] as Counted;
		return count > failuresMax ? [untilMs] : [];
	});
	if (exceeded.length > 0) {
		// Not checked, so not wrong: where only the address has had too many, the account's count is not used up.
		await giveBack(held, shortLived);
		const retryAfterS = Math.max(1, Math.ceil((Math.max(...exceeded) - nowMs) / 1_000));
		throw fail("too_many_attempts", undefined, { retryAfterS });
	}
	const isRight = await check().catch(async (error: unknown) => {
		// Nobody was told anything: so nothing was learned by it, and whoever was right is not to blame.
		await giveBack(held, shortLived).catch(() => undefined);
		throw error;
	});
	if (isRight && !countsRight) await giveBack(held, shortLived);
	return isRight;
}

/** As of the time of the attempt: a count that has ended since is not begun anew by this. */
async function giveBack(counts: readonly Count[], shortLived: ShortLived): Promise<void> {
	const left = await shortLived.add(counts.map((count) => ({ ...count, amount: -count.amount })));
	// Another one has begun in between, in which the attempt was never counted.
	const others = counts.filter(({ untilMs }, index) => left[index]?.untilMs !== untilMs);
	if (others.length > 0) await shortLived.add(others);
}

/** Of one length, whatever was sent. */
const keyOf = (whose: string, ...parts: readonly string[]): string =>
	`failed:${whose}:${hash("sha256", JSON.stringify(parts), "base64url")}`;
