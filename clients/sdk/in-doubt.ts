import { forget, isKept, kept } from "./key-cabinet.ts";
import { pause } from "./pause.ts";
import { isRefusal, notKept, type Outcome, type Problem, refused } from "./problem.ts";

const AGAIN_AFTER_MS = 2_000;

/** Of one that was settled in another tab, only that one tells. */
export type Settled<T> = Outcome<T> | "elsewhere";

type Keyed<Asked> = Asked & { readonly idempotencyKey: string };
/** How credit is moved once, whatever happens on the way. */
export type Way<Asked, T> = {
	/** Where it is kept. Of each name one is under way at a time, whatever the tab: two that were begun side by side would be two. */
	readonly name: string;
	/** @param onAgain told before each further attempt */
	readonly send: (said: Keyed<Asked>, asking: { readonly onAgain: () => void }) => Promise<Outcome<T>>;
	/** Told when it takes longer than one answer. */
	readonly onDoubt: () => void;
	/** Whether a refusal says nothing of what was sent before, as that a session ended does: who comes in again is told. */
	readonly isUntold?: (problem: Problem) => boolean;
};

/**
 * Sends it: key and words are kept until it is known what became of it. Where one is in doubt already, as in another tab, that one is settled and
 * no other is made: whoever asks again after a doubt means the same one.
 */
export async function begin<Asked, T>(way: Way<Asked, T>, asked: Asked): Promise<Settled<T>> {
	const begun = await resume(way);
	if (begun) return begun;
	return alone(way, async () => {
		const before = await kept<Keyed<Asked>>(way.name);
		if (before) return settle(way, before);
		const said = { ...asked, idempotencyKey: crypto.randomUUID() };
		return (await isKept(way.name, said)) ? settle(way, said) : refused(notKept);
	});
}

/**
 * Goes on with what was begun before the page was closed, or waits for the tab that is at it; `onDoubt` is told when there is something.
 *
 * @returns nothing if there is nothing
 */
export async function resume<Asked, T>(way: Way<Asked, T>): Promise<Settled<T> | undefined> {
	if (!(await kept<Keyed<Asked>>(way.name))) return undefined;
	way.onDoubt();
	return alone(way, async () => {
		const said = await kept<Keyed<Asked>>(way.name);
		return said ? settle(way, said) : "elsewhere";
	});
}

const alone = <R>({ name }: { readonly name: string }, work: () => Promise<R>): Promise<R> =>
	navigator.locks.request(`hannip.${name}`, work);

async function settle<Asked, T>(way: Way<Asked, T>, said: Keyed<Asked>): Promise<Outcome<T>> {
	const { name, send, onDoubt, isUntold = ({ status }) => status === 401 } = way;
	for (;;) {
		const outcome = await send(said, { onAgain: onDoubt });
		if (outcome.ok || isRefusal(outcome.problem)) {
			if (outcome.ok || !isUntold(outcome.problem)) await forget(name);
			return outcome;
		}
		onDoubt();
		await pause(AGAIN_AFTER_MS);
	}
}
