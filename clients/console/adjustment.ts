import type { Result } from "../../services/actions.ts";
import { forget, isKept, kept } from "../sdk/key-cabinet.ts";
import { notKept, type Outcome, type Problem, refused } from "../sdk/problem.ts";
import type { Said } from "../sdk/request.ts";
import { operatorName, outcomeOf } from "./operator.ts";

const AGAIN_AFTER_MS = 2_000;

type Asked = Omit<Said<"operator.adjust">, "idempotencyKey">;
type Pending = Asked & { readonly idempotencyKey: string };
/** Of one that was settled in another tab, only that one tells. */
export type Settled = Outcome<Result<"operator.adjust">> | "elsewhere";

const nameOf = (accountId: string): string => `console.adjustment.${operatorName()}.${accountId}`;

const notYours: Problem = { code: "unauthenticated", status: 401, title: "Another operator is at work here" };

/** One at a time for each account, whatever the tab: two that were begun side by side would be two adjustments. */
const alone = <T>(name: string, work: () => Promise<T>): Promise<T> => navigator.locks.request(`hannip.${name}`, work);

/**
 * Adjusts, once: key and words are kept until it is known what became of them. Where one is in doubt already, as in another tab, that one is
 * settled and no other is made: whoever asks again after a doubt means the same one.
 *
 * @param onDoubt told when that takes longer than one answer
 */
export async function beginAdjustment(asked: Asked, onDoubt: () => void): Promise<Settled> {
	const begun = await resumeAdjustment(asked.accountId, onDoubt);
	if (begun) return begun;
	const name = nameOf(asked.accountId);
	return alone(name, async () => {
		const before = await kept<Pending>(name);
		if (before) return settle(name, before, onDoubt);
		const said = { ...asked, idempotencyKey: crypto.randomUUID() };
		return (await isKept(name, said)) ? settle(name, said, onDoubt) : refused(notKept);
	});
}

/**
 * Goes on with what was begun before the page was closed, or waits for the tab that is at it.
 *
 * @param onDoubt told when there is something
 * @returns nothing if there is nothing
 */
export async function resumeAdjustment(accountId: string, onDoubt: () => void): Promise<Settled | undefined> {
	const name = nameOf(accountId);
	if (!(await kept<Pending>(name))) return undefined;
	onDoubt();
	return alone(name, async () => {
		const said = await kept<Pending>(name);
		return said ? settle(name, said, onDoubt) : "elsewhere";
	});
}

async function settle(name: string, said: Pending, onDoubt: () => void): Promise<Settled> {
	for (;;) {
		// Of a key that another operator sends the platform knows nothing: it would be another adjustment.
		if (nameOf(said.accountId) !== name) return refused(notYours);
		const outcome = await outcomeOf("operator.adjust", said, { onAgain: onDoubt });
		// That the token is not good any more says nothing of what was sent before: whoever comes in again is told.
		if (!outcome.ok && outcome.problem.status === 401) return outcome;
		if (outcome.ok || isRefusal(outcome.problem)) {
			await forget(name);
			return outcome;
		}
		onDoubt();
		await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS));
	}
}

const isRefusal = ({ status, code }: Problem): boolean => status >= 400 && status < 500 && code !== "rate_limited";
