import type { Result } from "../../services/actions.ts";
import { begin, resume, type Settled, type Way } from "../sdk/in-doubt.ts";
import { isRefusal, type Problem } from "../sdk/problem.ts";
import type { Said } from "../sdk/request.ts";
import { call, isEnded, till } from "./shop.ts";

type Asked = Omit<Said<"store.refundSale">, "idempotencyKey"> & { readonly saleId: string };
type Refunded = Result<"store.refundSale">;
export type SettledRefund = Settled<Refunded>;

/** One at a time for each sale. */
const wayFor = (saleId: string, onDoubt: () => void): Way<Asked, Refunded> => ({
	name: `till.refund.${saleId}`,
	onDoubt,
	async send(said, asking) {
		const outcome = await call("store.refundSale", said, asking);
		return outcome.ok || !isAboutWhoAsks(outcome.problem) ? outcome : ((await madeBefore(said)) ?? outcome);
	},
	isUntold: () => isEnded.value,
});

export const beginRefund = (wanted: Omit<Asked, "storeId">, onDoubt: () => void): Promise<SettledRefund> =>
	begin(wayFor(wanted.saleId, onDoubt), { storeId: till.value?.storeId ?? "", ...wanted });

export const resumeRefund = (saleId: string, onDoubt: () => void): Promise<SettledRefund | undefined> =>
	resume(wayFor(saleId, onDoubt));

const isAboutWhoAsks = ({ code }: Problem): boolean => code === "forbidden" || code === "not_found";

/** Who may not refund any more is refused before the ledger is asked: that says nothing of what was sent before. */
async function madeBefore({ storeId, saleId, idempotencyKey }: Asked & { readonly idempotencyKey: string }) {
	const asked = await call("store.getSale", { storeId, saleId });
	if (!asked.ok) return isRefusal(asked.problem) ? undefined : asked;
	const refund = asked.value.refunds.find(({ id }) => id.endsWith(`.${idempotencyKey}`));
	return refund && { ...asked, value: { refund, sale: asked.value } };
}
