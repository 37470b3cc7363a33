import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { MongoClient } from "mongodb";
import { parse } from "yaml";
import { serviceNames } from "../../moleculer.config.ts";
import { HannipProcess } from "../../scripts/cluster/hannip-process.ts";
import { endWithUs, freePorts, hasEnded } from "../../scripts/cluster/processes.ts";
import { partPath } from "../../scripts/parts.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";

const root = join(import.meta.dirname, "../..");

/** What compose.yaml does before Hannip starts, done by the same scripts with the same servers, without containers. */
describeOnMongo("compose.yaml", () => {
	const { configs } = parse(readFileSync(join(root, "compose.yaml"), "utf8"), { merge: true }) as {
		configs: Record<string, { file: string }>;
	};
	let folder: string;
	let secrets: string;
	/** Where a script finds the driver. */
	let scripts: string;
	let ports: number[];
	let natsPort: number;
	const users = join(root, "k8s/base/nats/users.conf");
	const servers: ChildProcess[] = [];
	const secret = (name: string): string => readFileSync(join(secrets, name), "utf8");

	const runScript = async (name: string, ...args: string[]): Promise<number | null> => {
		const file = join(scripts, name);
		copyFileSync(join(root, configs[name]?.file ?? assert.fail(name)), file);
		const child = spawn(process.execPath, [file, ...args], { stdio: ["ignore", "ignore", "inherit"] });
		const [code] = (await once(child, "exit")) as [number | null];
		return code;
	};
	const startServer = (file: string, args: readonly string[]) => {
		const child = spawn(file, args, { stdio: "ignore" });
		endWithUs(child);
		servers.push(child);
	};
	const hosts = () => ports.map((port) => `127.0.0.1:${port}`).join(",");

	before(async () => {
		folder = mkdtempSync(join(tmpdir(), "hannip-compose-"));
		secrets = join(folder, "secrets");
		scripts = mkdtempSync(join(root, "node_modules", ".compose-"));
		mkdirSync(secrets);
		[natsPort = 0, ...ports] = await freePorts(4);
	});
	after(async () => {
		for (const server of servers) {
			const ended = once(server, "exit");
			server.ref();
			if (hasEnded(server)) continue;
			server.kill("SIGKILL");
			await ended;
		}
		rmSync(folder, { recursive: true, force: true });
		rmSync(scripts, { recursive: true, force: true });
	});

	it("makes secrets once, of which no two are the same", async () => {
		assert.equal(await runScript("secrets.mjs", secrets, users), 0);
		const names = ["key.secret", "webhook.secret", "operator.token", "mongo-root.password", "mongo-hannip.password"];
		const before = names.map(secret);
		assert.equal(new Set(before).size, names.length);
		for (const each of before) assert.ok(each.length >= 32);
		assert.equal(await runScript("secrets.mjs", secrets, users), 0);
		assert.deepEqual(names.map(secret), before);
	});

	it("makes what a service needs that is new since then, and leaves the others theirs", async () => {
		const names = readdirSync(secrets).filter((name) => name.startsWith("transporter."));
		assert.deepEqual(names.sort(), [...serviceNames, "operator"].map((name) => `transporter.${name}`).sort());
		const before = names.map(secret);
		rmSync(join(secrets, "transporter.hasher"));
		// Of a run that was cut off.
		writeFileSync(join(secrets, ".new"), "half of a", { mode: 0o440 });
		assert.equal(await runScript("secrets.mjs", secrets, users), 0);
		const kept = names.filter((name, index) => secret(name) === before[index]);
		assert.deepEqual(kept, names.toSpliced(names.indexOf("transporter.hasher"), 1));
		for (const name of names) {
			const { username, password } = new URL(secret(name));
			assert.ok(secret("passwords.conf").includes(`PASSWORD_${username.toUpperCase()}: "${password}"\n`), name);
		}
	});

	it("makes a replica set with users of which nobody else is let in, and finds it there the next time", async () => {
		// As the container does it before mongod starts.
		writeFileSync(join(folder, "mongo.key"), secret("mongod/mongo.key"), { mode: 0o400 });
		// It may be there first.
		const made = runScript("mongo-init.mjs", join(secrets, "mongo-init"), hosts());
		for (const port of ports) {
			const path = join(folder, String(port));
			mkdirSync(path);
			const auth = ["--replSet", "rs0", "--keyFile", join(folder, "mongo.key"), "--wiredTigerCacheSizeGB", "0.25"];
			startServer(partPath("mongod"), ["--port", String(port), "--bind_ip", "127.0.0.1", "--dbpath", path, ...auth]);
		}
		assert.equal(await made, 0);
		assert.equal(await runScript("mongo-init.mjs", join(secrets, "mongo-init"), hosts()), 0);
		const stranger = new MongoClient(`mongodb://${hosts()}/hannip?replicaSet=rs0`);
		await assert.rejects(stranger.db().collection("users").findOne({}), { codeName: "Unauthorized" });
		await stranger.close();
	});

	it("then has a Hannip that can work with what it made", async () => {
		startServer(partPath("nats-server"), [
			"-c",
			join(secrets, "nats", "nats.conf"),
			"-a",
			"127.0.0.1",
			"-p",
			String(natsPort),
		]);
		writeFileSync(
			join(folder, "transporter"),
			secret("transporter.operator").replace("nats:4222", `127.0.0.1:${natsPort}`),
		);
		const uri = secret("credit/mongodb.uri").replace("mongo-1,mongo-2,mongo-3", hosts());
		writeFileSync(join(folder, "mongodb.uri"), uri);
		const [publicPort = 0, internal = 0, probes = 0] = await freePorts(3);
		const hannip = new HannipProcess("hannip", {
			ports: { public: publicPort, internal, probes },
			env: {
				TRANSPORTER_FILE: join(folder, "transporter"),
				MONGODB_URI_FILE: join(folder, "mongodb.uri"),
				KEY_SECRET_FILE: join(secrets, "auth", "key.secret"),
				WEBHOOK_SECRET_FILE: join(secrets, "store", "webhook.secret"),
				OPERATOR_TOKEN_FILE: join(secrets, "api", "operator.token"),
			},
			logFile: join(folder, "hannip.log"),
		});
		await hannip.start();
		const authorization = `Bearer ${secret("operator.token")}`;
		const answer = await fetch(`http://127.0.0.1:${internal}/ledger`, { headers: { authorization } });
		assert.equal(answer.status, 200);
		assert.equal(await hannip.stop(), 0);
		const user = await MongoClient.connect(uri);
		await assert.rejects(user.db("other").collection("things").insertOne({}), { codeName: "Unauthorized" });
		await user.close();
	});
});
