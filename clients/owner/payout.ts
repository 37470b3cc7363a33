import { forget, isKept, kept } from "../sdk/key-cabinet.ts";
import { notKept, type Problem } from "../sdk/problem.ts";
import { call } from "./person.ts";

const AGAIN_AFTER_MS = 2_000;

type Pending = { readonly storeId: string; readonly amount: number; readonly idempotencyKey: string };

/** What became of a payout. Of one that was settled in another tab, only that one tells. */
export type Settled =
	| { readonly state: "paidOut"; readonly amount: number }
	| { readonly state: "refused"; readonly problem: Problem }
	| { readonly state: "elsewhere" };

const nameOf = (storeId: string): string => `owner.payout.${storeId}`;

/** One at a time for each store, whatever the tab: two that were begun side by side would be two payouts. */
const alone = <T>(storeId: string, work: () => Promise<T>): Promise<T> =>
	navigator.locks.request(`hannip.${nameOf(storeId)}`, work);

/**
 * Pays out, once: the key is kept until it is known what became of it. Where one is in doubt already, as in another tab, that one is settled and
 * no other is made: whoever asks again after a doubt means the same one.
 *
 * @param onDoubt told when that takes longer than one answer
 */
export async function beginPayout(storeId: string, amount: number, onDoubt: () => void): Promise<Settled> {
	const begun = await resumePayout(storeId, onDoubt);
	if (begun) return begun;
	return alone(storeId, async () => {
		const before = await kept<Pending>(nameOf(storeId));
		if (before) return settle(before, onDoubt);
		const said = { storeId, amount, idempotencyKey: crypto.randomUUID() };
		if (!(await isKept(nameOf(storeId), said))) return { state: "refused", problem: notKept };
		return settle(said, onDoubt);
	});
}

/**
 * Goes on with what was begun before the page was closed, or waits for the tab that is at it.
 *
 * @param onDoubt told when there is something
 * @returns nothing if there is nothing
 */
export async function resumePayout(storeId: string, onDoubt: () => void): Promise<Settled | undefined> {
	if (!(await kept<Pending>(nameOf(storeId)))) return undefined;
	onDoubt();
	return alone(storeId, async () => {
		const said = await kept<Pending>(nameOf(storeId));
		return said ? settle(said, onDoubt) : { state: "elsewhere" };
	});
}

async function settle(said: Pending, onDoubt: () => void): Promise<Settled> {
	for (;;) {
		const outcome = await call("store.payOut", said, { onAgain: onDoubt });
		if (outcome.ok) {
			await forget(nameOf(said.storeId));
			return { state: "paidOut", amount: outcome.value.amount };
		}
		const { problem } = outcome;
		if (problem.status >= 400 && problem.status < 500 && problem.code !== "rate_limited") {
			// That the session ended says nothing of what was sent before: who logs in again is told.
			if (problem.status !== 401) await forget(nameOf(said.storeId));
			return { state: "refused", problem };
		}
		onDoubt();
		await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS));
	}
}
