import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { NatsServer } from "../../scripts/cluster/nats-server.ts";
import { freeze, until } from "../../scripts/cluster/processes.ts";
import { ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import { type Running, startProcess } from "../api/process.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";

describeOnMongo("a process is ready while NATS and the database answer", () => {
	let set: ReplicaSet;
	let nats: NatsServer;
	let platform: Running;
	before(async () => {
		[set, nats] = [await ReplicaSet.start(), await NatsServer.start()];
		platform = await startProcess({ MONGODB_URI: set.uri("hannip"), TRANSPORTER: nats.uri });
	});
	after(async () => {
		platform?.child.kill("SIGKILL");
		await platform?.exited;
		await nats?.stop();
		await set?.stop();
	});

	const probe = async (name: string) => {
		const response = await fetch(new URL(name, platform.probesUrl));
		return `${response.status} ${(await response.text()).trim()}`;
	};
	const becomes = async (name: string, answer: string) => {
		await until(async () => (await probe(name)) === answer, `${name} is ${answer}`);
	};

	it("of NATS that is killed, and comes back", async () => {
		assert.equal(await probe("/ready"), "200 ok");
		await nats.kill();
		await becomes("/ready", "503 no answer from nats");
		assert.equal(await probe("/live"), "200 ok");
		assert.equal(await probe("/started"), "200 ok");
		await nats.restart();
		await becomes("/ready", "200 ok");
	});

	it("of NATS and a database that are there, and do not answer", async () => {
		const [member] = set.members;
		const pids = [Number(member?.process.pid), nats.pid];
		pids.forEach(freeze);
		await becomes("/ready", "503 no answer from nats, mongodb");
		assert.equal(await probe("/live"), "200 ok");
		for (const pid of pids) process.kill(pid, "SIGCONT");
		await becomes("/ready", "200 ok");
	});
});
