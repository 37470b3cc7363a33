import { createHmac, hash, randomBytes } from "node:crypto";
import type { Documents } from "../../mixins/database.ts";
import { newId } from "../../mixins/new-id.ts";
import { fail } from "../errors.ts";

/** One device that is logged in. Its refresh tokens follow each other; only the last one and its predecessor are known. */
export type Session = {
	readonly _id: string;
	readonly userId: string;
	readonly userAgent: string;
	/** The thumbprint of the key that it is bound to: nobody else can refresh it. */
	readonly jkt: string;
	readonly refreshHash: string;
	readonly previousHash: string | null;
	/** The key that derived the last refresh token from its predecessor. */
	readonly refreshKid: string | null;
	readonly createdAtMs: number;
	readonly usedAtMs: number;
	readonly expiresAtMs: number;
};

export const SESSION_TTL_MS = 30 * 86_400_000;
/** Two tabs may refresh at once, and a reply may be lost: for so long the predecessor gives the same successor again. */
const GRACE_MS = 10_000;

/** What derives successors: the key that does so now, and any that did so within the grace. */
export type RefreshKeys = {
	readonly kid: string;
	/** @throws when nobody knows it */
	secretOf(kid: string): Promise<Buffer>;
};

export type Opened = { readonly session: Session; readonly refreshToken: string };

export async function openSession(
	sessions: Documents<Session>,
	{ userId, userAgent, jkt, nowMs }: Pick<Session, "userId" | "userAgent" | "jkt"> & { nowMs: number },
): Promise<Opened> {
	const secret = randomBytes(32).toString("base64url");
	const session = await sessions.insert({
		_id: newId("n"),
		userId,
		userAgent,
		jkt,
		refreshHash: digest(secret),
		previousHash: null,
		refreshKid: null,
		createdAtMs: nowMs,
		usedAtMs: nowMs,
		expiresAtMs: nowMs + SESSION_TTL_MS,
	});
	return { session, refreshToken: `${session._id}.${secret}` };
}

/**
 * Exchanges a refresh token for its successor (RFC 9700 §4.14.2). A token that was exchanged before is proof that two parties have it:
 * the session ends, since nobody can tell who is who. Whoever has another key than the session's gets nothing, and ends nothing.
 *
 * @throws session_ended
 */
export async function rotateSession(
	sessions: Documents<Session>,
	{ refreshToken, jkt, keys, nowMs }: { refreshToken: string; jkt: string; keys: RefreshKeys; nowMs: number },
): Promise<Opened> {
	const [id, secret] = refreshToken.split(".") as [string, string];
	const session = await sessions.findById(id);
	if (!session || session.expiresAtMs <= nowMs || session.jkt !== jkt) throw fail("session_ended");
	const presented = digest(secret);
	// Derived and not drawn: asked again within the grace, the answer is the same and needs no secret at rest. By the same key, too,
	// which may have been followed by another one since.
	const successorBy = async (kid: string): Promise<string> =>
		createHmac("sha256", await keys.secretOf(kid))
			.update(refreshToken)
			.digest("base64url");
	const again = async (kid: string) => ({ session, refreshToken: `${id}.${await successorBy(kid)}` });
	if (session.previousHash === presented && session.refreshKid && nowMs - session.usedAtMs < GRACE_MS)
		return again(session.refreshKid);
	if (session.refreshHash !== presented) {
		await sessions.removeById(id);
		throw fail("session_ended", "This refresh token was used before. If that was not you, change your password.");
	}
	const successor = await successorBy(keys.kid);
	const rotated = await sessions.updateMany(
		{ _id: id, refreshHash: presented },
		{
			$set: {
				refreshHash: digest(successor),
				previousHash: presented,
				refreshKid: keys.kid,
				usedAtMs: nowMs,
				expiresAtMs: nowMs + SESSION_TTL_MS,
			},
		},
	);
	if (rotated === 1) return { session, refreshToken: `${id}.${successor}` };
	// Another tab was faster: then this one stands where that one does.
	const now = await sessions.findById(id);
	if (now?.previousHash === presented && now.refreshKid) return again(now.refreshKid);
	throw fail("session_ended");
}

const digest = (secret: string): string => hash("sha256", secret, "base64url");
