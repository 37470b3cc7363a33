import { discountMaxPercentOf, mayDo } from "../../services/rights.ts";
import type { Outcome } from "../sdk/problem.ts";
import type { Said } from "../sdk/request.ts";
import { WalletClient } from "../sdk/wallet-client.ts";
import type { Seller } from "./shop.ts";

/** Somebody who sells with a log-in of their own, where no till is paired: what they may do is said by their role in the store. */
export const openPerson = (): Promise<WalletClient> => WalletClient.open();

/** The stores in which they may sell. */
export async function logIn(person: WalletClient, said: Said<"auth.login">): Promise<Outcome<readonly Seller[]>> {
	const done = await person.call("auth.login", said);
	if (!done.ok) return done;
	const found = await person.call("store.list", {});
	if (!found.ok) return found;
	const sellers = found.value.items.map(({ id, name, role }) => ({
		storeId: id,
		storeName: name,
		name: `@${said.handle}`,
		mayRefund: mayDo(role, "store.refundSale"),
		discountMaxPercent: discountMaxPercentOf(role, undefined),
	}));
	return { ...found, value: sellers };
}
