import type { Db, Document } from "mongodb";

/** What the server was asked in this database meanwhile, by whomever, as its profiler notes it. */
export async function profiled(db: Db, ask: () => Promise<unknown>): Promise<Document[]> {
	await db.command({ profile: 2 });
	await ask();
	await db.command({ profile: 0 });
	const profile = db.collection("system.profile");
	const asked = await profile.find({ ns: { $ne: `${db.databaseName}.system.profile` } }).toArray();
	await profile.drop();
	return asked;
}
