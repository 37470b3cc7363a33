import { pathToFileURL } from "node:url";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { openDataDir } from "./mixins/data-dir.ts";
import { startProbes } from "./mixins/probes.ts";
import { brokerOptions, readSettings, type Settings } from "./moleculer.config.ts";

export type Platform = {
	readonly broker: ServiceBroker;
	/** Where the ports really are; they differ from the settings where those say 0. */
	readonly urls: { readonly public: string | null; readonly internal: string | null; readonly probes: string };
	stop(): Promise<void>;
};

type ServiceFactory = (settings: Settings) => ServiceSchema | readonly ServiceSchema[];

/** Starts the services that the settings name, in this process. @throws with a clear message; then nothing is left running */
export async function startPlatform(settings: Settings): Promise<Platform> {
	const factories = await Promise.all(settings.services.map(loadService));
	const dataDir = openDataDir(settings.dataDir);
	const broker = new ServiceBroker(brokerOptions(settings));
	const stop = async () => {
		probes?.startStopping();
		// The gateways first: what they still answer needs the services behind them.
		const gateways = ["api", "internal"].flatMap((name) => broker.getLocalService(name) ?? []);
		await Promise.all(gateways.map((service) => broker.destroyService(service)));
		await broker.stop();
		await probes?.close();
		dataDir.release();
	};
	let probes: Awaited<ReturnType<typeof startProbes>> | undefined;
	try {
		probes = await startProbes(settings);
		for (const schema of factories.flatMap((factory) => factory(settings))) broker.createService(schema);
		await broker.start();
		probes.started();
	} catch (error) {
		await stop();
		throw error;
	}
	return { broker, urls: { ...urlsOf(broker), probes: probes.url }, stop };
}

async function loadService(name: string): Promise<ServiceFactory> {
	const file = pathToFileURL(`${import.meta.dirname}/services/${name}/${name}.service.ts`);
	return ((await import(file.href)) as { default: ServiceFactory }).default;
}

function urlsOf(broker: ServiceBroker) {
	const urlOf = (name: string) => (broker.getLocalService(name) as { url?: string } | undefined)?.url ?? null;
	return { public: urlOf("api"), internal: urlOf("internal") };
}

async function main(): Promise<void> {
	const platform = await startPlatform(readSettings(process.env));
	const { broker, urls } = platform;
	broker.logger.info(`Hannip is up. Public: ${urls.public}  Internal: ${urls.internal}  Probes: ${urls.probes}`);
	let stopping = false;
	for (const signal of ["SIGINT", "SIGTERM"] as const) {
		process.on(signal, () => {
			if (stopping) return;
			stopping = true;
			broker.logger.info(`${signal}: finishing what was begun …`);
			platform.stop().then(
				() => process.exit(0),
				(error: unknown) => fatal(error),
			);
		});
	}
}

function fatal(error: unknown): never {
	const { message, code } = error as Error & { code?: string };
	const hint = code === "EADDRINUSE" ? " Another program uses this port: set PORT, INTERNAL_PORT or PROBE_PORT." : "";
	console.error(`hannip: ${message}${hint}`);
	process.exit(1);
}

if (import.meta.main) main().catch(fatal);
