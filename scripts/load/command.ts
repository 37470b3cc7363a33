// `npm run load -- SCENARIO`: k6 plays people and tills against a platform of ours, and what they saw is shown as a table, a chart and JSON.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { printFigures } from "../../bench/figures.ts";
import { type ServiceName, serviceNames } from "../../moleculer.config.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { residentMb } from "../cluster/processes.ts";
import { Scaler } from "../cluster/scaler.ts";
import { hpaSettingsOf } from "../deploy/hpa-settings.ts";
import { manifestsOf } from "../deploy/manifests.ts";
import { root } from "../steps.ts";
import { chartOf, type Moment } from "./chart.ts";
import { hashBound, iterationsPerS, meanOf } from "./hash-bound.ts";
import { runK6, type Second, scenarios } from "./k6.ts";
import { JUST_BEYOND, OVERLOAD, paymentsOf, peakOf } from "./peak.ts";
import { type Loaded, startCluster, startOne } from "./platform.ts";
import { tableOf, totalsOf } from "./report.ts";
import { SlowClients } from "./slow-clients.ts";
import { Usage } from "./usage.ts";

const HELP = `npm run load -- SCENARIO [options]

  SCENARIO         ${scenarios.join(", ")}
  --on WHERE       cluster: NATS, a replica set of three and every service in processes of its own; one: everything in one process;
                   or the URL of a platform that runs already, with high REQUESTS_PER_MINUTE_… (cluster)
  --seconds N      how long (of the scenario's own choosing)
  --users N        how many virtual users, at the most (of the scenario's own choosing)
  --processes N    of each service (1)
  --milli-cpu N    of a core that each process may take; without it, all that there is
  --scale          as many processes of each service as Kubernetes' autoscaler would want, by the settings of k8s/overlays/loadtest-hpa and
                   from 1 to 4; needs --milli-cpu, which is what utilization is a share of
  --slow N         beside it, so many clients who send and read drop by drop (0)
  --out FOLDER     where table, chart and JSON go (.reports/load)
`;

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		on: { type: "string", default: "cluster" },
		seconds: { type: "string" },
		users: { type: "string" },
		processes: { type: "string", default: "1" },
		"milli-cpu": { type: "string" },
		scale: { type: "boolean", default: false },
		slow: { type: "string", default: "0" },
		out: { type: "string", default: join(root, ".reports/load") },
		help: { type: "boolean", default: false },
	},
});
const [scenario = ""] = positionals;
if (values.help || !scenarios.includes(scenario) || (values.scale && values["milli-cpu"] === undefined)) {
	console.log(HELP);
	process.exit(values.help ? 0 : 1);
}
const milliCpu = values["milli-cpu"] === undefined ? undefined : Number(values["milli-cpu"]);

async function start(): Promise<Loaded> {
	if (values.on === "one") return startOne({ milliCpu });
	if (values.on !== "cluster")
		return {
			url: values.on,
			processes: () => 1,
			hashers: () => 1,
			parts: () => [],
			behind: () => [],
			cluster: null,
			stop: async () => {},
		};
	const counts = Object.fromEntries(
		serviceNames.map((name): [ServiceName, number] => [name, Number(values.processes)]),
	);
	return startCluster({ counts, milliCpu });
}

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => interrupted.abort());

/** By the manifests' own settings, but for the bounds. */
function startScaler(cluster: Cluster, requestMilliCpu: number): Promise<void> {
	const manifests = manifestsOf("loadtest-hpa");
	const settings = ofEach((name) => ({ ...hpaSettingsOf(manifests, name), minReplicas: 1, maxReplicas: 4 }));
	const scaler = new Scaler(cluster, {
		settings,
		requestMilliCpu: ofEach(() => requestMilliCpu),
		signal: over.signal,
		onScaled: (service, { from, to, utilizationPercent }) =>
			console.log(`${service}: ${from} at ${utilizationPercent.toFixed(0)} % become ${to}`),
	});
	return scaler.run();
}

const ofEach = <T>(make: (service: ServiceName) => T) =>
	Object.fromEntries(serviceNames.map((service) => [service, make(service)])) as Record<ServiceName, T>;

/** What the services hold at the end to what they held when all of them had been used for a while. */
function grown(moments: readonly Moment[]): number {
	const mean = (from: number, to: number) => {
		const some = moments.slice(Math.floor(moments.length * from), Math.ceil(moments.length * to));
		return some.reduce((sum, { memoryMb }) => sum + memoryMb, 0) / some.length;
	};
	return mean(0.9, 1) / mean(0.2, 0.3);
}

const over = new AbortController();
// Before and after: it takes seven minutes, in which a machine becomes faster or slower.
const hashesBefore = scenario === "original" ? await hashBound(milliCpu) : undefined;
const loaded = await start();
const scaling = values.scale && loaded.cluster && milliCpu !== undefined ? startScaler(loaded.cluster, milliCpu) : null;
const moments: Moment[] = [];
/** How many there were in each second. */
const hashers: number[] = [];
let iterations = 0;
const onSecond = (second: Second) => {
	const memoryMb = loaded.parts().reduce((sum, { pid }) => sum + (residentMb(pid) ?? 0), 0);
	moments.push({ ...second, processes: loaded.processes(), memoryMb });
	usage.look();
	hashers.push(loaded.hashers());
	if (second.atS % 10 === 0)
		console.log(
			`${second.atS} s: ${second.users} users, ${second.requestsPerS.toFixed(0)} requests/s, ${second.meanMs.toFixed(0)} ms`,
		);
};
const usage = new Usage(() => [...loaded.parts(), ...loaded.behind()]);
const slow = new SlowClients(loaded.url, Number(values.slow));
try {
	const env = {
		URL: loaded.url,
		...(values.seconds !== undefined && { SECONDS: values.seconds }),
		...(values.users !== undefined && { USERS: values.users }),
	};
	const signal = interrupted.signal;
	const most = scenario === "overload" ? await peakOf(env, signal) : undefined;
	const ratedAt = (times: number) => most && { RATE: String(Math.ceil(most.perS * times)) };
	const beyond = most && (await runK6({ scenario, env: { ...env, ...ratedAt(JUST_BEYOND) }, signal }));
	const rate = ratedAt(OVERLOAD);
	usage.begin();
	const run = await runK6({ scenario, env: { ...env, ...rate }, onSecond, signal });
	const counted = values.scale ? "1 to 4 of each service" : `${values.processes} of each service`;
	const where = values.on === "cluster" ? counted : values.on;
	const title = `${scenario}, ${where}${milliCpu === undefined ? "" : `, ${milliCpu} thousandths of a core each`}`;
	const totals = totalsOf(run);
	const table = tableOf(title, run);
	const used = usage.table(totals.requests);
	console.log(`\n${table}\n\n${used}`);
	mkdirSync(values.out, { recursive: true });
	const quota = milliCpu === undefined ? "" : `-${milliCpu}m`;
	const name = `${scenario}-${values.on === "cluster" ? "cluster" : "one"}${quota}${values.scale ? "-scaled" : ""}`;
	const file = (ending: string) => join(values.out, `${name}.${ending}`);
	writeFileSync(file("txt"), `${table}\n\n${used}\n`);
	writeFileSync(file("svg"), chartOf(title, moments));
	writeFileSync(file("json"), `${JSON.stringify({ scenario, title, totals, ...run, moments }, null, "\t")}\n`);
	console.log(`\nTable, chart and JSON: ${file("{txt,svg,json}")}`);
	if (slow.count > 0)
		console.log(
			`\nThe ${slow.count} slow ones were answered ${slow.answered} times and sent away ${slow.sentAway} times.`,
		);
	iterations = run.iterations;
	printFigures({
		"load.memory_growth": [grown(moments), "x"],
		"load.requests": [totals.requests, "requests"],
		"load.success": [totals.successPercent, "%"],
		"load.per_s": [totals.perS, "/s"],
		...(most &&
			beyond && {
				"load.peak": [most.perS, "/s"],
				"load.peak_p99": [most.p99Ms, "ms"],
				"load.overload_goodput": [paymentsOf(run, env).perS / most.perS, "x"],
				"load.overload_p99": [paymentsOf(run, env).p99Ms, "ms"],
				"load.overload_p99_growth": [paymentsOf(run, env).p99Ms / paymentsOf(beyond, env).p99Ms, "x"],
			}),
	});
} finally {
	over.abort();
	slow.close();
	await scaling;
	await loaded.stop();
}
if (hashesBefore) {
	const hashes = meanOf(hashesBefore, await hashBound(milliCpu));
	const bound = hashers.reduce((sum, count) => sum + iterationsPerS(hashes, count), 0);
	printFigures({
		"load.hash_cpu": [hashes.cpuS * 1_000, "ms"],
		"load.vs_hash_bound": [iterations / bound, "x"],
	});
}
process.exit(0);
