import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster } from "../../scripts/cluster/cluster.ts";
import { inflict, readFaults } from "../../scripts/cluster/faults.ts";
import { Client, newKey } from "../api/client.ts";
import { EventStream } from "../api/event-stream.ts";
import { newPerson, type Person } from "../api/people.ts";
import { unlimited } from "../api/platform.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";

const FAULTS = `
	0 kill api-1
	0 stop api-2
	0 cut api-1 6
	0 kill credit-1
	0 kill nats 1
	0 kill api-1`;

describeOnMongo("a wallet's events, over several gateways", () => {
	let cluster: Cluster;
	let anyone: Client;
	let ada: Person;
	let bob: Person;
	before(async () => {
		const counts = { api: 2, credit: 2 };
		cluster = await Cluster.start({ counts, members: 1, isCuttable: true, env: unlimited });
		anyone = new Client(cluster.publicUrl, null, { origin: cluster.publicUrl });
		ada = await newPerson(anyone, { name: "Ada", credit: 1_000_000 });
		bob = await newPerson(anyone, { name: "Bob" });
	});
	after(async () => {
		anyone?.close();
		await cluster?.stop();
	});

	/** As a client does that knows of one gateway after the other. */
	const listen = async (from: string, told: number[], isEnough: () => boolean): Promise<number> => {
		let lastEventId = from;
		let opened = 0;
		for (let turn = 0; !isEnough(); turn++) {
			const gateways = cluster.of("api");
			const { ports } = gateways[turn % gateways.length] ?? assert.fail();
			const stream = await EventStream.open(bob.api, { lastEventId, port: ports.public }).catch(() => null);
			if (!stream) {
				await sleep(50);
				continue;
			}
			opened++;
			let seen = 0;
			while (!stream.isOver && !isEnough()) {
				await sleep(20);
				told.push(...stream.transactions.slice(seen).map(({ amount }) => amount));
				seen = stream.transactions.length;
			}
			told.push(...stream.transactions.slice(seen).map(({ amount }) => amount));
			lastEventId = stream.lastEventId ?? lastEventId;
			stream.close();
		}
		return opened;
	};

	/** Until it is known to be booked. */
	const send = async (amount: number): Promise<void> => {
		const said = { idempotencyKey: newKey(), to: bob.handle, amount };
		for (;;) {
			const answer = await ada.api.call("user.send", said).catch(() => null);
			if (answer?.status === 201) return;
			assert.ok(!answer || answer.status >= 500, answer?.text);
			await sleep(50);
		}
	};

	it("come once each and in their order, whatever is killed, cut off or stopped meanwhile", async () => {
		const { cursor } = await bob.api.ok("user.listEvents", {});
		const told: number[] = [];
		let sent = 0;
		let isPaying = true;
		const paying = (async () => {
			while (isPaying) await send(++sent);
		})();
		const isEnough = () => !isPaying && told.at(-1) === sent;
		const listening = listen(cursor, told, isEnough);
		while (told.length === 0) await sleep(20);
		for (const { fault } of readFaults(FAULTS)) await inflict(cluster, fault);
		isPaying = false;
		await paying;
		const opened = await listening;
		assert.ok(opened >= 3, `only ${opened} connections`);
		assert.deepEqual(
			told,
			Array.from({ length: sent }, (_, index) => index + 1),
		);
	});
});
