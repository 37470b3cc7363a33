import { createHmac, hash, randomBytes } from "node:crypto";
import type { Collection, Documents } from "../../mixins/database.ts";
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

/** Of somebody who logs in every few seconds there are a million: what is asked is asked of the index, and not of all of them. */
export const SESSIONS: Collection = { collection: "sessions", indexes: [{ fields: ["userId", "expiresAtMs"] }] };

/** So many sessions that are over go with a log-in; more of them, with the next. */
const OVER_MAX = 20;
const LISTED_MAX = 100;
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
	sessions: Pick<Documents<Session>, "find" | "removeMany" | "insert">,
	{ userId, userAgent, jkt, nowMs }: Pick<Session, "userId" | "userAgent" | "jkt"> & { nowMs: number },
): Promise<Opened> {
	// Here, because it is where a person's sessions become more: nobody else ever comes to look for those that are over. There hardly ever
	// is one, and to ask is cheap, where a removal of many is a transaction. One that was refreshed since it was found is not over.
	const isOver = { expiresAtMs: { $lte: nowMs } };
	const over = await sessions.find({ query: { userId, ...isOver }, sort: "expiresAtMs", limit: OVER_MAX });
	await Promise.all(over.map(({ _id }) => sessions.removeMany({ _id, ...isOver })));
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

/** Those who are logged in as this person, the last used first: as it ends so long after it was used, that is the last to end. */
export const openSessionsOf = (
	sessions: Pick<Documents<Session>, "find">,
	{ userId, nowMs }: { readonly userId: string; readonly nowMs: number },
): Promise<Session[]> =>
	sessions.find({ query: { userId, expiresAtMs: { $gt: nowMs } }, sort: "-expiresAtMs", limit: LISTED_MAX });

/** So often a session is read that is another one by the time it is to be changed. */
const READS_MAX = 3;

type Rotating = Pick<Documents<Session>, "findById" | "updateMany" | "removeMany">;
type Presented = {
	readonly refreshToken: string;
	readonly jkt: string;
	readonly keys: RefreshKeys;
	readonly nowMs: number;
};

/**
 * Exchanges a refresh token for its successor (RFC 9700 §4.14.2). A token that was exchanged before is proof that two parties have it:
 * the session ends, since nobody can tell who is who. Whoever has another key than the session's gets nothing, and ends nothing.
 *
 * @throws session_ended; service_unavailable when it never stood still, or reads stay behind
 */
export async function rotateSession(sessions: Rotating, presented: Presented): Promise<Opened> {
	for (let reads = 0; reads < READS_MAX; reads++) {
		const opened = await rotateAsRead(sessions, presented);
		if (opened) return opened;
	}
	throw fail("service_unavailable");
}

/**
 * Changes the session only if it still is what a read said: another tab may have been faster, and right after an election MongoDB may
 * show it before its last rotation, when the newest token looks like a foreign one. The write that finds nothing has waited for the
 * majority, so that the next read knows better.
 *
 * @returns null when it is another one by now, and has to be judged anew
 */
async function rotateAsRead(sessions: Rotating, { refreshToken, jkt, keys, nowMs }: Presented): Promise<Opened | null> {
	const [id, secret] = refreshToken.split(".") as [string, string];
	const session = await sessions.findById(id);
	if (!session || session.expiresAtMs <= nowMs || session.jkt !== jkt) throw fail("session_ended");
	const { refreshHash, previousHash, refreshKid, usedAtMs } = session;
	const presented = digest(secret);
	// Derived and not drawn: asked again within the grace, the answer is the same and needs no secret at rest. By the same key, too,
	// which may have been followed by another one since.
	const successorBy = async (kid: string): Promise<string> =>
		createHmac("sha256", await keys.secretOf(kid))
			.update(refreshToken)
			.digest("base64url");
	if (previousHash === presented && refreshKid && nowMs - usedAtMs < GRACE_MS)
		return { session, refreshToken: `${id}.${await successorBy(refreshKid)}` };
	if (refreshHash !== presented) {
		const removed = await sessions.removeMany({ _id: id, refreshHash });
		if (removed === 0) return null;
		throw fail("session_ended", "This refresh token was used before. If that was not you, change your password.");
	}
	const successor = await successorBy(keys.kid);
	const rotated = await sessions.updateMany(
		{ _id: id, refreshHash },
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
	return rotated === 1 ? { session, refreshToken: `${id}.${successor}` } : null;
}

const digest = (secret: string): string => hash("sha256", secret, "base64url");
