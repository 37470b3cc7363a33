import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { backingOf } from "./mixins/backing.ts";
import { watchClock } from "./mixins/clock-watch.ts";
import { openDataDir } from "./mixins/data-dir.ts";
import { metricsOf } from "./mixins/metrics.ts";
import { startProbes } from "./mixins/probes.ts";
import { processService } from "./mixins/process.ts";
import { measureProcess } from "./mixins/process-metrics.ts";
import { tellDatabase } from "./mixins/tell-database.ts";
import { tracesOf, tracesService } from "./mixins/traces.ts";
import { brokerOptions, keepsAnything, readSettings, type Settings } from "./moleculer.config.ts";
import type { Gateway } from "./services/api/gateway.ts";

export type Platform = {
	readonly broker: ServiceBroker;
	/** Where the ports really are; they differ from the settings where those say 0. */
	readonly urls: { readonly public: string | null; readonly internal: string | null; readonly probes: string };
	stop(): Promise<void>;
	/** Resolves when an operator asks this process to end. */
	readonly drained: Promise<void>;
};

type ServiceFactory = (settings: Settings) => ServiceSchema | readonly ServiceSchema[];

/** Starts the services that the settings name, in this process. @throws with a clear message; then nothing is left running */
export async function startPlatform(settings: Settings, options = brokerOptions(settings)): Promise<Platform> {
	const factories = await Promise.all(settings.services.map(loadService));
	const dataDir = settings.mongodbUri || !keepsAnything(settings) ? null : openDataDir(settings.dataDir);
	const broker = new ServiceBroker(options);
	const backing = backingOf(broker, settings);
	const clock = watchClock(broker, backing.mongo);
	const tellNoMore = tellDatabase(broker, backing);
	const { promise: drainAsked, resolve: askToDrain } = Promise.withResolvers<void>();
	const stop = async () => {
		probes?.startStopping();
		clock.stop();
		tellNoMore();
		await emptied(broker, settings);
		// What the gateways still answer needs the services behind them.
		await Promise.all(gatewaysOf(broker).map((gateway) => gateway.close()));
		await broker.stop();
		await backing.close();
		await probes?.close();
		dataDir?.release();
	};
	let probes: Awaited<ReturnType<typeof startProbes>> | undefined;
	try {
		const metrics = metricsOf(broker);
		if (metrics) measureProcess(metrics, { settings, backing });
		probes = await startProbes(settings, { backing, metrics });
		const schemas = factories.flatMap((factory) => factory(settings));
		if (!settings.transporter) refuseLonely(schemas);
		for (const schema of schemas) broker.createService(schema);
		if (tracesOf(broker)) broker.createService(tracesService);
		broker.createService(processService(broker, askToDrain));
		await broker.start();
		for (const gateway of gatewaysOf(broker)) await gateway.open();
		probes.started();
	} catch (error) {
		await stop();
		throw error;
	}
	return { broker, urls: { ...urlsOf(broker), probes: probes.url }, stop, drained: drainAsked };
}

async function loadService(name: string): Promise<ServiceFactory> {
	const file = pathToFileURL(`${import.meta.dirname}/services/${name}/${name}.service.ts`);
	return ((await import(file.href)) as { default: ServiceFactory }).default;
}

/** Without a transporter, a service that needs one which is not here would wait for ever. @throws with both names */
function refuseLonely(schemas: readonly ServiceSchema[]): void {
	const names = new Set(schemas.map(({ name }) => name));
	for (const { name, dependencies = [] } of schemas) {
		const missing = [dependencies].flat().filter((needed) => typeof needed === "string" && !names.has(needed));
		if (missing.length > 0) throw new Error(`SERVICES lacks ${missing.join(", ")}, which ${name} needs`);
	}
}

/** Until nobody sends anything here any more: whoever balances has seen that this process is not ready, and clients have other connections. */
async function emptied(broker: ServiceBroker, { drainS }: Settings): Promise<void> {
	const open = gatewaysOf(broker).filter(({ url }) => url);
	for (const gateway of open) gateway.drain();
	if (open.length > 0) await sleep(drainS * 1_000);
}

const gatewaysOf = (broker: ServiceBroker): Gateway[] =>
	["api", "internal"].flatMap((name) => (broker.getLocalService(name) as unknown as Gateway | undefined) ?? []);

function urlsOf(broker: ServiceBroker) {
	const [publicGateway, internal] = gatewaysOf(broker);
	return { public: publicGateway?.url ?? null, internal: internal?.url ?? null };
}

async function main(): Promise<void> {
	const platform = await startPlatform(readSettings(process.env));
	const { broker, urls } = platform;
	const logger = broker.getLogger("hannip");
	logger.info(`Hannip is up. Public: ${urls.public}  Internal: ${urls.internal}  Probes: ${urls.probes}`);
	let stopping = false;
	const stop = (why: string) => {
		if (stopping) return;
		stopping = true;
		logger.info(`${why}: finishing what was begun …`);
		platform.stop().then(
			() => process.exit(0),
			(error: unknown) => fatal(error),
		);
	};
	for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop(signal));
	void platform.drained.then(() => stop("An operator asked for it"));
}

function fatal(error: unknown): never {
	const { message, code } = error as Error & { code?: string };
	const hint = code === "EADDRINUSE" ? " Another program uses this port: set PORT, INTERNAL_PORT or PROBE_PORT." : "";
	console.error(`hannip: ${message}${hint}`);
	process.exit(1);
}

if (import.meta.main) main().catch(fatal);
