import { after, before } from "node:test";
import { ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import { MongoShortLived } from "../../services/auth/short-lived-mongo.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";
import { shortLivedConformance } from "./short-lived-conformance.ts";

describeOnMongo("short-lived facts on MongoDB", () => {
	let set: ReplicaSet;
	before(async () => {
		set = await ReplicaSet.start();
	});
	after(() => set.stop());

	shortLivedConformance("MongoDB", () => MongoShortLived.open(set.uri("short")));
});
