import { after, before } from "node:test";
import { MongoShortLived } from "../../services/auth/short-lived-mongo.ts";
import { describeOnMongo, ReplicaSet } from "../mongo/replica-set.ts";
import { shortLivedConformance } from "./short-lived-conformance.ts";

describeOnMongo("short-lived facts on MongoDB", () => {
	let set: ReplicaSet;
	before(async () => {
		set = await ReplicaSet.start();
	});
	after(() => set.stop());

	shortLivedConformance("MongoDB", () => MongoShortLived.open(set.uri("short")));
});
