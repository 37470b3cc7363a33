import { forget, isKept, kept } from "../sdk/key-cabinet.ts";
import { notKept, type Problem } from "../sdk/problem.ts";
import type { Said } from "../sdk/request.ts";
import type { Sale } from "./payment.ts";
import { call, isEnded, till } from "./shop.ts";

/** A refund from before it is sent until it is known what became of it: sent again it has the same key, and happens once. */
export type PendingRefund = Said<"store.refundSale"> & { readonly saleId: string; readonly idempotencyKey: string };

export type Refunded =
	| { readonly ok: true; readonly sale: Sale; readonly amount: number }
	| { readonly ok: false; readonly problem: Problem };

const nameOf = (saleId: string): string => `till.refund.${saleId}`;
const AGAIN_AFTER_MS = 2_000;

/** What was begun for this sale before the page was closed. */
export const pendingRefund = (saleId: string): Promise<PendingRefund | undefined> => kept(nameOf(saleId));

type Wanted = { readonly saleId: string; readonly amount?: number; readonly reason?: string };

export async function beginRefund(wanted: Wanted, onDoubt: () => void): Promise<Refunded> {
	// As in another tab.
	const begun = await pendingRefund(wanted.saleId);
	if (begun) return settleRefund(begun, onDoubt);
	const pending = { storeId: till.value?.storeId ?? "", idempotencyKey: crypto.randomUUID(), ...wanted };
	if (!(await isKept(nameOf(wanted.saleId), pending))) return { ok: false, problem: notKept };
	return settleRefund(pending, onDoubt);
}

/** Until it is known. @param onDoubt told when that takes longer than one answer */
export async function settleRefund(pending: PendingRefund, onDoubt: () => void): Promise<Refunded> {
	for (;;) {
		const outcome = await call("store.refundSale", pending, { onAgain: onDoubt });
		const made = outcome.ok || !isAboutWhoAsks(outcome.problem) ? undefined : await madeBefore(pending);
		if (made) return made;
		if (outcome.ok) {
			await forget(nameOf(pending.saleId));
			return { ok: true, sale: outcome.value.sale, amount: outcome.value.refund.amount };
		}
		const { problem } = outcome;
		const isDefinite = problem.status >= 400 && problem.status < 500 && problem.code !== "rate_limited";
		if (isDefinite && !isEnded.value) await forget(nameOf(pending.saleId));
		if (isDefinite) return { ok: false, problem };
		onDoubt();
		await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS));
	}
}

const isAboutWhoAsks = ({ code }: Problem): boolean => code === "forbidden" || code === "not_found";

/** Who may not refund any more is refused before the ledger is asked: that says nothing of what was sent before. */
async function madeBefore({ storeId, saleId, idempotencyKey }: PendingRefund): Promise<Refunded | undefined> {
	const asked = await call("store.getSale", { storeId, saleId });
	const refund = asked.ok && asked.value.refunds.find(({ id }) => id.endsWith(`.${idempotencyKey}`));
	if (!asked.ok || !refund) return undefined;
	await forget(nameOf(saleId));
	return { ok: true, sale: asked.value, amount: refund.amount };
}
