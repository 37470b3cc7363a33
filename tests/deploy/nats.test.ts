import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Context, ServiceBroker } from "moleculer";
import { connect, type NatsConnection } from "nats";
import { brokerOptions, readSettings, type ServiceName, serviceNames } from "../../moleculer.config.ts";
import { Cluster } from "../../scripts/cluster/cluster.ts";
import { NatsServer, type NatsUser } from "../../scripts/cluster/nats-server.ts";
import { isAt, needsOf, subjectsOf } from "../../scripts/deploy/nats-permissions.ts";
import { Client, PUBLIC_ORIGIN } from "../api/client.ts";
import { newPerson } from "../api/people.ts";
import { secretsFor } from "../api/platform.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";

describe("a real NATS server with these permissions", () => {
	let nats: NatsServer;
	const brokers = new Map<string, ServiceBroker>();
	/** Of each service, which of its actions were asked. */
	const asked: string[] = [];
	const calls = new Map<ServiceName, readonly string[]>(serviceNames.map((name) => [name, needsOf(name).calls]));
	const everyAction = [...new Set([...calls.values()].flat())].sort();

	const brokerOf = (service: ServiceName): ServiceBroker => {
		const transporter = nats.uriBy(nats.port, service);
		const env = { TRANSPORTER: transporter, MONGODB_URI: "mongodb://127.0.0.1/none", SERVICES: service };
		const settings = readSettings({ ...env, ...secretsFor(env) });
		const options = brokerOptions(settings, `${service}.test-1`);
		return new ServiceBroker({ ...options, circuitBreaker: { enabled: false }, logger: false });
	};
	before(async () => {
		nats = await NatsServer.start();
		for (const service of serviceNames) {
			const broker = brokerOf(service);
			const actions = everyAction
				.filter((name) => isAt(name, service))
				.map((name) => {
					const answer = (ctx: Context) => {
						asked.push(`${ctx.caller ?? ctx.nodeID} ${name}`);
						return name;
					};
					return { of: name.split(".")[0] as string, name: name.split(".")[1] as string, answer };
				});
			for (const name of new Set([service, ...actions.map(({ of }) => of)])) {
				const own = actions.filter(({ of }) => of === name).map(({ name, answer }) => [name, answer] as const);
				broker.createService({ name, actions: Object.fromEntries(own) });
			}
			brokers.set(service, broker);
		}
		await Promise.all([...brokers.values()].map((broker) => broker.start()));
		await Promise.all(
			[...brokers.values()].map((broker) => broker.waitForServices(serviceNames.filter((name) => name !== "api"))),
		);
	});
	after(async () => {
		await Promise.all([...brokers.values()].map((broker) => broker.stop()));
		await nats?.stop();
	});

	it("lets every service ask what it needs, of whom it needs it", async () => {
		for (const [service, names] of calls)
			for (const name of names) assert.equal(await brokers.get(service)?.call(name, {}, { timeout: 2_000 }), name);
		assert.deepEqual(nats.violations, []);
	});

	it("lets it ask nothing else: what it asks in spite of that arrives nowhere", async () => {
		asked.length = 0;
		const forbidden = [...calls].flatMap(([service, names]) =>
			everyAction.filter((name) => !isAt(name, service) && !names.includes(name)).map((name) => ({ service, name })),
		);
		assert.ok(forbidden.length > 200, `${forbidden.length}`);
		await Promise.all(
			forbidden.map(({ service, name }) =>
				assert.rejects(
					brokers.get(service)?.call(name, {}, { timeout: 300 }) as Promise<unknown>,
					`${service} ${name}`,
				),
			),
		);
		assert.deepEqual(asked, []);
		const refused = forbidden.filter(
			({ service, name }) =>
				!nats.violations.some((line) => line.includes(`.${name}"`) && line.includes(`user:${service}"`)),
		);
		assert.deepEqual(refused, [], "the server says of each that it refused it");
	});

	const connectAs = (user: NatsUser): Promise<NatsConnection> => {
		const { hostname, port, username, password } = new URL(nats.uriBy(nats.port, user));
		return connect({ servers: `${hostname}:${port}`, user: username, pass: password });
	};

	it("lets nobody hear what is said to another service, its passwords and codes above all", async () => {
		for (const service of serviceNames) {
			const connection = await connectAs(service);
			const foreign = serviceNames.filter((other) => other !== service).flatMap((other) => subjectsOf(other).subscribe);
			const own = subjectsOf(service).subscribe;
			for (const subject of [
				">",
				"MOL-hannip.>",
				"MOL-hannip.REQ.>",
				...foreign.filter((each) => !own.includes(each)),
			]) {
				const refused = await new Promise<boolean>((resolve) => {
					const full = subject.includes("MOL-hannip") || subject === ">" ? subject : `MOL-hannip.${subject}`;
					connection.subscribe(full, { callback: (error) => resolve(error !== null) });
					void connection.flush().then(() => sleep(50).then(() => resolve(false)));
				});
				assert.ok(refused, `${service} hears ${subject}`);
			}
			await connection.close();
		}
	});

	it("does not deliver a request under the name of another one: who receives it looks", async () => {
		asked.length = 0;
		const store = brokers.get("store") as ServiceBroker;
		const forged = { ver: "5", sender: "store.test-1", id: "forged", action: "credit.setState", params: {}, meta: {} };
		const packet = { ...forged, timeout: 500, level: 1, tracing: null, parentID: null, requestID: "x", caller: null };
		const send = (action: string) => {
			const { tx } = store.transit as unknown as { tx: { send(subject: string, data: Buffer): Promise<void> } };
			return tx.send("MOL-hannip.REQ.credit.test-1.credit.account", Buffer.from(JSON.stringify({ ...packet, action })));
		};
		await send("credit.setState");
		await send("credit.account");
		await sleep(200);
		assert.deepEqual(
			asked.map((each) => each.split(" ")[1]),
			["credit.account"],
		);
	});
});

describeOnMongo("the whole platform on these permissions", () => {
	it("sells, and nothing that it says is refused", async () => {
		const cluster = await Cluster.start({ members: 1, counts: { credit: 2 }, env: { PUBLIC_ORIGIN } });
		try {
			const anyone = new Client(cluster.publicUrl, null);
			const { api } = await newPerson(anyone, { credit: 700 });
			assert.equal((await api.ok("user.me", {})).balance, 700);
			anyone.close();
			assert.deepEqual(cluster.nats.violations, []);
		} finally {
			await cluster.stop();
		}
	});
});
