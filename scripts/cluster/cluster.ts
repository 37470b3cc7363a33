import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keepsAnything, type ServiceName, serviceNames } from "../../moleculer.config.ts";
import { Balancer } from "./balancer.ts";
import { CpuQuota } from "./cpu-quota.ts";
import { HannipProcess } from "./hannip-process.ts";
import { Link } from "./link.ts";
import { NatsServer } from "./nats-server.ts";
import { freePorts } from "./processes.ts";
import { ReplicaSet } from "./replica-set.ts";

export type Counts = Readonly<Record<ServiceName, number>>;

export type ClusterOptions = {
	/** How many processes each service has. */
	readonly counts?: Partial<Counts>;
	/** Of the replica set. */
	readonly members?: 1 | 3;
	/** Whether these can be cut off. */
	readonly isCuttable?: boolean;
	/** Where all public gateways are, and all internal ones; any that are free if left out. */
	readonly ports?: { readonly public: number; readonly internal: number };
	readonly env?: NodeJS.ProcessEnv;
	/** A replica set that is there already, and stays. */
	readonly mongodbUri?: string;
	/** Each process, or those of some services, may take so many thousandths of a core, as a container with a CPU limit. */
	readonly milliCpu?: number | Partial<Record<ServiceName, number>>;
};

/** For who keeps nothing. */
const withoutDatabase = ({ MONGODB_URI: _, ...env }: NodeJS.ProcessEnv): NodeJS.ProcessEnv => env;

/** Every service in processes of its own, any number of each, which find each other over a NATS and share a replica set. */
export class Cluster {
	readonly nats: NatsServer;
	/** Null when it is somebody else's. */
	readonly set: ReplicaSet | null;
	readonly processes: HannipProcess[] = [];
	readonly operatorToken: string;
	readonly #folder: string;
	/** Each process' own way to NATS, where it can be cut. */
	readonly #links = new Map<HannipProcess, Link>();
	readonly #quotas = new Map<HannipProcess, CpuQuota>();
	readonly #milliCpu: ClusterOptions["milliCpu"];
	readonly #isCuttable: boolean;
	#env: NodeJS.ProcessEnv = {};
	#balancers: readonly Balancer[] = [];

	private constructor(parts: Pick<Cluster, "nats" | "set" | "operatorToken">, options: ClusterOptions) {
		[this.nats, this.set, this.operatorToken] = [parts.nats, parts.set, parts.operatorToken];
		[this.#milliCpu, this.#isCuttable] = [options.milliCpu, options.isCuttable ?? false];
		this.#folder = mkdtempSync(join(tmpdir(), "hannip-cluster-"));
		mkdirSync(join(this.#folder, "logs"));
	}

	/** @throws when a part cannot be had, or a process is not ready in time; then nothing is left running */
	static async start(options: ClusterOptions = {}): Promise<Cluster> {
		const { counts = {}, members = 3, isCuttable = false, ports, env = {}, mongodbUri } = options;
		const [nats, set] = await Promise.all([
			NatsServer.start(),
			mongodbUri === undefined ? ReplicaSet.start({ members, isCuttable }) : null,
		]);
		const operatorToken = env.OPERATOR_TOKEN ?? randomBytes(32).toString("base64url");
		const cluster = new Cluster({ nats, set, operatorToken }, options);
		try {
			const [publicPort = 0, internalPort = 0] = ports ? [ports.public, ports.internal] : await freePorts(2);
			cluster.#env = {
				MONGODB_URI: mongodbUri ?? set?.uri("hannip"),
				OPERATOR_TOKEN: operatorToken,
				KEY_SECRET: randomBytes(32).toString("base64url"),
				WEBHOOK_SECRET: randomBytes(32).toString("base64url"),
				PUBLIC_ORIGIN: `http://127.0.0.1:${publicPort}`,
				DRAIN_S: "1",
				...env,
			};
			const wanted = serviceNames.flatMap((service) => Array<ServiceName>(counts[service] ?? 1).fill(service));
			await Promise.all(wanted.map((service) => cluster.add(service)));
			cluster.#balancers = [
				await Balancer.open(publicPort, () => cluster.#gateways("public")),
				await Balancer.open(internalPort, () => cluster.#gateways("internal")),
			];
			return cluster;
		} catch (error) {
			await cluster.stop();
			throw error;
		}
	}

	/** One more process of a service. Resolves when it is ready. */
	async add(service: ServiceName): Promise<HannipProcess> {
		const [publicPort = 0, internal = 0, probes = 0, linkPort = 0] = await freePorts(4);
		const link = this.#isCuttable ? await Link.open(linkPort, this.nats.port) : undefined;
		// From here until it is among the others nothing may wait, or two would get one name.
		const name = this.#freeName(service);
		const milliCpu = typeof this.#milliCpu === "object" ? this.#milliCpu[service] : this.#milliCpu;
		const quota = milliCpu === undefined ? undefined : CpuQuota.of(name, milliCpu);
		const transporter = this.nats.uriBy(link ? linkPort : this.nats.port, service);
		const process = new HannipProcess(name, {
			ports: { public: publicPort, internal, probes },
			env: {
				...(keepsAnything({ transporter, services: [service] }) ? this.#env : withoutDatabase(this.#env)),
				SERVICES: service,
				TRANSPORTER: transporter,
			},
			logFile: join(this.#folder, "logs", `${name}.log`),
			quota,
		});
		this.processes.push(process);
		this.processes.sort(inOrder);
		if (quota) this.#quotas.set(process, quota);
		if (link) this.#links.set(process, link);
		await process.start();
		return process;
	}

	/** The smallest number that is free, so that names come again as processes do. */
	#freeName(service: ServiceName): string {
		const taken = new Set(this.of(service).map(({ name }) => name));
		for (let n = 1; ; n++) if (!taken.has(`${service}-${n}`)) return `${service}-${n}`;
	}

	/** Ends it as Kubernetes ends a pod, and forgets it. */
	async remove(process: HannipProcess): Promise<void> {
		await process.stop();
		this.processes.splice(this.processes.indexOf(process), 1);
		await this.#forget(process);
	}

	async #forget(process: HannipProcess): Promise<void> {
		await this.#links.get(process)?.close();
		this.#quotas.get(process)?.remove();
		this.#links.delete(process);
		this.#quotas.delete(process);
	}

	#gateways(which: "public" | "internal") {
		return this.of("api").map(({ ports, isReady }) => ({ port: ports[which], isReady }));
	}

	of(service: ServiceName): readonly HannipProcess[] {
		return this.processes.filter(({ name }) => name.startsWith(`${service}-`));
	}

	get publicUrl(): string {
		return `http://127.0.0.1:${this.#balancers[0]?.port}`;
	}

	get internalUrl(): string {
		return `http://127.0.0.1:${this.#balancers[1]?.port}`;
	}

	/** Of one process to NATS, in a cluster that can be cut. */
	linkOf(process: HannipProcess): Link {
		const link = this.#links.get(process);
		if (!link) throw new Error(`${process.name} cannot be cut off`);
		return link;
	}

	/** Until every process is ready and the replica set is whole. */
	async whole(): Promise<void> {
		await this.set?.complete();
		await Promise.all(this.processes.map((process) => process.ready()));
	}

	/** Gateways first: what they still answer needs the others. */
	async stop(): Promise<void> {
		await Promise.all(this.#balancers.map((balancer) => balancer.close()));
		await Promise.all(this.of("api").map((process) => process.stop()));
		await Promise.all(this.processes.map((process) => process.stop()));
		await Promise.all(this.processes.map((process) => this.#forget(process)));
		await Promise.all([this.set?.stop(), this.nats.stop()]);
		rmSync(this.#folder, { recursive: true, force: true });
	}
}

/** As they are in `serviceNames`, and then by number. */
const inOrder = (left: HannipProcess, right: HannipProcess): number => placeOf(left) - placeOf(right);

function placeOf({ name }: HannipProcess): number {
	const [service = "", number] = name.split("-");
	return serviceNames.indexOf(service as ServiceName) * 1_000 + Number(number);
}
