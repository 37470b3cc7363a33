import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { adapterFor, type Documents } from "../../mixins/database.ts";
import { MEMBERS, type Member, memberIdOf, type Store } from "./counter.ts";
import { addStaff, listStaff, removeStaff } from "./staff.ts";

const dataDir = mkdtempSync(join(tmpdir(), "hannip-staff-"));
const adapter = adapterFor({ dataDir }, MEMBERS);
const members = adapter as unknown as Documents<Member>;
before(() => adapter.connect());
after(async () => {
	await adapter.disconnect();
	rmSync(dataDir, { recursive: true });
});

const storeOf = (name: string): Store => ({
	_id: name,
	ownerId: "u_owner",
	name,
	timeZone: "UTC",
	registration: null,
	place: null,
	createdAtMs: 1,
});
const person = (n: number) => ({ userId: `u_${n}`, handle: `staff.${n}` });

it("a store has room for a thousand people who sell; who does already is not refused, and whoever goes makes room", async () => {
	const store = storeOf("s_full");
	await members.insertMany(
		Array.from({ length: 999 }, (_, n) => {
			const member = { storeId: store._id, ...person(n), addedAtMs: n };
			return { ...member, _id: memberIdOf(member) };
		}),
	);
	await addStaff(members, store, person(999));
	await assert.rejects(addStaff(members, store, person(1_000)), { type: "too_many_staff" });
	assert.equal((await addStaff(members, store, person(7))).handle, "staff.7");
	await addStaff(members, storeOf("s_other"), person(1_000));
	await removeStaff(members, store, "staff.7");
	await addStaff(members, store, person(1_000));
	assert.equal((await listStaff(members, store)).length, 1_000);
});
