import type { Result } from "../actions.ts";
import { refundOf, soldAs } from "./sale.ts";

type FeedItem = Result<"credit.feed">["items"][number];

/** What a webhook can be told of. `ping` comes when its owner asks for it. */
export const webhookEvents = [
	"sale.posted",
	"sale.pending",
	"sale.voided",
	"sale.expired",
	"sale.refunded",
	"payout.posted",
] as const;
export type WebhookEvent = (typeof webhookEvents)[number];

/** One thing that happened in a store. It has the same id whenever and by whomever it is read from the log. */
export type StoreEvent = {
	/** Sorts as the log does. */
	readonly id: string;
	readonly type: WebhookEvent;
	readonly storeId: string;
	/** What is sent: JSON, the same bytes every time. */
	readonly body: string;
};

/** The store in which that happened. */
export const storeIn = ({ accountIds }: FeedItem): string | undefined =>
	accountIds.find((id) => id.startsWith("store:"))?.slice("store:".length);

/** Its place in the ledger's log. */
const eventIdOf = ({ sequence, position }: { readonly sequence: number; readonly position: number }): string =>
	`evt_${String(sequence).padStart(15, "0")}_${String(position).padStart(5, "0")}`;

/** What happened in stores by an entry of the ledger's log, if it is something that a webhook is told of. */
export function eventOf(item: FeedItem): StoreEvent | undefined {
	const storeId = storeIn(item);
	const happened = whatHappened(item);
	if (!storeId || !happened) return undefined;
	const { type, data } = happened;
	const id = eventIdOf(item);
	return { id, type, storeId, body: JSON.stringify({ id, type, occurredAtMs: item.committedAtMs, storeId, data }) };
}

/** A sale as it stood then, without a list of its refunds: the log says of each only when it is made, and `refunded` is their sum. */
function whatHappened({ created, changed }: FeedItem): { type: WebhookEvent; data: object } | undefined {
	if (created?.kind === "refund" && changed?.kind === "sale")
		return { type: "sale.refunded", data: { sale: soldAs(changed), refund: refundOf(created) } };
	if (created?.kind === "payout") {
		const { id: transferId, amount, createdAtMs } = created;
		return { type: "payout.posted", data: { payout: { transferId, amount, createdAtMs } } };
	}
	const sale = created ?? changed;
	return sale?.kind === "sale" ? { type: `sale.${sale.state}`, data: { sale: soldAs(sale) } } : undefined;
}
