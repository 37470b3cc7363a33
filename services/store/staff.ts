import type { Documents } from "../../mixins/database.ts";
import { fail, failAt } from "../errors.ts";
import { type Member, memberIdOf, type Store } from "./counter.ts";

/** Of one store: all of them are one answer. */
const STAFF_MAX = 1_000;

type Person = { readonly userId: string; readonly handle: string };

/**
 * Several who are added at the same moment may get a few more in.
 *
 * @throws too_many_staff; validation_failed when it is the owner, who may do everything as it is
 */
export async function addStaff(members: Documents<Member>, store: Store, { userId, handle }: Person) {
	if (userId === store.ownerId) {
		throw failAt("handle", "is the owner's, who may sell anyway");
	}
	const member = { _id: memberIdOf({ storeId: store._id, userId }), storeId: store._id, userId, handle };
	const known = await members.findById(member._id);
	if (known) return view(known);
	if ((await members.count({ query: { storeId: store._id } })) >= STAFF_MAX) throw fail("too_many_staff");
	try {
		return view(await members.insert({ ...member, addedAtMs: Date.now() }));
	} catch (error) {
		const raced = await members.findById(member._id);
		if (!raced) throw error;
		return view(raced);
	}
}

export async function listStaff(members: Documents<Member>, { _id: storeId }: Store) {
	const found = await members.find({ query: { storeId }, sort: "addedAtMs", limit: STAFF_MAX });
	return found.map(view);
}

/** @throws not_found */
export async function removeStaff(members: Documents<Member>, { _id: storeId }: Store, handle: string): Promise<void> {
	if ((await members.removeMany({ storeId, handle })) === 0)
		throw fail("not_found", "Nobody with this handle may sell here");
}

const view = ({ handle, addedAtMs }: Member) => ({ handle, addedAtMs });
