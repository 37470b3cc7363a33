import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type NatsConnection } from "nats";
import { parse } from "yaml";
import { endWithUs, freePorts, until } from "../../scripts/cluster/processes.ts";
import type { PodSpec } from "../../scripts/deploy/manifests.ts";
import { partPath } from "../../scripts/parts.ts";
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
afterEach(async () => {
	await connection?.close();
	for (const child of started) child.kill("SIGKILL");
	rmSync(folder, { recursive: true, force: true });
});

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

it("it has ended by itself before Kubernetes kills it", () => {
	const [graceS, durationS] = ["grace_period", "duration"].map((name) =>
		Number(new RegExp(`lame_duck_${name}: "(\\d+)s"`).exec(settings.join("\n"))?.[1]),
	);
	assert.ok(Number(graceS) + Number(durationS) + 10 <= Number(template.spec.terminationGracePeriodSeconds));
});
