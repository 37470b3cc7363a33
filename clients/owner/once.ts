import { useRef } from "preact/hooks";
import { type Outcome, type Problem, refused } from "../sdk/problem.ts";
import { problemText } from "../ui/problem-text.ts";
import { t } from "./texts.ts";

/** Nobody knows whether it was made. */
const isLost = ({ status }: Problem): boolean => status === 0 || status >= 500;

type Way<T> = {
	readonly create: () => Promise<Outcome<T>>;
	/** Looks for what a request has made whose answer was lost. */
	readonly find: () => Promise<Outcome<T | undefined>>;
};
type Made<T> =
	| { readonly ok: true; readonly value: T }
	| { readonly ok: false; readonly problem: Problem; readonly text: string };

/**
 * Makes something that no idempotency key keeps from being made twice. When the answer is lost it looks for it, and so it does before
 * it is asked for again.
 */
export function useOnce(): <T>(way: Way<T>) => Promise<Made<T>> {
	const isInDoubt = useRef(false);
	return async <T>({ create, find }: Way<T>): Promise<Made<T>> => {
		const look = async (): Promise<Made<T> | undefined> => {
			const found = await find();
			if (!found.ok)
				return { ...refused(found.problem), text: isLost(found.problem) ? t().maybeMade : problemText(found.problem) };
			isInDoubt.current = false;
			return found.value && { ok: true, value: found.value };
		};
		const before = isInDoubt.current ? await look() : undefined;
		if (before) return before;
		const outcome = await create();
		if (outcome.ok) return outcome;
		const refusal = { ...outcome, text: problemText(outcome.problem) };
		if (!isLost(outcome.problem)) return refusal;
		isInDoubt.current = true;
		return (await look()) ?? refusal;
	};
}
