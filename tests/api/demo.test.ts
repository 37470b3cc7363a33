import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, it, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startPlatform } from "../../main.ts";
import { readSettings } from "../../moleculer.config.ts";
import { NatsServer } from "../../scripts/cluster/nats-server.ts";
import { ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";
import { OPERATOR_TOKEN } from "./client.ts";
import { secretsFor } from "./platform.ts";
import { type Launched, launch, type Running, startProcess } from "./process.ts";

const demo = join(import.meta.dirname, "../../scripts/demo/demo.ts");

async function run(args: readonly string[]): Promise<{ code: number | null; output: string }> {
	const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", demo, ...args], {
		env: { ...process.env, OPERATOR_TOKEN, NO_COLOR: "1" },
	});
	const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
	const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
	return { code, output: out + err };
}

async function playTwiceOn(env: NodeJS.ProcessEnv): Promise<void> {
	const ports = { PORT: "0", INTERNAL_PORT: "0", PROBE_PORT: "0" };
	const platform = await startPlatform(readSettings({ ...ports, LOG_LEVEL: "error", ...secretsFor(env), ...env }));
	try {
		await playTwiceAt({ publicUrl: String(platform.urls.public), internalUrl: String(platform.urls.internal) });
	} finally {
		await platform.stop();
	}
}

async function playTwiceAt({ publicUrl, internalUrl }: Pick<Running, "publicUrl" | "internalUrl">): Promise<void> {
	const urls = ["--url", publicUrl, "--internal-url", internalUrl];
	for (const seed of ["1", "2"]) {
		const { code, output } = await run([...urls, "--customers", "3", "--sales", "6", "--seed", seed]);
		assert.equal(code, 0, output);
		assert.match(output, /Every step and the audit hold/);
	}
}

/** Of all but the gateway, whose end says what went wrong with the others. */
async function up(launched: Launched): Promise<void> {
	while (!launched.stdout().includes("Hannip is up")) {
		assert.equal(launched.child.exitCode, null, launched.stdout() + launched.stderr());
		await sleep(10);
	}
}

describe("the demo's day and its audit hold, twice on the same platform", () => {
	it("embedded", async () => {
		const dataDir = mkdtempSync(join(tmpdir(), "hannip-demo-"));
		await playTwiceOn({ DATA_DIR: dataDir });
		rmSync(dataDir, { recursive: true, force: true });
	});

	describeOnMongo("on MongoDB", () => {
		it("which is all that it writes to", async () => {
			const set = await ReplicaSet.start();
			try {
				await playTwiceOn({ MONGODB_URI: set.uri("hannip"), DATA_DIR: join(tmpdir(), "no-such-folder", "nor-this") });
			} finally {
				await set.stop();
			}
		});

		it("with each service in processes of its own, over NATS", async () => {
			const [set, nats] = [await ReplicaSet.start(), await NatsServer.start()];
			const env = { MONGODB_URI: set.uri("hannip"), TRANSPORTER: nats.uri };
			const processes = ["credit", "credit", "hasher", "auth", "user", "store"].map((SERVICES) =>
				launch({ ...env, SERVICES }),
			);
			try {
				await Promise.all(processes.map(up));
				const gateway = await startProcess({ ...env, SERVICES: "api" });
				processes.push(gateway);
				await playTwiceAt(gateway);
			} finally {
				for (const { child } of processes) child.kill("SIGKILL");
				await Promise.all(processes.map(({ exited }) => exited));
				await nats.stop();
				await set.stop();
			}
		});
	});
});

test("the demo says what to do when no platform answers", async () => {
	const { code, output } = await run(["--url", "http://127.0.0.1:9"]);
	assert.equal(code, 1);
	assert.match(output, /npm start/);
});
