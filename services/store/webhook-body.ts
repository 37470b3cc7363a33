import { type TProperties, Type } from "typebox";
import { Amount, closed, StoreId, TimeMs, TransferId } from "../schema.ts";
import { Refund, Sale } from "./sale-schema.ts";
import type { WebhookEvent } from "./webhook-event.ts";

export const EventId = Type.String({
	pattern: "^evt_[0-9]{15}_[0-9]{5}$",
	description: "Of an event; sorts as it happened",
	examples: ["evt_000000000004711_00002"],
});
const PingId = Type.String({ pattern: "^ping_[0-9a-f-]{36}$", description: "Of a ping" });
const Payout = closed({ transferId: TransferId, amount: Amount, createdAtMs: TimeMs });

/** A sale as it stood then; of its refunds only their sum, and nothing that is counted from now. */
const { refunds: _, expiresInMs: __, ...fields } = Sale.properties;
const SaleThen = closed(fields);

const told = (type: WebhookEvent | "ping", summary: string, data: TProperties) =>
	closed(
		{
			id: type === "ping" ? PingId : EventId,
			type: Type.Literal(type),
			occurredAtMs: TimeMs,
			storeId: StoreId,
			data: closed(data),
		},
		{ title: summary },
	);

/** What webhooks are sent, for its description: `eventOf` makes it, and tests hold what arrives against this. */
export const WebhookBody = Type.Union([
	told("sale.posted", "A sale is paid, at once or by a confirmation", { sale: SaleThen }),
	told("sale.pending", "A sale waits for its customer to confirm it", { sale: SaleThen }),
	told("sale.voided", "A sale was declined, or cancelled while it waited", { sale: SaleThen }),
	told("sale.expired", "Nobody confirmed a sale in time", { sale: SaleThen }),
	told("sale.refunded", "All or a part of a sale was given back", { sale: SaleThen, refund: Refund }),
	told("payout.posted", "The store's credit was paid out", { payout: Payout }),
	told("ping", "Its owner tries the webhook", {}),
]);
