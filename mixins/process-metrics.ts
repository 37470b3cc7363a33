import { statfs } from "node:fs/promises";
import type { Settings } from "../moleculer.config.ts";
import type { Backing } from "./backing.ts";
import { watchCertificate } from "./certificate.ts";
import type { Metrics } from "./metrics.ts";
import { Patience } from "./mongo.ts";

/** The database is asked how full its disk is no more often than that. */
const DISK_EVERY_MS = 30_000;

type Known = { readonly settings: Settings; readonly backing: Backing };

/** What there is to know of a process, whatever services it runs: who it is, and how what it stands on is. */
export function measureProcess(metrics: Metrics, { settings, backing }: Known): void {
	const { version, services } = settings;
	metrics
		.gauge({ name: "hannip_build_info", help: "1, with what this process is", labelNames: ["version", "services"] })
		.set({ version, services: services.join(",") }, 1);
	metrics.gauge({
		name: "hannip_backing_up",
		help: "Whether what this process cannot work without answers: 1, or 0",
		labelNames: ["backing"],
		async collect() {
			const missing = await backing.missing();
			for (const name of backing.names) this.set({ backing: name }, missing.includes(name) ? 0 : 1);
		},
	});
	measureDisk(metrics, settings, backing);
	if (backing.mongo) measureReplicas(metrics, backing.mongo);
	if (services.includes("api")) watchCertificate(metrics, settings.publicOrigin);
}

type Disk = { readonly free: number; readonly size: number };

/** Below the ledger: of this machine, or of the database's. */
function measureDisk(metrics: Metrics, { dataDir }: Settings, { mongo }: Backing): void {
	let asked: { readonly atMs: number; readonly disk: Promise<Disk | null> } | undefined;
	const ask = async (): Promise<Disk> => {
		if (mongo) {
			const patience = new Patience(500);
			const database = await mongo.database(patience);
			const { fsUsedSize, fsTotalSize } = await database.command({ dbStats: 1 }, { timeoutMS: patience.leftMs });
			return { free: fsTotalSize - fsUsedSize, size: fsTotalSize };
		}
		const { bavail, blocks, bsize } = await statfs(dataDir);
		return { free: bavail * bsize, size: blocks * bsize };
	};
	const latest = () => {
		if (!asked || asked.atMs + DISK_EVERY_MS < Date.now()) asked = { atMs: Date.now(), disk: ask().catch(() => null) };
		return asked.disk;
	};
	for (const which of ["free", "size"] as const) {
		const help = `Of the disk that keeps the ledger: its ${which}, as far as that can be found out`;
		metrics.reads(`hannip_disk_${which}_bytes`, help, async () => (await latest())?.[which] ?? null);
	}
}

function measureReplicas(metrics: Metrics, mongo: NonNullable<Backing["mongo"]>): void {
	metrics.gauge({
		name: "hannip_mongodb_members",
		help: "Members of the replica set, by whether they answer this process",
		labelNames: ["state"],
		collect() {
			const lags = mongo.memberLagsMs();
			const up = lags.filter((lag) => lag !== null).length;
			this.set({ state: "up" }, up);
			this.set({ state: "down" }, lags.length - up);
		},
	});
	metrics.reads(
		"hannip_mongodb_replica_lag_seconds",
		"How far the slowest member that answers is behind the primary, to a few seconds",
		() => Math.max(0, ...mongo.memberLagsMs().map((lag) => lag ?? 0)) / 1_000,
	);
}
