import { forget, keep, kept } from "../sdk/key-cabinet.ts";
import type { Problem } from "../sdk/problem.ts";
import { call } from "./person.ts";

const AGAIN_AFTER_MS = 2_000;

type Pending = { readonly storeId: string; readonly amount: number; readonly idempotencyKey: string };

const nameOf = (storeId: string): string => `owner.payout.${storeId}`;

/**
 * Pays out, once: the key is kept until it is known what became of it.
 *
 * @param onDoubt told when that takes longer than one answer
 * @returns why not
 */
export async function beginPayout(storeId: string, amount: number, onDoubt: () => void): Promise<Problem | null> {
	const said = { storeId, amount, idempotencyKey: crypto.randomUUID() };
	await keep(nameOf(storeId), said);
	return settle(said, onDoubt);
}

async function settle(said: Pending, onDoubt: () => void): Promise<Problem | null> {
	for (;;) {
		const outcome = await call("store.payOut", said, { onAgain: onDoubt });
		const status = outcome.ok ? 200 : outcome.problem.status;
		if (status >= 200 && status < 500 && status !== 429) {
			await forget(nameOf(said.storeId));
			return outcome.ok ? null : outcome.problem;
		}
		onDoubt();
		await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS));
	}
}

/** Goes on with what was begun before the page was closed. @returns whether there was something */
export async function resumePayout(storeId: string): Promise<boolean> {
	const said = await kept<Pending>(nameOf(storeId));
	if (said) await settle(said, () => {});
	return said !== undefined;
}
