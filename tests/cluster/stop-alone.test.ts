import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster } from "../../scripts/cluster/cluster.ts";
import { until } from "../../scripts/cluster/processes.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";

describeOnMongo("processes that have lost everything else", () => {
	let cluster: Cluster;
	before(async () => {
		cluster = await Cluster.start({ members: 1 });
	});
	after(() => cluster?.stop());

	it("end when they are told to", async () => {
		const pids = cluster.processes.map(({ pid }) => Number(pid));
		for (const member of cluster.set?.members ?? []) await cluster.set?.kill(member);
		// Long enough for each to be in the middle of missing it.
		await sleep(3_000);
		await cluster.nats.kill();
		await sleep(3_000);
		for (const pid of pids) process.kill(pid, "SIGTERM");
		await until(async () => !pids.some(isThere), "all have ended");
		assert.ok(pids.length >= 6);
	});
});

function isThere(pid: number): boolean {
	try {
		return process.kill(pid, 0);
	} catch {
		return false;
	}
}
