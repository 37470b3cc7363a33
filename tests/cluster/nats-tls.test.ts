import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { generate } from "selfsigned";
import { HannipProcess } from "../../scripts/cluster/hannip-process.ts";
import { NatsServer } from "../../scripts/cluster/nats-server.ts";
import { freePorts, until } from "../../scripts/cluster/processes.ts";
import { ReplicaSet } from "../../scripts/cluster/replica-set.ts";
import { Client, PUBLIC_ORIGIN } from "../api/client.ts";
import { newPerson } from "../api/people.ts";
import { secretsFor } from "../api/platform.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";

describeOnMongo("processes that find each other over TLS", () => {
	let folder: string;
	let set: ReplicaSet;
	let nats: NatsServer;
	const processes: HannipProcess[] = [];

	/** A certificate for loopback, which is its own authority. */
	const newCertificate = async (name: string) => {
		const { cert, private: key } = await generate([{ name: "commonName", value: "127.0.0.1" }], {
			extensions: [
				{ name: "basicConstraints", cA: true },
				// The client of NATS looks for names; where it has an address, for this one.
				{ name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] },
			],
		});
		const files = { certFile: join(folder, `${name}.crt`), keyFile: join(folder, `${name}.key`) };
		writeFileSync(files.certFile, cert);
		writeFileSync(files.keyFile, key, { mode: 0o600 });
		return files;
	};
	const newProcess = async (services: string, authority: string): Promise<HannipProcess> => {
		const [publicPort = 0, internal = 0, probes = 0] = await freePorts(3);
		const env = { MONGODB_URI: set.uri("hannip"), TRANSPORTER: nats.uri, SERVICES: services, PUBLIC_ORIGIN };
		const process = new HannipProcess(services, {
			ports: { public: publicPort, internal, probes },
			env: { ...env, ...secretsFor(env), NODE_EXTRA_CA_CERTS: authority },
			logFile: join(folder, `${processes.length}.log`),
		});
		processes.push(process);
		return process;
	};
	before(async () => {
		folder = mkdtempSync(join(tmpdir(), "hannip-tls-"));
		set = await ReplicaSet.start();
		nats = await NatsServer.start({ tls: await newCertificate("nats") });
	});
	after(async () => {
		await Promise.all(processes.map((process) => process.stop("SIGKILL")));
		await nats?.stop();
		await set?.stop();
		rmSync(folder, { recursive: true, force: true });
	});

	it("work with each other when they trust the certificate of NATS", async () => {
		const authority = join(folder, "nats.crt");
		const gateway = await newProcess("api", authority);
		const others = await newProcess("hasher,auth,user,credit,store", authority);
		await Promise.all([gateway.start(), others.start()]);
		const anyone = new Client(`http://127.0.0.1:${gateway.ports.public}`, null);
		const { api } = await newPerson(anyone, { credit: 700 });
		assert.equal((await api.ok("user.me", {})).balance, 700);
		anyone.close();
	});

	it("say why, and are not ready, when they do not", async () => {
		const { certFile } = await newCertificate("other");
		const stranger = await newProcess("auth", certFile);
		stranger.start().catch(() => {});
		await until(() => /certificate/i.test(readFileSync(stranger.logFile, "utf8")), "it says that it does not trust it");
		assert.equal(stranger.isReady, false);
	});
});
