import { pause } from "./pause.ts";
import { type Outcome, outcomeOf, refused, unknownOutcome, unreachable } from "./problem.ts";
import type { Wire } from "./request.ts";

/** How long one attempt may take: the gateway itself gives up after 3 s, and a phone's network needs its time. */
const ATTEMPT_MS = 8_000;
/** The same for a file, which comes as fast as the network takes it. */
export const FILE_ATTEMPT_MS = 120_000;
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
		if (outcome.ok || !mayChange(outcome, wire)) return outcome;
		isLost ||= saysNothing.has(outcome.problem.code);
		const delayMs = delayOf(outcome, tries);
		if (!mayRepeat || delayMs === undefined || signal?.aborted)
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

/** Of what became of a request: a page of somebody in between stands in the place of an answer that may have been "booked". */
const saysNothing: ReadonlySet<string> = new Set(["unreachable", "outcome_unknown", "not_understood"]);

type Refusal = { readonly problem: { readonly code: string; readonly status: number; readonly retryAfterS?: number } };

/** Before the next attempt; nothing when there is none, since there were enough, or a person would not wait for it. */
function delayOf({ problem: { retryAfterS } }: Refusal, tries: number): number | undefined {
	if (tries > AGAIN_AFTER_MS.length || (retryAfterS ?? 0) > WAIT_MAX_S) return undefined;
	return retryAfterS === undefined ? AGAIN_AFTER_MS[tries - 1] : retryAfterS * 1_000;
}

/** Whether the same request may get another answer. */
function mayChange({ problem: { code, status } }: Refusal, { statusUrl }: Wire): boolean {
	// Who says 4xx, whoever it is, has not done it, nor passed it on.
	const isInDoubt = statusUrl !== undefined && code === "not_understood" && status < 400;
	return code === "unreachable" || status >= 500 || code === "rate_limited" || isInDoubt;
}
