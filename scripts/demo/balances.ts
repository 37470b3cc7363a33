import { STORE } from "./books.ts";
import { bodyOf } from "./client.ts";
import type { Day, Person, Shop } from "./day.ts";
import type { Step } from "./steps.ts";

export const balanceOf = async ({ client }: Person): Promise<number> =>
	bodyOf(await client.get<"user.me">("/v1/me")).balance;

export const storeBalance = async ({ owner, storeId }: Shop): Promise<number> =>
	Number(bodyOf(await owner.client.get<"store.get">(`/v1/stores/${storeId}`)).balance);

/** Asks the platform, and compares with the demo's own books. */
export async function expectBalance({ books }: Day, step: Step, person: Person): Promise<boolean> {
	return step.expect(`balance of ${person.displayName}`, await balanceOf(person), books.balanceOf(person.handle));
}

export async function expectStoreBalance({ books }: Day, step: Step, shop: Shop): Promise<boolean> {
	return step.expect("balance of the store", await storeBalance(shop), books.balanceOf(STORE));
}
