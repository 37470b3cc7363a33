import { readFileSync } from "node:fs";
import { MongoClient } from "mongodb";
import { startPlatform } from "../../main.ts";
import { readSettings } from "../../moleculer.config.ts";
import { Cluster } from "../../scripts/cluster/cluster.ts";
import { newKey } from "./client.ts";
import { refuseSecretsIn } from "./log-watch.ts";
import { clientsOf, freePorts, secretsFor, type TestPlatform, usual } from "./platform.ts";

/**
 * A process for each service, on a database of its own. What the tests ask directly they ask of a process of `auth` of their own, beside the
 * one that is there.
 *
 * @param mongodbUri of a replica set, without a database
 */
export async function startApart(env: NodeJS.ProcessEnv, mongodbUri: string): Promise<TestPlatform> {
	const shared = { MONGODB_URI: mongodbUri.replace("/?", `/t_${newKey()}?`), LOG_LEVEL: "debug" };
	const all = { ...usual, DRAIN_S: "0", ...shared, ...secretsFor(shared), ...env };
	const cluster = await Cluster.start({ mongodbUri: shared.MONGODB_URI, env: all });
	const settings = readSettings({
		...all,
		...freePorts,
		SERVICES: "auth",
		TRANSPORTER: cluster.nats.uri,
		LOG_LEVEL: "fatal",
	});
	const { broker, stop } = await startPlatform(settings);
	await broker.waitForServices(["hasher", "user", "store", "credit"]);
	const [gateway] = cluster.of("api");
	const clients = clientsOf(broker, settings, {
		public: `http://127.0.0.1:${gateway?.ports.public}`,
		internal: `http://127.0.0.1:${gateway?.ports.internal}`,
	});
	return {
		broker,
		...clients,
		probesUrl: `http://127.0.0.1:${gateway?.ports.probes}`,
		async stop() {
			clients.anyone.close();
			clients.operator.close();
			await stop();
			const logs = cluster.processes.map(({ logFile }) => readFileSync(logFile, "utf8"));
			await cluster.stop();
			const database = await MongoClient.connect(shared.MONGODB_URI);
			await database.db().dropDatabase();
			await database.close();
			for (const log of logs) refuseSecretsIn(log);
		},
	};
}
