import type { Documents } from "../../mixins/database.ts";
import type { Params, Result } from "../actions.ts";
import type { Session } from "./session.ts";
import type { Counted, ShortLived } from "./short-lived.ts";
import type { Till } from "./till.ts";

type Question = Params<"auth.admit">["questions"][number];
type Verdict = Result<"auth.admit">["verdicts"][number];

type Readable<T extends { readonly _id: string }> = Pick<Documents<T>, "findByIds">;

export type Registry = {
	readonly sessions: Readable<Session>;
	readonly tills: Readable<Till>;
	readonly shortLived: ShortLived;
};

/** How long a used proof is remembered: longer than the gateway takes it for one of now, 70 s for a proof and 120 s for a signature. */
const PROOF_MEMORY_MS = 150_000;

/**
 * Judges requests. A session that was ended, or a till that was revoked, is refused from the next request on, in every gateway: what
 * their tokens still say is not asked. A proof is used up by the first request that is not refused for another reason.
 */
export async function admit(questions: readonly Question[], registry: Registry, nowMs: number): Promise<Verdict[]> {
	const [alive, counted] = await Promise.all([
		thoseAlive(questions, registry, nowMs),
		registry.shortLived.add(questions.map((question) => countOf(question, nowMs))),
	]);
	const verdicts = questions.map((question, index) => verdictOn(question, alive, counted[index] as Counted));
	const proven = [...questions.entries()].filter(
		([index, { proof }]) => proof !== undefined && verdicts[index]?.verdict === "admitted",
	);
	if (proven.length === 0) return verdicts;
	const proofs = proven.map(([, { proof }]) => String(proof));
	const isNew = await registry.shortLived.claim(proofs, { nowMs, untilMs: nowMs + PROOF_MEMORY_MS });
	const replayed = new Set(proven.filter((_, place) => !isNew[place]).map(([index]) => index));
	return verdicts.map((verdict, index) => (replayed.has(index) ? { ...verdict, verdict: "replayed" } : verdict));
}

type Alive = {
	readonly sessions: ReadonlyMap<string, Session>;
	readonly tills: ReadonlyMap<string, Till>;
};

async function thoseAlive(
	questions: readonly Question[],
	{ sessions, tills }: Registry,
	nowMs: number,
): Promise<Alive> {
	const [foundSessions, foundTills] = await Promise.all([
		found(
			sessions,
			questions.map(({ session }) => session?.sessionId),
		),
		found(
			tills,
			questions.map(({ tillId }) => tillId),
		),
	]);
	return {
		sessions: byId(foundSessions.filter(({ expiresAtMs }) => expiresAtMs > nowMs)),
		tills: byId(foundTills.filter(({ revokedAtMs }) => revokedAtMs === null)),
	};
}

async function found<T extends { readonly _id: string }>(documents: Readable<T>, ids: readonly (string | undefined)[]) {
	const asked = new Set(ids.filter((id) => id !== undefined));
	return asked.size > 0 ? documents.findByIds([...asked]) : [];
}

const byId = <T extends { readonly _id: string }>(items: readonly T[]): Map<string, T> =>
	new Map(items.map((item) => [item._id, item]));

const countOf = ({ counter, windowS }: Question, nowMs: number) => ({
	key: `rate:${counter}`,
	amount: 1,
	nowMs,
	untilMs: nowMs + windowS * 1_000,
});

function verdictOn({ session, tillId, countMax }: Question, alive: Alive, { count, untilMs }: Counted): Verdict {
	const till = tillId === undefined ? undefined : alive.tills.get(tillId);
	const isThere =
		(!session || alive.sessions.get(session.sessionId)?.userId === session.userId) && (tillId === undefined || till);
	const verdict = isThere ? (count > countMax ? "limited" : "admitted") : "ended";
	return { verdict, count, untilMs, ...(till && { mayRefund: till.mayRefund }) };
}
