import { Standstill } from "./virtual-time.ts";

/** What must be true after every step of a simulated world, each in one sentence. */
export const invariants = {
	chain:
		"The log's groups follow one another: numbers without gaps, hashes over hashes, time that never runs backwards.",
	sum: "The sum over all accounts is zero, of what is posted and of what is held.",
	fold: "An account's counters are the sum of its transfers.",
	floor: "No account falls below its floor; what is held counts as gone.",
	once: "An id has one effect, and none if it was kept out.",
	code: "A payment code is used up once.",
	refunds: "The refunds of a sale are never more than the sale.",
	holds: "A hold ends once: posted before its time is over and not beyond what is held, expired not earlier.",
	states: "Nobody takes part in a movement whose account is frozen or closed.",
	asked: "What is booked is what was asked, while it was still wanted.",
	refusals: "What was refused was refused for a reason that was true.",
	cancels: "Whatever was cancelled has no effect from then on.",
	answers: "Every answer is what the log says, and stays so.",
	absent: "What was said not to be booked is not booked.",
	outcomes: "Whoever asks what became of an id is told what the log says.",
	reads: "Whoever was told that it is booked reads it in every later answer of that process.",
	memory: "What a process has in memory is what the log says at the process's head.",
	told: "A process hears of every group once, in order, whoever wrote it.",
	readModel: "A read model is what the log says at the read model's head.",
	audit: "The ledger's own audit finds nothing.",
	alive: "Every command gets some answer, and what can be caught up is caught up.",
	unexpected: "Nothing is thrown that was not thrown in on purpose.",
} as const;

export type Invariant = keyof typeof invariants;

export class Violation extends Error {
	readonly invariant: Invariant;

	constructor(invariant: Invariant, message: string) {
		super(message);
		this.invariant = invariant;
	}
}

/** @throws Violation unless it holds; the message is only made when it does not */
export function must(invariant: Invariant, holds: boolean, message: () => string): asserts holds {
	if (!holds) throw new Violation(invariant, message());
}

export function wordsOf(error: unknown): { invariant: Invariant; message: string } {
	if (error instanceof Violation) return { invariant: error.invariant, message: error.message };
	if (error instanceof Standstill) return { invariant: "alive", message: error.message };
	return { invariant: "unexpected", message: (error as Error).stack ?? String(error) };
}
