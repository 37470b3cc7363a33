import type { Result } from "../../services/actions.ts";
import { begin, resume, type Settled, type Way } from "../sdk/in-doubt.ts";
import { call } from "./person.ts";

type Asked = { readonly storeId: string; readonly amount: number };
type PaidOut = Result<"store.payOut">;
export type SettledPayout = Settled<PaidOut>;

/** One at a time for each store. */
const wayFor = (storeId: string, onDoubt: () => void): Way<Asked, PaidOut> => ({
	name: `owner.payout.${storeId}`,
	onDoubt,
	send: (said, asking) => call("store.payOut", said, asking),
});

export const beginPayout = (asked: Asked, onDoubt: () => void): Promise<SettledPayout> =>
	begin(wayFor(asked.storeId, onDoubt), asked);

export const resumePayout = (storeId: string, onDoubt: () => void): Promise<SettledPayout | undefined> =>
	resume(wayFor(storeId, onDoubt));
