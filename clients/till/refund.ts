import type { Result } from "../../services/actions.ts";
import { begin, resume, type Settled, type Way } from "../sdk/in-doubt.ts";
import type { Said } from "../sdk/request.ts";
import { call, isEnded, till } from "./shop.ts";

type Asked = Omit<Said<"store.refundSale">, "idempotencyKey"> & { readonly saleId: string };
type Refunded = Result<"store.refundSale">;
export type SettledRefund = Settled<Refunded>;

/** One at a time for each sale. */
const wayFor = (saleId: string, onDoubt: () => void): Way<Asked, Refunded> => ({
	name: `till.refund.${saleId}`,
	onDoubt,
	send: (said, asking) => call("store.refundSale", said, asking),
	isUntold: () => isEnded.value,
});

export const beginRefund = (wanted: Omit<Asked, "storeId">, onDoubt: () => void): Promise<SettledRefund> =>
	begin(wayFor(wanted.saleId, onDoubt), { storeId: till.value?.storeId ?? "", ...wanted });

export const resumeRefund = (saleId: string, onDoubt: () => void): Promise<SettledRefund | undefined> =>
	resume(wayFor(saleId, onDoubt));
