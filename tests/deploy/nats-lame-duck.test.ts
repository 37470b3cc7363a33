import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context, ServiceBroker } from "moleculer";
import { connect, type NatsConnection } from "nats";
import { parse } from "yaml";
import { endWithUs, freePorts, until } from "../../scripts/cluster/processes.ts";
import type { PodSpec } from "../../scripts/deploy/manifests.ts";
import { partPath } from "../../scripts/parts.ts";
import { shippedBroker } from "../cluster/shipped-broker.ts";
import { itWith } from "./with-parts.ts";

// What happens to a client when Kubernetes ends a pod of NATS: first what `preStop` says, then SIGTERM.

const base = join(import.meta.dirname, "../../k8s/base/nats");
const settings = readFileSync(join(base, "nats.conf"), "utf8").match(/^lame_duck_.*$/gm) ?? [];
const { template } = (
	parse(readFileSync(join(base, "stateful-set.yaml"), "utf8")) as { spec: { template: { spec: PodSpec } } }
).spec;
const [container] = template.spec.containers;
const folder = mkdtempSync(join(tmpdir(), "hannip-lame-duck-"));
const started: ChildProcess[] = [];
let connection: NatsConnection | undefined;
const brokers: ServiceBroker[] = [];
afterEach(async () => {
	await connection?.close();
	await Promise.all(brokers.splice(0).map((broker) => broker.stop()));
	for (const child of started.splice(0)) child.kill("SIGKILL");
});
after(() => rmSync(folder, { recursive: true, force: true }));

function startServer(name: string, port: number, routes: number, other: number): ChildProcess {
	const file = join(folder, `${name}.conf`);
	const cluster = `cluster { name: hannip, listen: "127.0.0.1:${routes}", routes: ["nats://127.0.0.1:${other}"] }`;
	writeFileSync(file, [`listen: "127.0.0.1:${port}"`, cluster, ...settings].join("\n"));
	const child = spawn(partPath("nats-server"), ["-c", file, "-l", join(folder, `${name}.log`)], { stdio: "ignore" });
	endWithUs(child);
	started.push(child);
	return child;
}

/** As the kubelet does: in the container, where the server is process 1. */
function preStop(pid: number): void {
	const [program = "", ...args] = container?.lifecycle?.preStop?.exec?.command ?? [];
	assert.equal(program, "/nats-server", "nothing else is in the image");
	const { status, stderr } = spawnSync(
		partPath("nats-server"),
		args.map((each) => each.replace(/=1$/, `=${pid}`)),
		{ encoding: "utf8" },
	);
	assert.equal(status, 0, stderr);
}

itWith(["nats-server"], "a server that is ended tells its clients, serves on, and ends by itself", async () => {
	const [port = 0, otherPort = 0, routes = 0, otherRoutes = 0] = await freePorts(4);
	const ended = startServer("ended", port, routes, otherRoutes);
	const servers = [`127.0.0.1:${port}`, `127.0.0.1:${otherPort}`];
	const options = {
		servers,
		noRandomize: true,
		waitOnFirstConnect: true,
		reconnectTimeWait: 50,
		maxReconnectAttempts: -1,
	};
	const client = await connect(options);
	connection = client;
	startServer("other", otherPort, otherRoutes, routes);
	const heard: string[] = [];
	void (async () => {
		for await (const { type } of client.status()) heard.push(type);
	})();

	preStop(Number(ended.pid));
	await until(() => heard.some((type) => type !== "update"), "it is told more than who is there");
	ended.kill("SIGTERM");
	// Long enough for a server that takes SIGTERM at its word to close what it has.
	await sleep(300);
	await client.flush();
	const said = heard.filter((type) => type !== "update");
	assert.deepEqual([said, client.getServer(), ended.exitCode], [["ldm"], servers[0], null]);

	await until(() => ended.exitCode !== null, "it ends");
	assert.equal(ended.exitCode, 0, "it ends by itself, when its last client was sent away");
	await until(() => client.getServer() === servers[1], "the client is at the other one");
	await client.flush();
});

itWith(
	["nats-server"],
	"no call between processes is lost, or made twice, when one server after the other is replaced",
	async () => {
		const [ports, routes] = [await freePorts(2), await freePorts(2)];
		const start = (n: 0 | 1) =>
			startServer(`replaced-${n}`, Number(ports[n]), Number(routes[n]), Number(routes[1 - n]));
		const servers = [start(0), start(1)];
		for (const port of ports) await (await connect({ port, waitOnFirstConnect: true })).close();
		const uri = ports.map((port) => `nats://127.0.0.1:${port}`).join();
		const done = new Map<unknown, number>();
		const names = ["caller", "one", "two", "three"];
		brokers.push(...names.map((name) => shippedBroker(name, uri)));
		const [caller = assert.fail(), ...others] = brokers;
		for (const broker of others) {
			// Nobody may make these twice.
			const once = async ({ params }: Context<{ id: number }>) => {
				done.set(params.id, (done.get(params.id) ?? 0) + 1);
				await sleep(5);
			};
			broker.createService({ name: "edits", actions: { once } });
		}
		await Promise.all(brokers.map((broker) => broker.start()));
		await until(() => caller.registry.getActionEndpoints("edits.once")?.count() === 3, "all are known");

		let isOver = false;
		let called = 0;
		const failures: unknown[] = [];
		const callAndCall = async () => {
			while (!isOver)
				await caller.call("edits.once", { id: called++ }, { timeout: 3_000 }).catch((error) => failures.push(error));
		};
		const calling = Array.from({ length: 16 }, callAndCall);
		for (const n of [0, 1] as const) {
			preStop(Number(servers[n]?.pid));
			await until(() => servers[n]?.exitCode === 0, "it has sent all its clients away");
			servers[n] = start(n);
			// They move to it only if it is there.
			await (await connect({ port: Number(ports[n]), waitOnFirstConnect: true })).close();
		}
		isOver = true;
		await Promise.all(calling);
		assert.deepEqual(failures, []);
		assert.deepEqual([done.size, [...done.values()].filter((times) => times !== 1)], [called, []]);
	},
);

it("it has ended by itself before Kubernetes kills it", () => {
	const [graceS, durationS] = ["grace_period", "duration"].map((name) =>
		Number(new RegExp(`lame_duck_${name}: "(\\d+)s"`).exec(settings.join("\n"))?.[1]),
	);
	assert.ok(Number(graceS) + Number(durationS) + 10 <= Number(template.spec.terminationGracePeriodSeconds));
});
