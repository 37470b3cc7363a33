// `npm run manifests`: what k8s/overlays/local describes, as processes on loopback: the same entry points with the same arguments, environment,
// configuration of NATS and MongoDB, and secrets. Only addresses and folders are others. `npm run demo` can then be played on it.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serviceNames } from "../../moleculer.config.ts";
import { Balancer } from "../cluster/balancer.ts";
import { HannipProcess } from "../cluster/hannip-process.ts";
import { endWithUs, freePorts, hasEnded } from "../cluster/processes.ts";
import { partPath } from "../parts.ts";
import { type Container, type Manifest, manifestsOf, ofKind, type Workload, workloads } from "./manifests.ts";
import { makeSecrets } from "./secrets.ts";

const root = join(import.meta.dirname, "../..");

type Secrets = ReturnType<typeof makeSecrets>;

export class ManifestsRun {
	readonly processes: HannipProcess[] = [];
	readonly #manifests = manifestsOf("local");
	readonly #folder = mkdtempSync(join(tmpdir(), "hannip-manifests-"));
	/** Where the job's script finds the driver. */
	readonly #scripts = mkdtempSync(join(root, "node_modules", ".manifests-"));
	readonly #servers: ChildProcess[] = [];
	readonly #balancers: Balancer[] = [];
	#secrets: Secrets = {};
	#urls: readonly string[] = [];

	static async start(): Promise<ManifestsRun> {
		const run = new ManifestsRun();
		try {
			await run.#start();
			return run;
		} catch (error) {
			await run.stop();
			throw error;
		}
	}

	get publicUrl(): string {
		return String(this.#urls[0]);
	}

	get internalUrl(): string {
		return String(this.#urls[1]);
	}

	get operatorToken(): string {
		return String(this.#secrets.api?.["operator.token"]);
	}

	async #start(): Promise<void> {
		const [natsPort = 0, publicPort = 0, internalPort = 0, ...others] = await freePorts(12);
		const [clientPorts, routePorts, mongoPorts] = [others.slice(0, 3), others.slice(3, 6), others.slice(6, 9)];
		const mongodb = mongoPorts.map((port) => `127.0.0.1:${port}`);
		const natsMembers = routePorts.map((port) => `127.0.0.1:${port}`);
		this.#secrets = makeSecrets({ nats: `127.0.0.1:${natsPort}`, natsMembers, mongodb });
		this.#urls = [publicPort, internalPort].map((port) => `http://127.0.0.1:${port}`);
		for (const [index, port] of clientPorts.entries())
			this.#startNats(index, { port, routes: Number(routePorts[index]) });
		await this.#balance(natsPort, () => clientPorts.map((port) => ({ port, isReady: true })));
		for (const [index, port] of mongoPorts.entries()) this.#startMongod(index, port);
		await this.#runJob(mongodb);
		await this.#startServices();
		const gateways = (which: "public" | "internal") => () =>
			this.processes
				.filter(({ name }) => name.startsWith("api-"))
				.map(({ ports, isReady }) => ({ port: ports[which], isReady }));
		await this.#balance(publicPort, gateways("public"));
		await this.#balance(internalPort, gateways("internal"));
	}

	async #balance(
		port: number,
		places: ConstructorParameters<typeof Object>[0] & (() => { port: number; isReady: boolean }[]),
	) {
		this.#balancers.push(await Balancer.open(port, places));
	}

	#workload(name: string): Workload & { readonly container: Container } {
		const found = workloads(this.#manifests).find((each) => each.name === name);
		const container = found?.template.spec.containers[0];
		if (!found || !container) throw new Error(`nothing is called ${name}`);
		return { ...found, container };
	}

	/** All that a pod's volume has in it: of ConfigMaps and secrets, in a folder of its own. */
	#mounted(workload: Workload, volumeName: string, owner: string): string {
		const folder = join(this.#folder, owner, volumeName);
		mkdirSync(folder, { recursive: true });
		const volume = workload.template.spec.volumes?.find(({ name }) => name === volumeName);
		const sources = volume?.projected?.sources ?? [
			...(volume?.configMap ? [{ configMap: volume.configMap }] : []),
			...(volume?.secret ? [{ secret: { name: volume.secret.secretName, items: volume.secret.items } }] : []),
		];
		for (const source of sources as readonly {
			configMap?: { name: string };
			secret?: { name: string; items?: readonly { key: string; path: string }[] };
		}[]) {
			const files = source.configMap
				? this.#dataOf(source.configMap.name)
				: (this.#secrets[String(source.secret?.name)] ?? {});
			const items = source.secret?.items ?? Object.keys(files).map((key) => ({ key, path: key }));
			for (const { key, path } of items) writeFileSync(join(folder, path), String(files[key]), { mode: 0o400 });
		}
		return folder;
	}

	#dataOf(name: string): Readonly<Record<string, string>> {
		return ofKind(this.#manifests, "ConfigMap").find(({ metadata }) => metadata.name === name)?.data ?? {};
	}

	#spawn(file: string, args: readonly string[], logFile: string): void {
		const child = spawn(file, args, { stdio: "ignore" });
		endWithUs(child);
		this.#servers.push(child);
		child.once("exit", (code) => code && console.error(`${file} ended with ${code}; see ${logFile}`));
	}

	#startNats(index: number, { port, routes }: { readonly port: number; readonly routes: number }): void {
		const nats = this.#workload("nats");
		const name = `nats-${index}`;
		const folder = this.#mounted(nats, "config", name);
		const here = (text: string) =>
			text
				.replace("0.0.0.0:4222", `127.0.0.1:${port}`)
				.replace("0.0.0.0:6222", `127.0.0.1:${routes}`)
				// Nobody probes it.
				.replace("0.0.0.0:8222", "127.0.0.1:-1");
		for (const [file, text] of Object.entries(
			this.#dataOf(String(nats.template.spec.volumes?.[0]?.projected?.sources[0]?.configMap?.name)),
		))
			writeFileSync(join(folder, file), here(text), { flag: "w", mode: 0o600 });
		const log = join(this.#folder, `${name}.log`);
		const args = (nats.container.args ?? []).map((each) =>
			each.replace("/etc/nats", folder).replace("$(POD_NAME)", name),
		);
		this.#spawn(partPath("nats-server"), [...args, "--log", log], log);
	}

	#startMongod(index: number, port: number): void {
		const mongodb = this.#workload("mongodb");
		const name = `mongodb-${index}`;
		const secrets = this.#mounted(mongodb, "secrets", name);
		const data = join(this.#folder, name, "data");
		mkdirSync(data);
		const cacheGb = String(mongodb.container.env?.find((each) => each.name === "CACHE_GB")?.value);
		const log = join(this.#folder, `${name}.log`);
		const args = (mongodb.container.args ?? []).map((each) =>
			each
				.replace("--bind_ip_all", "--bind_ip=127.0.0.1")
				.replace("27017", String(port))
				.replace("/tmp/mongo.key", join(secrets, "mongo.key"))
				.replace("/data/db", data)
				.replace("$(CACHE_GB)", cacheGb),
		);
		this.#spawn(partPath("mongod"), [...args, "--nounixsocket", `--logpath=${log}`], log);
	}

	async #runJob(hosts: readonly string[]): Promise<void> {
		const job = this.#workload("mongodb-init");
		const secrets = this.#mounted(job, "secrets", "mongodb-init");
		const script = this.#mounted(job, "scripts", "mongodb-init");
		const [, file = "", ...args] = job.container.args ?? [];
		const { subPath = "" } = job.container.volumeMounts?.find(({ mountPath }) => mountPath === `/app/${file}`) ?? {};
		const text = this.#dataOf(
			String(job.template.spec.volumes?.find(({ name }) => name === "scripts")?.configMap?.name),
		)[subPath];
		if (!text) throw new Error(`${script} has no ${subPath}`);
		const path = join(this.#scripts, file);
		writeFileSync(path, text);
		const here = args.map((each) => (each === "/secrets" ? secrets : hosts.join(",")));
		const child = spawn(process.execPath, [path, ...here], { stdio: ["ignore", "ignore", "inherit"] });
		const [code] = (await once(child, "exit")) as [number | null];
		if (code !== 0) throw new Error(`the job mongodb-init ended with ${code}`);
	}

	async #startServices(): Promise<void> {
		const services = workloads(this.#manifests).filter(
			({ template }) => template.metadata.labels["hannip.io/runs"] === "service",
		);
		for (const { name } of services) {
			const workload = this.#workload(name);
			for (let index = 1; index <= replicasOf(this.#manifests, name); index++) {
				const [publicPort = 0, internal = 0, probes = 0] = await freePorts(3);
				this.processes.push(
					new HannipProcess(`${name}-${index}`, {
						ports: { public: publicPort, internal, probes },
						env: this.#envOf(workload, `${name}-${index}`),
						logFile: join(this.#folder, `${name}-${index}.log`),
					}),
				);
			}
		}
		// In the order in which they need each other: a small machine would have all of them wait for all.
		const order = ({ name }: HannipProcess) => serviceNames.findIndex((service) => name.startsWith(`${service}-`));
		for (const each of this.processes.toSorted((one, other) => order(one) - order(other))) await each.start();
	}

	#envOf(workload: Workload & { readonly container: Container }, owner: string): Record<string, string> {
		const { env = [], envFrom = [] } = workload.container;
		const secrets = this.#mounted(workload, "secrets", owner);
		const told = [
			...envFrom.flatMap(({ configMapRef }) => Object.entries(this.#dataOf(configMapRef.name))),
			...env.map(({ name, value }): [string, string] => [name, String(value).replace(/^\/secrets/, secrets)]),
		];
		return { ...Object.fromEntries(told), PUBLIC_ORIGIN: this.publicUrl };
	}

	async stop(): Promise<void> {
		await Promise.all(this.#balancers.map((balancer) => balancer.close()));
		await Promise.all(this.processes.map((each) => each.stop()));
		for (const server of this.#servers) {
			if (hasEnded(server)) continue;
			const ended = once(server, "exit");
			server.ref();
			server.kill("SIGKILL");
			await ended;
		}
		for (const folder of [this.#folder, this.#scripts]) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
	}
}

const replicasOf = (manifests: readonly Manifest[], name: string): number =>
	ofKind(manifests, "HorizontalPodAutoscaler").find(({ metadata }) => metadata.name === name)?.spec?.minReplicas ?? 1;

if (import.meta.main) {
	const run = await ManifestsRun.start();
	console.log(
		`OPERATOR_TOKEN=${run.operatorToken} npm run demo -- --url ${run.publicUrl} --internal-url ${run.internalUrl}`,
	);
	await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
	await run.stop();
	process.exit(0);
}
