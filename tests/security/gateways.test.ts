import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { NatsServer } from "../../scripts/cluster/nats-server.ts";
import { until } from "../../scripts/cluster/processes.ts";
import { ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import { Client, newKey } from "../api/client.ts";
import { newPerson, newShop, newTill, type Person, type Shop, type Till } from "../api/people.ts";
import { type Launched, launch, type Running, startProcess } from "../api/process.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";

const LIMIT = 2_000;

const AT_ONCE = 30;

describeOnMongo("two gateways, in processes of their own, are one", () => {
	let set: ReplicaSet;
	let nats: NatsServer;
	const processes: Launched[] = [];
	let gateways: readonly Client[] = [];
	let ada: Person;
	let shop: Shop;
	let till: Till;
	before(async () => {
		[set, nats] = [await ReplicaSet.start(), await NatsServer.start()];
		const env = {
			MONGODB_URI: set.uri("hannip"),
			TRANSPORTER: nats.uri,
			REQUESTS_PER_MINUTE_PERSON: String(LIMIT),
			LOG_LEVEL: "info",
		};
		const behind = ["auth", "auth", "hasher,credit,user,store"].map((SERVICES) => launch({ ...env, SERVICES }));
		processes.push(...behind);
		for (const { stdout } of behind) await until(() => stdout().includes("Hannip is up"), "a process is up");
		const started: Running[] = [];
		for (const _ of [1, 2]) started.push(await startProcess({ ...env, SERVICES: "api" }));
		processes.push(...started);
		gateways = started.map(({ publicUrl }) => new Client(publicUrl, null));
		ada = await newPerson(gateways[0] as Client, { credit: 1_000 });
		shop = await newShop(ada);
		till = await newTill(gateways[0] as Client, shop);
	});
	after(async () => {
		for (const gateway of gateways) gateway.close();
		for (const { child } of processes) child.kill("SIGKILL");
		await Promise.all(processes.map(({ exited }) => exited));
		await nats?.stop();
		await set?.stop();
	});

	const at = (index: number): Client => gateways[index % gateways.length] ?? assert.fail();
	const asAda = (index: number) => at(index).from(ada.prover, ada.accessToken);

	it("what one of them has issued is good at the other one: token, nonce, till", async () => {
		assert.equal((await asAda(1).ok("user.charge", { amount: 1 })).amount, 1);
		const { items } = await at(1).from(till.signer, till.accessToken).ok("store.listProducts", { storeId: shop.id });
		assert.equal(items.length, 1);
	});

	it("a proof that comes 64 times at once is accepted once", async () => {
		for (let round = 0; round < 5; round++) {
			const wire = { method: "GET", path: "/v1/me" };
			const headers = await ada.api.proofOf(wire);
			const answers = await Promise.all(Array.from({ length: 64 }, (_, index) => at(index).raw({ ...wire, headers })));
			const counts = [200, 401].map((status) => answers.filter((answer) => answer.status === status).length);
			assert.deepEqual(counts, [1, 63]);
		}
	});

	it("a till's signature that comes 64 times at once is accepted once", async () => {
		for (let round = 0; round < 5; round++) {
			const wire = { method: "GET", path: `/v1/stores/${shop.id}/products` };
			const headers = await till.api.proofOf(wire);
			const answers = await Promise.all(Array.from({ length: 64 }, (_, index) => at(index).raw({ ...wire, headers })));
			const counts = [200, 401].map((status) => answers.filter((answer) => answer.status === status).length);
			assert.deepEqual(counts, [1, 63]);
		}
	});

	it("the same charge 64 times at once, each with a proof of its own, is one charge, and all get its answer", async () => {
		const { balance } = await asAda(0).ok("user.me", {});
		const idempotencyKey = newKey();
		const answers = await Promise.all(
			Array.from({ length: 64 }, (_, index) => asAda(index).call("user.charge", { idempotencyKey, amount: 5 })),
		);
		for (const { status, body } of answers) assert.deepEqual([status, body], [201, answers[0]?.body]);
		assert.equal((await asAda(1).ok("user.me", {})).balance, balance + 5);
	});

	it("a session that was ended at one of them, and a till that was revoked, are over at once at the other one", async () => {
		const eve = await newPerson(at(0), { name: "Eve" });
		const phone = at(1).from(eve.prover, eve.accessToken);
		await phone.ok("user.me", {});
		await eve.api.ok("auth.logout", {});
		await phone.refused("user.me", {}, "unauthenticated");
		const counter = await newTill(at(0), shop);
		const elsewhere = at(1).from(counter.signer, counter.accessToken);
		await elsewhere.ok("store.listProducts", { storeId: shop.id });
		await ada.api.ok("store.revokeTill", { storeId: shop.id, tillId: counter.id });
		await elsewhere.refused("store.listProducts", { storeId: shop.id }, "unauthenticated");
	});

	it("count requests together, say how many are left, and refuse the rest until when they say", async () => {
		const bob = await newPerson(at(0), { name: "Bob" });
		const ask = (index: number) => at(index).from(bob.prover, bob.accessToken).call("user.me", {});
		const first = await ask(0);
		assert.equal(first.headers["ratelimit-policy"], `"default";q=${LIMIT};w=60`);
		const left = Number(/r=(\d+)/.exec(String(first.headers.ratelimit))?.[1]);
		assert.ok(left > 0 && left < LIMIT);
		const statuses = new Map<number, number>();
		// So few at once that nobody is refused because there are too many.
		for (let sent = 0; sent < left + 100; sent += AT_ONCE) {
			const size = Math.min(AT_ONCE, left + 100 - sent);
			for (const { status, headers } of await Promise.all(Array.from({ length: size }, (_, index) => ask(index)))) {
				statuses.set(status, (statuses.get(status) ?? 0) + 1);
				if (status === 429) assert.match(String(headers["retry-after"]), /^([1-9]|[1-5]\d|60)$/);
			}
		}
		const [passed = 0, refused = 0] = [statuses.get(200), statuses.get(429)];
		assert.equal(passed + refused, left + 100);
		// Never one too many. Of those that ask in the moment in which the last one is used up, some may be refused too early.
		assert.ok(passed <= left && passed > left * 0.9, `${passed} of ${left}`);
	});
});
