import type { Documents } from "../../mixins/database.ts";
import type { Params, Result } from "../actions.ts";
import type { RateCount, RateCounts } from "./rate-counts.ts";
import type { Session } from "./session.ts";
import type { Claiming, ShortLived } from "./short-lived.ts";
import { type Till, trustOf } from "./till.ts";

type Question = Params<"auth.admit">["questions"][number];
type Verdict = Result<"auth.admit">["verdicts"][number];

type Readable<T extends { readonly _id: string }> = Pick<Documents<T>, "findByIds">;

export type Registry = {
	readonly sessions: Readable<Session>;
	readonly tills: Readable<Till>;
	readonly shortLived: Pick<ShortLived, "claim">;
	readonly rates: RateCounts;
};

/** How long a used proof is remembered: longer than the gateway takes it for one of now, 70 s for a proof and 120 s for a signature. */
const PROOF_MEMORY_MS = 150_000;
/** The `countMax` of what is not counted. */
const UNLIMITED = Number.MAX_SAFE_INTEGER;

/** For whom a question is counted, and how often they may come. */
type Share = { readonly counter: string; readonly countMax: number };

/**
 * Judges requests. A session that was ended, or a till that was revoked, is refused from the next request on, in every gateway: what
 * their tokens still say is not asked. A proof is used up by the first request that comes with it, whatever becomes of that.
 *
 * First the proofs, then the counts: counted first, one captured request that is sent again and again would use up its owner's rate. Nor
 * could its count be given back later: once above the limit, it would be found limited and never be found replayed. So a request
 * uses up its proof even if it is refused then. That harms nobody: what ended stays so, and what was limited comes again with a new
 * proof (RFC 9449 4.2), while its old one stays refused also when the limit is over. These are two steps, whichever is first.
 */
export async function admit(
	{ questionId, questions }: Params<"auth.admit">,
	registry: Registry,
	nowMs: number,
): Promise<Verdict[]> {
	const { shortLived, rates } = registry;
	const [alive, replayed] = await Promise.all([
		thoseAlive(questions, registry, nowMs),
		thoseReplayed(questions, shortLived, { nowMs, untilMs: nowMs + PROOF_MEMORY_MS, questionId }),
	]);
	const refusals = questions.map((question, index) => {
		if (!isThere(question, alive)) return "ended";
		return replayed.has(index) ? "replayed" : undefined;
	});
	const shares = questions.map((question) => shareOf(question, alive));
	const counts = questions.map(({ windowS }, index) => ({
		key: `rate:${(shares[index] as Share).counter}`,
		countMax: (shares[index] as Share).countMax,
		// Nothing is added for what is refused already, which is told all the same how many are left.
		amount: refusals[index] ? 0 : 1,
		nowMs,
		untilMs: nowMs + windowS * 1_000,
	}));
	// Who may come as often as they like is asked after by somebody who is here already: that is looked at only, and not written down.
	const limited = counts.filter(({ countMax }) => countMax < UNLIMITED);
	const counted = new Map((await rates.add(limited)).map((now, index) => [limited[index], now]));
	return questions.map(({ tillId }, index) => {
		const { countMax, untilMs: endsAtMs } = counts[index] as RateCount;
		const { count, untilMs } = counted.get(counts[index]) ?? { count: 0, untilMs: endsAtMs };
		const verdict = refusals[index] ?? (count > countMax ? "limited" : "admitted");
		const till = tillId === undefined ? undefined : alive.tills.get(tillId);
		return { verdict, count, countMax, untilMs, ...(till && trustOf(till)) };
	});
}

/** @returns their places among the questions */
async function thoseReplayed(
	questions: readonly Question[],
	shortLived: Registry["shortLived"],
	claiming: Claiming,
): Promise<ReadonlySet<number>> {
	const proven = questions.flatMap(({ proof }, place) => (proof === undefined ? [] : [{ proof, place }]));
	if (proven.length === 0) return new Set();
	const proofs = proven.map(({ proof }) => proof);
	const isNew = await shortLived.claim(proofs, claiming);
	return new Set(proven.filter((_, index) => !isNew[index]).map(({ place }) => place));
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
			questions.flatMap(({ session, refresh }) => [session?.sessionId, refresh?.sessionId]),
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

/**
 * A session that is refreshed has a share of its own: whatever else is asked from where it is, its token lives for five minutes. Only who has its
 * key uses that up. Whoever makes a session up, or has only its cookie, is counted by where they are, like everybody who proves nothing.
 */
function shareOf({ counter, countMax, refresh }: Question, { sessions }: Alive): Share {
	const isItself = refresh !== undefined && sessions.get(refresh.sessionId)?.jkt === refresh.jkt;
	return isItself ? { counter: `refresh:${refresh.sessionId}`, countMax: refresh.countMax } : { counter, countMax };
}

const isThere = ({ session, tillId }: Question, alive: Alive): boolean =>
	(!session || alive.sessions.get(session.sessionId)?.userId === session.userId) &&
	(tillId === undefined || alive.tills.has(tillId));
