import type { Result } from "../services/actions.ts";
import { fail } from "../services/errors.ts";
import { keyOf } from "./command-id.ts";

/** What became of a money request, for a client that never got the answer. @throws not_found if it never arrived */
export function bookingOf(transferId: string, outcome: Result<"credit.outcome">) {
	const { state, refusal, transfer } = outcome;
	if (state === "not_seen") throw fail("not_found");
	return {
		id: keyOf(transferId),
		transferId,
		state: transfer ? ("posted" as const) : refusal === "cancelled" ? ("cancelled" as const) : ("refused" as const),
		refusal,
		amount: transfer?.amount ?? null,
		createdAtMs: transfer?.createdAtMs ?? null,
	};
}
