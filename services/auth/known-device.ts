import { hash } from "node:crypto";
import type { Documents } from "../../mixins/database.ts";
import { isDuplicateKey } from "../../mixins/document-errors.ts";

/** A device that was logged in to an account, known by its key: it is trusted to be the owner's when others are kept out. */
export type KnownDevice = { readonly _id: string; readonly userId: string; readonly usedAtMs: number };

/** Of one account; the one that was not used for the longest time makes room. */
export const DEVICES_MAX = 20;
/** When it was used is noted this exactly: it only tells which of them makes room, and each note costs a log-in a write. One that was
 * forgotten right after it was found known is a stranger's until its next log-in. */
const EXACT_TO_MS = 3_600_000;

type Place = { readonly handle: string; readonly jkt: string };

const idOf = ({ handle, jkt }: Place): string => hash("sha256", JSON.stringify([handle, jkt]), "base64url");

/** Found by the handle, so that it takes as long for one that nobody has. */
export const knownDevice = (devices: Documents<KnownDevice>, place: Place): Promise<KnownDevice | null> =>
	devices.findById(idOf(place));

/** @param known what was found of it a moment ago */
export async function remember(
	devices: Documents<KnownDevice>,
	{ userId, nowMs, ...place }: Place & { readonly userId: string; readonly nowMs: number },
	known: KnownDevice | null = null,
): Promise<void> {
	// By either's clock: what is noted by one that is ahead is put right.
	if (known && Math.abs(nowMs - known.usedAtMs) < EXACT_TO_MS) return;
	const _id = idOf(place);
	if (await devices.updateById(_id, { $set: { usedAtMs: nowMs } })) return;
	await devices.insert({ _id, userId, usedAtMs: nowMs }).catch((error: unknown) => {
		// It logs in twice at once.
		if (!isDuplicateKey(error)) throw error;
	});
	const tooMany = await devices.find({ query: { userId }, sort: "-usedAtMs", offset: DEVICES_MAX, limit: 100 });
	for (const { _id } of tooMany) await devices.removeById(_id);
}

/** Whoever had the old password is a stranger from now on. */
export const forgetAll = (devices: Documents<KnownDevice>, userId: string): Promise<number> =>
	devices.removeMany({ userId });
