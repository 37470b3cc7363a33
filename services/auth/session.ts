import { createHmac, hash, randomBytes } from "node:crypto";
import type { Documents } from "../../mixins/database.ts";
import { newId } from "../../mixins/new-id.ts";
import { fail } from "../errors.ts";

/** One device that is logged in. Its refresh tokens follow each other; only the last one and its predecessor are known. */
export type Session = {
	readonly _id: string;
	readonly userId: string;
	readonly userAgent: string;
	readonly refreshHash: string;
	readonly previousHash: string | null;
	readonly createdAtMs: number;
	readonly usedAtMs: number;
	readonly expiresAtMs: number;
};

export const SESSION_TTL_MS = 30 * 86_400_000;
/** Two tabs may refresh at once, and a reply may be lost: for so long the predecessor gives the same successor again. */
const GRACE_MS = 10_000;

export type Opened = { readonly session: Session; readonly refreshToken: string };

export async function openSession(
	sessions: Documents<Session>,
	{ userId, userAgent, nowMs }: { userId: string; userAgent: string; nowMs: number },
): Promise<Opened> {
	const secret = randomBytes(32).toString("base64url");
	const session = await sessions.insert({
		_id: newId("n"),
		userId,
		userAgent,
		refreshHash: digest(secret),
		previousHash: null,
		createdAtMs: nowMs,
		usedAtMs: nowMs,
		expiresAtMs: nowMs + SESSION_TTL_MS,
	});
	return { session, refreshToken: `${session._id}.${secret}` };
}

/**
 * Exchanges a refresh token for its successor (RFC 9700 §4.14.2). A token that was exchanged before is proof that two parties have it:
 * the session ends, since nobody can tell who is who.
 *
 * @throws session_ended
 */
export async function rotateSession(
	sessions: Documents<Session>,
	{ refreshToken, refreshKey, nowMs }: { refreshToken: string; refreshKey: Buffer; nowMs: number },
): Promise<Opened> {
	const [id, secret] = refreshToken.split(".") as [string, string];
	const session = await sessions.findById(id);
	if (!session || session.expiresAtMs <= nowMs) throw fail("session_ended");
	const presented = digest(secret);
	// Derived and not drawn: asked again within the grace, the answer is the same and needs no secret at rest.
	const successor = createHmac("sha256", refreshKey).update(refreshToken).digest("base64url");
	const answer = { session, refreshToken: `${id}.${successor}` };
	if (session.previousHash === presented && nowMs - session.usedAtMs < GRACE_MS) return answer;
	if (session.refreshHash !== presented) {
		await sessions.removeById(id);
		throw fail("session_ended", "This refresh token was used before. If that was not you, change your password.");
	}
	const rotated = await sessions.updateMany(
		{ _id: id, refreshHash: presented },
		{
			$set: {
				refreshHash: digest(successor),
				previousHash: presented,
				usedAtMs: nowMs,
				expiresAtMs: nowMs + SESSION_TTL_MS,
			},
		},
	);
	if (rotated === 1) return answer;
	// Another tab was faster, with the same successor: then this one stands where that one does.
	const now = await sessions.findById(id);
	if (now?.previousHash === presented) return answer;
	throw fail("session_ended");
}

const digest = (secret: string): string => hash("sha256", secret, "base64url");
