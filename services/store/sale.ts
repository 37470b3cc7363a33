import { refuseOthers } from "../../mixins/booking.ts";
import { keyOf } from "../../mixins/command-id.ts";
import type { Result } from "../actions.ts";
import type { PricedLine } from "./basket.ts";

type Transfer = Result<"credit.transfer">["transfer"];
export type Sale = Result<"store.getSale">;

/** What a sale's transfer carries: the receipt. */
export type Receipt = {
	readonly storeId: string;
	readonly storeName: string;
	readonly items: readonly PricedLine[];
	readonly discount: number;
	readonly note: string | null;
	readonly soldBy: string;
};

/** A sale is its transfer; this is how a till sees it at `nowMs`. @param refunds its refunds, oldest first */
export const saleOf = (transfer: Transfer, nowMs: number, refunds: readonly Transfer[] = []): Sale => ({
	...soldAs(transfer),
	expiresInMs: isWaiting(transfer) ? Math.max(0, transfer.expiresAtMs - nowMs) : null,
	refunds: refunds.map(refundOf),
});

type Waiting = Transfer & { readonly expiresAtMs: number };
const isWaiting = (transfer: Transfer): transfer is Waiting =>
	transfer.state === "pending" && transfer.expiresAtMs !== null;

/** What its transfer says of it by itself, whenever that is read. */
export function soldAs(transfer: Transfer): Omit<Sale, "expiresInMs" | "refunds"> {
	const { storeId, items, discount, note } = transfer.details as Receipt;
	return {
		id: keyOf(transfer.id),
		transferId: transfer.id,
		storeId,
		state: transfer.state,
		refusal: null,
		total: transfer.amount,
		discount,
		refunded: transfer.refunded,
		items: [...items],
		note,
		createdAtMs: transfer.createdAtMs,
		expiresAtMs: transfer.expiresAtMs,
	};
}

export const refundOf = ({ id, amount, details, createdAtMs }: Transfer): Sale["refunds"][number] => ({
	id,
	amount,
	reason: (details as { reason?: string | null }).reason ?? null,
	createdAtMs,
});

/** What became of a sale. @throws not_found when it never arrived, or the id is something else's */
export function saleOutcome(
	{ storeId, transferId, nowMs }: { storeId: string; transferId: string; nowMs: number },
	outcome: Result<"credit.outcome">,
): Sale {
	refuseOthers("sale", outcome);
	if (outcome.transfer) return saleOf(outcome.transfer, nowMs, outcome.refunds);
	return {
		id: keyOf(transferId),
		transferId,
		storeId,
		state: outcome.refusal === "cancelled" ? "cancelled" : "refused",
		refusal: outcome.refusal,
		total: null,
		discount: 0,
		refunded: 0,
		items: [],
		note: null,
		createdAtMs: null,
		expiresAtMs: null,
		expiresInMs: null,
		refunds: [],
	};
}
