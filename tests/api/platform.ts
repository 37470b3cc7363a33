import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoggerConfig, ServiceBroker } from "moleculer";
import { startPlatform } from "../../main.ts";
import { brokerOptions, readSettings } from "../../moleculer.config.ts";
import { openApiOf, schemasOf } from "../../services/api/openapi.ts";
import { internalRoutes, publicRoutes } from "../../services/api/routes.ts";
import { Client, OPERATOR_TOKEN, operatorAt, PUBLIC_ORIGIN } from "./client.ts";
import { Contract, type OpenApi } from "./contract.ts";
import { LogWatch } from "./log-watch.ts";

/** Tests ask more often than anybody. */
export const unlimited = {
	REQUESTS_PER_MINUTE_PERSON: "1000000000",
	REQUESTS_PER_MINUTE_TILL: "1000000000",
	REQUESTS_PER_MINUTE_ADDRESS: "1000000000",
};

/** On MongoDB someone must say what seals the keys. */
export const secretsFor = ({ MONGODB_URI }: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
	OPERATOR_TOKEN,
	...(MONGODB_URI && { KEY_SECRET: "what seals the signing keys in tests" }),
});

export type TestPlatform = {
	readonly broker: ServiceBroker;
	/** Nobody's view of the public port. */
	readonly anyone: Client;
	readonly operator: Client;
	readonly probesUrl: string;
	stop(): Promise<void>;
};

/** The whole platform in this process, on free ports and a data directory of its own. */
export async function startTestPlatform(env: NodeJS.ProcessEnv = {}): Promise<TestPlatform> {
	const dataDir = mkdtempSync(join(tmpdir(), "hannip-api-"));
	const settings = readSettings({
		PORT: "0",
		INTERNAL_PORT: "0",
		PROBE_PORT: "0",
		DATA_DIR: dataDir,
		LOG_LEVEL: "error",
		PUBLIC_ORIGIN,
		...unlimited,
		...secretsFor(env),
		...env,
	});
	const [options, watch] = [brokerOptions(settings), new LogWatch()];
	const { broker, urls, stop } = await startPlatform(settings, {
		...options,
		// Moleculer takes loggers beside their names; its types do not say so.
		logger: [options.logger, watch] as LoggerConfig[],
	});
	const contractOf = (routes: typeof publicRoutes) =>
		new Contract(
			JSON.parse(JSON.stringify(openApiOf(routes, schemasOf(broker), settings.publicOrigin))) as unknown as OpenApi,
		);
	const anyone = new Client(String(urls.public), contractOf(publicRoutes));
	const operator = operatorAt(String(urls.internal), contractOf(internalRoutes));
	return {
		broker,
		anyone,
		operator,
		probesUrl: urls.probes,
		async stop() {
			anyone.close();
			operator.close();
			await stop();
			rmSync(dataDir, { recursive: true, force: true });
			watch.finish();
		},
	};
}

export type Books = { readonly sequence: number; readonly balances: Readonly<Record<string, number>> };

const systemAccounts = ["system:funding", "system:settlement", "system:fees", "system:adjustment"];

/** How far the log is, and what these accounts and the platform's own hold. */
export async function booksOf(operator: Client, accountIds: readonly string[]): Promise<Books> {
	const { sequence } = await operator.ok("credit.status", {});
	const balances: Record<string, number> = {};
	for (const accountId of [...accountIds, ...systemAccounts]) {
		balances[accountId] = (await operator.ok("credit.account", { accountId })).balance;
	}
	return { sequence, balances };
}

/** Makes tests of what must change nothing. @param books what stays as it was */
export const unchanging = (books: () => Promise<unknown>) => (work: () => Promise<void>) => async () => {
	const before = await books();
	await work();
	assert.deepEqual(await books(), before);
};
