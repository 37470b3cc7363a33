import type { Context } from "moleculer";
import type { Collection, Documents } from "../../mixins/database.ts";
import { type Meta, whoAsks } from "../actions.ts";
import { fail } from "../errors.ts";
import { mayDo, type Reachable, type Role } from "../rights.ts";

export type Store = {
	readonly _id: string;
	readonly ownerId: string;
	readonly name: string;
	readonly timeZone: string;
	/** For receipts. */
	readonly registration: string | null;
	readonly place: string | null;
	readonly createdAtMs: number;
};

/** Of one person. Places that are shared by stores, as those for sending webhooks, are worth nothing if anybody can have any number of them. */
const STORES_PER_PERSON_MAX = 100;

/** Several that are opened at the same moment may get a few more in. @throws too_many_stores */
export async function checkStoreRoom(stores: Documents<Store>, ownerId: string): Promise<void> {
	if ((await stores.count({ query: { ownerId } })) >= STORES_PER_PERSON_MAX) throw fail("too_many_stores");
}

/** Somebody who sells in a store that is not theirs. */
export type Member = {
	/** `storeId:userId`: nobody is a member twice. */
	readonly _id: string;
	readonly storeId: string;
	readonly userId: string;
	readonly handle: string;
	readonly addedAtMs: number;
};

/** Listed by when they came, and removed by their handle. */
export const MEMBERS: Collection = {
	collection: "members",
	indexes: [{ fields: ["userId"] }, { fields: ["storeId", "addedAtMs"] }, { fields: ["storeId", "handle"] }],
};

export const memberIdOf = ({ storeId, userId }: { storeId: string; userId: string }): string => `${storeId}:${userId}`;

export type Entered = { readonly store: Store; readonly role: Role };

type Collections = { readonly stores: Documents<Store>; readonly members: Documents<Member> };

/**
 * Lets a caller into a store, to do what the action does: see `rights`.
 *
 * @throws not_found to whom the store is nothing, so that they do not learn that it exists; forbidden to who is in it, but may not do this
 */
export async function enterStore(
	ctx: Context<{ storeId: string }, Meta>,
	{ stores, members }: Collections,
): Promise<Entered> {
	const { storeId } = ctx.params;
	const store = await stores.findById(storeId);
	const role = store && (await roleIn(ctx, store, members));
	if (!role) throw fail("not_found");
	if (!mayDo(role, ctx.action?.name as Reachable)) throw fail("forbidden");
	return { store, role };
}

async function roleIn(
	ctx: Context<unknown, Meta>,
	store: Store,
	members: Documents<Member>,
): Promise<Role | undefined> {
	const caller = whoAsks(ctx);
	const { _id: storeId, ownerId } = store;
	if (caller.kind === "till") {
		if (caller.storeId !== storeId) return undefined;
		return caller.mayRefund ? "refundingTill" : "till";
	}
	if (caller.userId === ownerId) return "owner";
	return (await members.findById(memberIdOf({ storeId, userId: caller.userId }))) ? "staff" : undefined;
}
