import type { Result } from "../services/actions.ts";
import { fail } from "../services/errors.ts";
import { keyOf } from "./command-id.ts";

type Outcome = Result<"credit.outcome">;

/**
 * What became of a money request, for a client that never got the answer.
 *
 * @throws not_found if it never arrived, or the id is something else's
 */
export function bookingOf(kind: NonNullable<Outcome["kind"]>, transferId: string, outcome: Outcome) {
	refuseOthers(kind, outcome);
	const { refusal, transfer } = outcome;
	return {
		id: keyOf(transferId),
		transferId,
		state: transfer ? ("posted" as const) : refusal === "cancelled" ? ("cancelled" as const) : ("refused" as const),
		refusal,
		amount: transfer?.amount ?? null,
		createdAtMs: transfer?.createdAtMs ?? null,
	};
}

/** An id that was cancelled before it arrived could have become anything. @throws not_found */
export function refuseOthers(kind: NonNullable<Outcome["kind"]>, outcome: Outcome): void {
	if (outcome.kind !== kind && outcome.refusal !== "cancelled") throw fail("not_found");
}
