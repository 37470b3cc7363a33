import { createPublicKey, hash, randomInt } from "node:crypto";
import type { Collection, Documents } from "../../mixins/database.ts";
import { isDuplicateKey } from "../../mixins/document-errors.ts";
import { thumbprintOf } from "../../mixins/es256.ts";
import { newId } from "../../mixins/new-id.ts";
import { fail, failAt } from "../errors.ts";

/** A device that may sell in a store. Its key never changes: paired again it is another till. */
export type Till = {
	readonly _id: string;
	readonly storeId: string;
	readonly name: string;
	readonly publicJwk: PublicJwk;
	/** The key's thumbprint (RFC 7638). */
	readonly jkt: string;
	readonly mayRefund: boolean;
	readonly discountMaxPercent: number;
	/** The pairing's id: one pairing makes one till. */
	readonly pairing: string;
	readonly pairedAtMs: number;
	readonly revokedAtMs: number | null;
};

export type PublicJwk = { readonly kty: "EC"; readonly crv: "P-256"; readonly x: string; readonly y: string };

/** An owner's invitation, known by the hash of its code. */
export type Pairing = {
	readonly _id: string;
	readonly storeId: string;
	readonly name: string;
	readonly mayRefund: boolean;
	readonly discountMaxPercent: number;
	readonly expiresAtMs: number;
};

const PAIRING_TTL_MS = 10 * 60_000;
/** Nothing that looks like something else on a screen, or when it is said: 8 of these are 39 bits, for ten minutes, at a bounded rate. */
const ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";
const CODE_CHARS = 8;
const TILLS_MAX = 1_000;
/** So many invitations that are over go with a new one; more of them, with the next. */
const OVER_MAX = 20;

/** Of a store's tills most may be revoked ones, and an invitation asks for those of all stores that are over: the indexes know both. */
export const TILLS: Collection = {
	collection: "tills",
	indexes: [{ fields: ["storeId", "revokedAtMs", "pairedAtMs"] }, { fields: ["pairing"], unique: true }],
};
export const PAIRINGS: Collection = { collection: "pairings", indexes: [{ fields: ["expiresAtMs"] }] };

type Invitation = Pick<Pairing, "storeId" | "name" | "mayRefund" | "discountMaxPercent"> & { readonly nowMs: number };

export async function invite(pairings: Documents<Pairing>, { nowMs, ...invitation }: Invitation) {
	const over = await pairings.find({
		query: { expiresAtMs: { $lte: nowMs } },
		sort: "expiresAtMs",
		limit: OVER_MAX,
	});
	await Promise.all(over.map(({ _id }) => pairings.removeById(_id)));
	const pairingCode = Array.from({ length: CODE_CHARS }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
	const expiresAtMs = nowMs + PAIRING_TTL_MS;
	await pairings.insert({ _id: idOf(pairingCode), ...invitation, expiresAtMs });
	return { pairingCode, expiresAtMs };
}

/** Typed in with or without the dash, in any case. */
const idOf = (pairingCode: string): string =>
	hash("sha256", `pairing ${pairingCode.toUpperCase().replaceAll("-", "")}`, "base64url");

type Registry = { readonly tills: Documents<Till>; readonly pairings: Documents<Pairing> };
type Joining = { readonly pairingCode: string; readonly publicJwk: PublicJwk; readonly nowMs: number };

/**
 * Makes the till. With the same code and the same key again it is the same till: the reply may have been lost. With the same code and
 * another key it is nothing, however many try at once.
 *
 * @throws pairing_code_invalid, validation_failed for what is no key
 */
export async function pair({ tills, pairings }: Registry, { pairingCode, publicJwk, nowMs }: Joining): Promise<Till> {
	checkKey(publicJwk);
	const jkt = thumbprintOf(publicJwk);
	const invitation = await pairings.findById(idOf(pairingCode));
	if (!invitation || invitation.expiresAtMs <= nowMs) throw fail("pairing_code_invalid");
	const { _id: pairing, storeId, name, mayRefund, discountMaxPercent } = invitation;
	const { kty, crv, x, y } = publicJwk;
	const trust = { mayRefund, discountMaxPercent };
	const till = { storeId, name, ...trust, publicJwk: { kty, crv, x, y }, jkt, pairing, pairedAtMs: nowMs };
	const made = await tills.insert({ _id: newId("t"), ...till, revokedAtMs: null }).catch((error: unknown) => {
		if (!isDuplicateKey(error)) throw error;
		return tills.findOne({ pairing });
	});
	if (made?.jkt !== jkt || made.revokedAtMs !== null) throw fail("pairing_code_invalid");
	return made;
}

/** @throws validation_failed when it is no point of the curve */
function checkKey({ kty, crv, x, y }: PublicJwk): void {
	try {
		const { x: sameX, y: sameY } = createPublicKey({ key: { kty, crv, x, y }, format: "jwk" }).export({
			format: "jwk",
		});
		if (sameX !== x || sameY !== y) throw new Error("not as it should be written");
	} catch {
		throw failAt("publicJwk", "is no P-256 key", "This is not a public key");
	}
}

/** What the till's owner trusts it with. */
export const trustOf = ({ mayRefund, discountMaxPercent }: Till) => ({ mayRefund, discountMaxPercent });

/** Those that can be used, oldest first. */
export const tillsOfStore = (tills: Documents<Till>, storeId: string): Promise<Till[]> =>
	tills.find({ query: { storeId, revokedAtMs: null }, sort: "pairedAtMs", limit: TILLS_MAX });

/** From the next request on, everywhere. @throws not_found when there is none, or not any more */
export async function revoke(
	tills: Documents<Till>,
	{ storeId, tillId, nowMs }: { storeId: string; tillId: string; nowMs: number },
) {
	const revoked = await tills.updateMany({ _id: tillId, storeId, revokedAtMs: null }, { $set: { revokedAtMs: nowMs } });
	if (revoked === 0) throw fail("not_found");
}
