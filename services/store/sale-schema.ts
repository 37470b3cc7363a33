import { Type } from "typebox";
import {
	Amount,
	Count,
	closed,
	IdempotencyKey,
	nullable,
	ProductId,
	Refusal,
	StoreId,
	Sum,
	TimeMs,
	TransferId,
	text,
} from "../schema.ts";

export const ProductName = text(80, "Name", "Caffè latte");
export const Item = closed({
	productId: ProductId,
	name: ProductName,
	unitPrice: Amount,
	quantity: Amount,
	amount: Amount,
});
export const Refund = closed({ id: TransferId, amount: Amount, reason: nullable(Type.String()), createdAtMs: TimeMs });

/** A sale is its transfer; this is how a till sees it. */
export const Sale = closed({
	id: IdempotencyKey,
	transferId: TransferId,
	storeId: StoreId,
	state: Type.Enum(["posted", "pending", "voided", "expired", "refused", "cancelled"], {
		description:
			"`posted`: paid. `pending`: waits for its customer to confirm it, until `expiresAtMs`; all others are final. `voided`: declined by its customer, " +
			"or cancelled while it waited. `expired`: nobody confirmed it. `refused`: see `refusal`. `cancelled`: before it arrived",
	}),
	refusal: Refusal,
	total: nullable(Amount),
	discount: Type.Integer({ ...Count, description: "What was let go of the items' prices" }),
	refunded: Sum,
	items: Type.Array(Item),
	note: nullable(Type.String()),
	createdAtMs: nullable(TimeMs),
	expiresAtMs: nullable(
		Type.Integer({ ...TimeMs, description: "Until when the customer may confirm it. Null: they need not" }),
	),
	expiresInMs: nullable(
		Type.Integer({
			...Count,
			description: "How long that is from now, whatever your clock says. Null: it does not wait",
		}),
	),
	refunds: Type.Array(Refund, { description: "The last hundred, oldest first; `refunded` is the sum of all" }),
});
