import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Documents } from "../../mixins/database.ts";
import { SqliteAdapter } from "../../mixins/sqlite-adapter.ts";
import { openSession, type RefreshKeys, rotateSession, SESSION_TTL_MS, type Session } from "./session.ts";

const folder = mkdtempSync(join(tmpdir(), "hannip-session-"));
const adapter = new SqliteAdapter({ path: join(folder, "hannip.sqlite"), collection: "sessions" });
const sessions = adapter as unknown as Documents<Session>;
before(() => adapter.connect());
after(async () => {
	await adapter.disconnect();
	rmSync(folder, { recursive: true });
});

const T0 = 1_800_000_000_000;
const GRACE_MS = 10_000;
/** Two generations of keys; `kid` is the one that derives. */
const keysAt = (kid: "1" | "2", generations = { 1: Buffer.alloc(32, 7), 2: Buffer.alloc(32, 9) }): RefreshKeys => ({
	kid,
	secretOf: async (asked) => generations[asked as "1" | "2"],
});
const keys = keysAt("1");
const ended = { type: "session_ended" };

const open = () => openSession(sessions, { userId: "u_ada", userAgent: "test", jkt: "adas-phone", nowMs: T0 });
const rotate = async (refreshToken: string, nowMs: number, by = keys): Promise<string> =>
	(await rotateSession(sessions, { refreshToken, jkt: "adas-phone", keys: by, nowMs })).refreshToken;

test("every refresh gives another token, and the session lives on from there", async () => {
	const { session, refreshToken } = await open();
	const tokens = [refreshToken];
	for (let day = 1; day <= 40; day++) tokens.push(await rotate(tokens.at(-1) as string, T0 + day * 86_400_000));
	assert.equal(new Set(tokens).size, 41);
	assert.ok(tokens.every((token) => token.startsWith(`${session._id}.`)));
	assert.equal((await sessions.findById(session._id))?.expiresAtMs, T0 + 40 * 86_400_000 + SESSION_TTL_MS);
});

test("no token is kept in the clear", async () => {
	const { session, refreshToken } = await open();
	const next = await rotate(refreshToken, T0 + 1);
	const stored = JSON.stringify(await sessions.findById(session._id));
	for (const token of [refreshToken, next]) assert.ok(!stored.includes(token.split(".")[1] as string));
});

test("within the grace the predecessor gives the same successor, as often as it is asked", async () => {
	const { refreshToken } = await open();
	const successor = await rotate(refreshToken, T0 + 1_000);
	for (const laterMs of [0, 1, GRACE_MS - 1]) {
		assert.equal(await rotate(refreshToken, T0 + 1_000 + laterMs), successor);
	}
	await rotate(successor, T0 + 1_000 + GRACE_MS);
});

test("after the grace the predecessor ends the session for everyone", async () => {
	const { session, refreshToken } = await open();
	const successor = await rotate(refreshToken, T0);
	await assert.rejects(rotate(refreshToken, T0 + GRACE_MS), ended);
	await assert.rejects(rotate(successor, T0 + GRACE_MS), ended);
	assert.equal(await sessions.findById(session._id), null);
});

test("a token from before the predecessor ends the session at once", async () => {
	const { refreshToken } = await open();
	const second = await rotate(refreshToken, T0);
	const third = await rotate(second, T0);
	await assert.rejects(rotate(refreshToken, T0), ended);
	await assert.rejects(rotate(third, T0), ended);
});

test("the last two tokens can be used in turn without prolonging the grace", async () => {
	const { refreshToken } = await open();
	const successor = await rotate(refreshToken, T0);
	await rotate(refreshToken, T0 + GRACE_MS - 1);
	await assert.rejects(rotate(refreshToken, T0 + GRACE_MS), ended);
	await assert.rejects(rotate(successor, T0 + GRACE_MS), ended);
});

test("two at once get the same successor, and it works", async () => {
	const { refreshToken } = await open();
	const successors = await Promise.all(Array.from({ length: 16 }, () => rotate(refreshToken, T0)));
	assert.equal(new Set(successors).size, 1);
	await rotate(successors[0] as string, T0 + GRACE_MS);
});

test("within the grace the successor is the same, though another key derives by now", async () => {
	const { refreshToken } = await open();
	const successor = await rotate(refreshToken, T0, keysAt("1"));
	assert.equal(await rotate(refreshToken, T0 + GRACE_MS - 1, keysAt("2")), successor);
	const third = await rotate(successor, T0 + GRACE_MS, keysAt("2"));
	// By a process that has not heard of the new key's turn.
	assert.equal(await rotate(successor, T0 + GRACE_MS + 1, keysAt("1")), third);
});

test("two at once get the same successor, though one of them derives by another key", async () => {
	const { refreshToken } = await open();
	const both = Array.from({ length: 16 }, (_, index) => rotate(refreshToken, T0, keysAt(index % 2 === 0 ? "1" : "2")));
	assert.equal(new Set(await Promise.all(both)).size, 1);
});

/**
 * Right after an election MongoDB may show documents as they were before their last change. Writes go to what there is.
 *
 * @param reads so many show what was; the rest what is
 */
function behind(was: Session, reads: number): Sessions {
	let left = reads;
	return {
		findById: async (id) => (left-- > 0 ? was : sessions.findById(id)),
		updateMany: (query, update) => sessions.updateMany(query, update),
		removeMany: (query) => sessions.removeMany(query),
	};
}
type Sessions = Parameters<typeof rotateSession>[0];
const rotateBehind = (stale: Sessions, refreshToken: string, nowMs: number) =>
	rotateSession(stale, { refreshToken, jkt: "adas-phone", keys, nowMs });

test("the newest token logs nobody out, though a read shows the session before its last rotation", async () => {
	for (const reads of [1, 2]) {
		const { session, refreshToken } = await open();
		const second = await rotate(refreshToken, T0);
		const rotated = await rotateBehind(behind(session, reads), second, T0 + GRACE_MS);
		assert.equal(rotated.session._id, session._id);
		await rotate(rotated.refreshToken, T0 + 2 * GRACE_MS);
	}
});

test("while reads stay behind nothing is decided, and nothing ended", async () => {
	const { session, refreshToken } = await open();
	const second = await rotate(refreshToken, T0);
	for (const token of [second, refreshToken])
		await assert.rejects(rotateBehind(behind(session, Number.POSITIVE_INFINITY), token, T0 + GRACE_MS), {
			type: "service_unavailable",
		});
	await rotate(second, T0 + GRACE_MS);
});

test("a token that was used before is found out, though a read shows the session before that", async () => {
	const { session, refreshToken } = await open();
	const second = await rotate(refreshToken, T0);
	assert.equal((await rotateBehind(behind(session, 1), refreshToken, T0 + GRACE_MS - 1)).refreshToken, second);
	await assert.rejects(rotateBehind(behind(session, 1), refreshToken, T0 + GRACE_MS), ended);
	assert.equal(await sessions.findById(session._id), null);
	const other = await open();
	const third = await rotate(await rotate(other.refreshToken, T0), T0);
	await assert.rejects(rotateBehind(behind(other.session, 1), other.refreshToken, T0), ended);
	await assert.rejects(rotate(third, T0), ended);
});

test("who logs in leaves none of their sessions behind that are over, and takes nobody else's away", async () => {
	const openFor = (userId: string, nowMs: number) =>
		openSession(sessions, { userId, userAgent: "test", jkt: "adas-phone", nowMs });
	const [over, lasting, others] = [await openFor("u_bo", T0), await openFor("u_bo", T0 + 1), await openFor("u_cy", T0)];
	const opened = await openFor("u_bo", T0 + SESSION_TTL_MS);
	const found = await sessions.findByIds([over, lasting, others, opened].map(({ session }) => session._id));
	assert.deepEqual(
		new Set(found.map(({ _id }) => _id)),
		new Set([lasting, others, opened].map(({ session }) => session._id)),
	);
});

test("a session that is refreshed while it is found to be over lives on", async () => {
	const { session, refreshToken } = await openSession(sessions, {
		userId: "u_dee",
		userAgent: "test",
		jkt: "adas-phone",
		nowMs: T0,
	});
	const nowMs = T0 + SESSION_TTL_MS;
	const meanwhile = {
		find: async (...asked: Parameters<typeof sessions.find>) => {
			const found = await sessions.find(...asked);
			await rotate(refreshToken, nowMs - 1);
			return found;
		},
		removeMany: (...asked: Parameters<typeof sessions.removeMany>) => sessions.removeMany(...asked),
		insert: (...asked: Parameters<typeof sessions.insert>) => sessions.insert(...asked),
	};
	await openSession(meanwhile, { userId: "u_dee", userAgent: "test", jkt: "other", nowMs });
	assert.equal((await sessions.findById(session._id))?.expiresAtMs, nowMs - 1 + SESSION_TTL_MS);
});

test("of very many sessions that are over some go with each log-in, until none is left", async () => {
	const openAt = (nowMs: number) =>
		openSession(sessions, { userId: "u_many", userAgent: "test", jkt: "adas-phone", nowMs });
	for (let n = 0; n < 50; n++) await openAt(T0);
	const left: number[] = [];
	for (let n = 0; n < 3; n++) {
		await openAt(T0 + SESSION_TTL_MS);
		left.push(await sessions.count({ query: { userId: "u_many", expiresAtMs: { $lte: T0 + SESSION_TTL_MS } } }));
	}
	assert.deepEqual(left, [30, 10, 0]);
});

test("a session ends with its time, not a millisecond later", async () => {
	const { refreshToken } = await open();
	await assert.rejects(rotate(refreshToken, T0 + SESSION_TTL_MS), ended);
	await rotate(refreshToken, T0 + SESSION_TTL_MS - 1);
});

test("a secret of another session, or another platform's key, is worth nothing", async () => {
	const { session, refreshToken } = await open();
	const other = await open();
	const secret = other.refreshToken.split(".")[1];
	await assert.rejects(rotate(`${session._id}.${secret}`, T0), ended);
	await assert.rejects(rotate(refreshToken, T0), ended);
	await assert.rejects(rotate(`n_unknown.${secret}`, T0), ended);
	const foreign = keysAt("1", { 1: Buffer.alloc(32, 8), 2: Buffer.alloc(32, 8) });
	const successor = await rotate(other.refreshToken, T0, foreign);
	assert.notEqual(successor, await rotate(other.refreshToken, T0));
});

test("another device's key gets nothing, and ends nothing", async () => {
	const { refreshToken } = await open();
	const foreign = { refreshToken, jkt: "eves-phone", keys, nowMs: T0 };
	await assert.rejects(rotateSession(sessions, foreign), ended);
	await rotate(refreshToken, T0);
	await assert.rejects(rotateSession(sessions, foreign), ended);
	await rotate(refreshToken, T0);
});
