import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoggerConfig, ServiceBroker } from "moleculer";
import { startPlatform } from "../../main.ts";
import { brokerOptions, readSettings, type Settings } from "../../moleculer.config.ts";
import { internalRoutes } from "../../services/api/internal-routes.ts";
import { openApiOf, schemasOf } from "../../services/api/openapi.ts";
import { publicRoutes } from "../../services/api/routes.ts";
import { startApart } from "./apart.ts";
import { Client, OPERATOR_TOKEN, operatorAt, PUBLIC_ORIGIN } from "./client.ts";
import { Contract, type OpenApi } from "./contract.ts";
import { LogWatch } from "./log-watch.ts";

/** Tests ask more often than anybody. */
export const unlimited = {
	REQUESTS_PER_MINUTE_PERSON: "1000000000",
	REQUESTS_PER_MINUTE_TILL: "1000000000",
	REQUESTS_PER_MINUTE_ADDRESS: "1000000000",
};

/** On MongoDB someone must say what seals the keys, and what signs webhooks. */
export const secretsFor = ({ MONGODB_URI }: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
	OPERATOR_TOKEN,
	...(MONGODB_URI && {
		KEY_SECRET: "what seals the signing keys in tests",
		WEBHOOK_SECRET: "what the secrets of webhooks come from in tests",
	}),
});

export type TestPlatform = {
	readonly broker: ServiceBroker;
	/** Nobody's view of the public port. */
	readonly anyone: Client;
	readonly operator: Client;
	readonly probesUrl: string;
	stop(): Promise<void>;
};

/** Whether the services are in processes of their own. */
export const isApart = process.env.TEST_MONGODB_URI !== undefined;

/**
 * The whole platform on free ports, with nothing in it: in this process and on a data directory of its own, or with every service in a
 * process of its own where `npm test` says so (see `scripts/test-distributed.ts`).
 */
export async function startTestPlatform(env: NodeJS.ProcessEnv = {}): Promise<TestPlatform> {
	const { TEST_MONGODB_URI } = process.env;
	return TEST_MONGODB_URI === undefined ? startInside(env) : startApart(env, TEST_MONGODB_URI);
}

export const usual = { PUBLIC_ORIGIN, ...unlimited };
export const freePorts = { PORT: "0", INTERNAL_PORT: "0", PROBE_PORT: "0" };

async function startInside(env: NodeJS.ProcessEnv): Promise<TestPlatform> {
	const dataDir = mkdtempSync(join(tmpdir(), "hannip-api-"));
	const settings = readSettings({
		...usual,
		...freePorts,
		DATA_DIR: dataDir,
		LOG_LEVEL: "error",
		...secretsFor(env),
		...env,
	});
	const [options, watch] = [brokerOptions(settings), new LogWatch()];
	const { broker, urls, stop } = await startPlatform(settings, {
		...options,
		// Moleculer takes loggers beside their names; its types do not say so.
		logger: [options.logger, watch] as LoggerConfig[],
	});
	const clients = clientsOf(broker, settings, { public: String(urls.public), internal: String(urls.internal) });
	return {
		broker,
		...clients,
		probesUrl: urls.probes,
		async stop() {
			clients.anyone.close();
			clients.operator.close();
			await stop();
			rmSync(dataDir, { recursive: true, force: true });
			watch.finish();
		},
	};
}

export function clientsOf(
	broker: ServiceBroker,
	{ publicOrigin }: Settings,
	urls: { public: string; internal: string },
) {
	const contractOf = (routes: typeof publicRoutes) =>
		new Contract(
			JSON.parse(
				JSON.stringify(openApiOf(routes, schemasOf(broker), { server: publicOrigin, build: "" })),
			) as unknown as OpenApi,
		);
	return {
		anyone: new Client(urls.public, contractOf(publicRoutes)),
		operator: operatorAt(urls.internal, contractOf(internalRoutes)),
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
