import { pause } from "./pause.ts";
import { type Outcome, outcomeOf, refused, unknownOutcome, unreachable } from "./problem.ts";
import type { Wire } from "./request.ts";

/** How long one attempt may take: the gateway itself gives up after 3 s, and a phone's network needs its time. */
const ATTEMPT_MS = 8_000;
/** How long is waited before each further attempt. */
const AGAIN_AFTER_MS = [300, 1_000, 2_000, 4_000];
/** What the platform asks to wait for is waited for if a person would. */
const WAIT_MAX_S = 5;

export type Asking = {
	readonly signal?: AbortSignal;
	/** How long one attempt may take, where that is longer than a gateway gives it. */
	readonly attemptMs?: number;
	/** Told before each further attempt, so that the screen can say "checking". */
	readonly onAgain?: (attempt: number) => void;
};

/**
 * Sends a request until it is known what became of it. What may be sent twice is: reads, and what carries an Idempotency-Key, with the same
 * key. If even that does not tell, the problem is `outcome_unknown` with the address to ask: never "failed".
 *
 * @param attempt signs and sends it once; a proof is good for one attempt
 */
export async function untilKnown<T>(
	wire: Wire,
	attempt: (signal: AbortSignal) => Promise<Response>,
	{ signal, onAgain, attemptMs = ATTEMPT_MS }: Asking = {},
): Promise<Outcome<T>> {
	const mayRepeat = wire.method === "GET" || wire.idempotencyKey !== undefined;
	// Of what was sent once without an answer, a later refusal to take it says nothing.
	let isLost = false;
	for (let tries = 1; ; tries++) {
		const outcome = await once<T>(attempt, { signal, attemptMs });
		if (outcome.ok || !isWorthRepeating(outcome)) return outcome;
		const { code, retryAfterS } = outcome.problem;
		isLost ||= code === "unreachable" || code === "outcome_unknown";
		const delayMs = retryAfterS === undefined ? AGAIN_AFTER_MS[tries - 1] : retryAfterS * 1_000;
		if (!mayRepeat || delayMs === undefined || tries > AGAIN_AFTER_MS.length || signal?.aborted)
			return isLost && wire.statusUrl ? refused(unknownOutcome(wire.statusUrl)) : outcome;
		onAgain?.(tries);
		await pause(delayMs, signal);
	}
}

async function once<T>(
	attempt: (signal: AbortSignal) => Promise<Response>,
	{ signal, attemptMs }: { signal: AbortSignal | undefined; attemptMs: number },
): Promise<Outcome<T>> {
	const late = AbortSignal.timeout(attemptMs);
	try {
		return await outcomeOf<T>(await attempt(signal ? AbortSignal.any([signal, late]) : late));
	} catch {
		return refused(unreachable);
	}
}

function isWorthRepeating({ problem }: { problem: { code: string; status: number; retryAfterS?: number } }): boolean {
	const { code, status, retryAfterS = 0 } = problem;
	return (code === "unreachable" || status >= 500 || code === "rate_limited") && retryAfterS <= WAIT_MAX_S;
}
