import type { Result } from "../../services/actions.ts";
import { begin, resume, type Settled, type Way } from "../sdk/in-doubt.ts";
import { type Problem, refused } from "../sdk/problem.ts";
import type { Said } from "../sdk/request.ts";
import { operatorName, outcomeOf } from "./operator.ts";

type Asked = Omit<Said<"operator.adjust">, "idempotencyKey">;
type Adjusted = Result<"operator.adjust">;
export type SettledAdjustment = Settled<Adjusted>;

const nameOf = (accountId: string): string => `console.adjustment.${operatorName()}.${accountId}`;

const notYours: Problem = { code: "unauthenticated", status: 401, title: "Another operator is at work here" };

/** One at a time for each account and operator. */
function wayFor(accountId: string, onDoubt: () => void): Way<Asked, Adjusted> {
	const name = nameOf(accountId);
	return {
		name,
		onDoubt,
		// Of a key that another operator sends the platform knows nothing: it would be another adjustment.
		send: async (said, asking) =>
			nameOf(accountId) === name ? outcomeOf("operator.adjust", said, asking) : refused(notYours),
	};
}

export const beginAdjustment = (asked: Asked, onDoubt: () => void): Promise<SettledAdjustment> =>
	begin(wayFor(asked.accountId, onDoubt), asked);

export const resumeAdjustment = (accountId: string, onDoubt: () => void): Promise<SettledAdjustment | undefined> =>
	resume(wayFor(accountId, onDoubt));
