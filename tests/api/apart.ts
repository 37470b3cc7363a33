import { readFileSync } from "node:fs";
import { MongoClient } from "mongodb";
import { startPlatform } from "../../main.ts";
import { readSettings } from "../../moleculer.config.ts";
import { Cluster } from "../../scripts/cluster/cluster.ts";
import { newKey } from "./client.ts";
import { refuseSecretsIn } from "./log-watch.ts";
import { clientsOf, freePorts, secretsFor, type TestPlatform, usual } from "./platform.ts";

/** Where a cluster of tests is, in a form that another process can be told. */
export type ClusterAddress = {
	readonly env: NodeJS.ProcessEnv;
	readonly natsUri: string;
	readonly urls: { readonly public: string; readonly internal: string };
	readonly probesUrl: string;
};

/** A process for each service, with nothing in it, on a database of its own. */
export class OwnCluster {
	readonly address: ClusterAddress;
	readonly #cluster: Cluster;

	private constructor(cluster: Cluster, env: NodeJS.ProcessEnv) {
		this.#cluster = cluster;
		const [gateway] = cluster.of("api");
		const urlOf = (port: number | undefined) => `http://127.0.0.1:${port}`;
		const { public: open, internal, probes } = gateway?.ports ?? {};
		const urls = { public: urlOf(open), internal: urlOf(internal) };
		this.address = { env, natsUri: cluster.nats.uri, urls, probesUrl: urlOf(probes) };
	}

	/** @param mongodbUri of a replica set, without a database */
	static async start(mongodbUri: string, wishes: NodeJS.ProcessEnv = {}): Promise<OwnCluster> {
		const shared = { MONGODB_URI: mongodbUri.replace("/?", `/t_${newKey()}?`), LOG_LEVEL: "debug" };
		const env = { ...usual, DRAIN_S: "0", ...shared, ...secretsFor(shared), ...wishes };
		return new OwnCluster(await Cluster.start({ mongodbUri: shared.MONGODB_URI, env }), env);
	}

	/** @throws when one of them has logged what nobody may read in a log */
	async stop(): Promise<void> {
		const logs = this.#cluster.processes.map(({ logFile }) => readFileSync(logFile, "utf8"));
		await this.#cluster.stop();
		const database = await MongoClient.connect(String(this.address.env.MONGODB_URI));
		await database.db().dropDatabase();
		await database.close();
		for (const log of logs) refuseSecretsIn(log);
	}
}

/** What the tests ask directly they ask of a process of `auth` of their own, beside the one that is there. */
export async function attach({ env, natsUri, urls, probesUrl }: ClusterAddress): Promise<TestPlatform> {
	const settings = readSettings({
		...env,
		...freePorts,
		SERVICES: "auth",
		TRANSPORTER: natsUri,
		LOG_LEVEL: "fatal",
	});
	const { broker, stop } = await startPlatform(settings);
	await broker.waitForServices(["user", "store", "credit"]);
	const clients = clientsOf(broker, settings, urls);
	return {
		broker,
		...clients,
		probesUrl,
		async stop() {
			clients.anyone.close();
			clients.operator.close();
			await stop();
		},
	};
}
