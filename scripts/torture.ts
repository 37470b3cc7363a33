// `npm run torture -- --minutes 30`: people pay in a cluster of many processes, of which some fail all the time; after each fault every
// coin is looked for. `--faults 500` instead of minutes; `--only "kill credit"` for one kind; `--at-once 3` kills a process of each of three
// services at the same time.
import { parseArgs } from "node:util";
import { serviceNames } from "../moleculer.config.ts";
import { randomOf } from "../tests/api/load.ts";
import { unlimited } from "../tests/api/platform.ts";
import { type Round, Torture } from "../tests/cluster/torture.ts";
import { Cluster } from "./cluster/cluster.ts";
import { type Fault, readFaults } from "./cluster/faults.ts";

const { values } = parseArgs({
	options: {
		minutes: { type: "string" },
		faults: { type: "string" },
		only: { type: "string" },
		"at-once": { type: "string", default: "1" },
		processes: { type: "string", default: "2" },
		seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
	},
});
const seed = Number(values.seed);
const faultsMax = Number(values.faults ?? Number.POSITIVE_INFINITY);
const endsAtMs = performance.now() + Number(values.minutes ?? (values.faults ? Number.POSITIVE_INFINITY : 10)) * 60_000;

/** How often each comes, in relation to the others. A kill is over soonest. */
const kinds: readonly (readonly [times: number, line: string])[] = [
	...serviceNames.flatMap((service) => [[12, `kill ${service}`] as const, [2, `stop ${service}`] as const]),
	...serviceNames.map((service) => [1, `freeze ${service} 3`] as const),
	[1, "freeze credit 10"],
	...["credit", "api", "store"].map((service) => [1, `cut ${service} 3`] as const),
	...([
		[2, "stop nats"],
		[3, "kill nats 0"],
		[1, "kill nats 1"],
		[1, "freeze nats 3"],
	] as const),
	...([
		[6, "kill primary 0"],
		[2, "kill primary 1"],
		[2, "stop primary"],
		[1, "freeze primary 3"],
		[1, "cut primary 4"],
	] as const),
	...([
		[3, "kill secondary 0"],
		[1, "freeze secondary 3"],
		[1, "roll all"],
	] as const),
];
const wanted = kinds.filter(([, line]) => values.only === undefined || line.startsWith(values.only));
const lots = wanted.flatMap(([times, line]) => Array<string>(times).fill(line));
if (lots.length === 0) throw new Error(`--only ${values.only} is none of ${kinds.map(([, line]) => line).join(", ")}`);

const random = randomOf(seed);
const oneOf = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
const faultOf = (line: string): Fault => readFaults(`0 ${line}`)[0]?.fault as Fault;

/** One; or where a process is killed, one of each of several services. */
function nextFaults(): Fault[] {
	const first = faultOf(oneOf(lots));
	const isOfProcess = first.doing === "kill" && serviceNames.some((service) => service === first.target);
	const faults = [first];
	while (isOfProcess && faults.length < Math.min(Number(values["at-once"]), serviceNames.length)) {
		const target = oneOf(serviceNames.filter((service) => faults.every((fault) => fault.target !== service)));
		faults.push(faultOf(`kill ${target}`));
	}
	return faults;
}

const counts = Object.fromEntries(serviceNames.map((service) => [service, Number(values.processes)]));
const isGraceful = ({ doing }: Fault): boolean => doing === "roll" || doing === "stop";
const figures = { faults: 0, kills: 0, settled: 0, lost: 0, doubled: 0, wrong: 0, unresolved: 0, graceful_failed: 0 };
const killErrorsS: number[] = [];
let isStopped = false;
for (const signal of ["SIGINT", "SIGTERM"] as const)
	process.on(signal, () => {
		isStopped = true;
	});

const cluster = await Cluster.start({ counts, isCuttable: true, env: unlimited });
const torture = await Torture.begin(cluster, seed);
try {
	while (!isStopped && figures.faults < faultsMax && performance.now() < endsAtMs) {
		const faults = nextFaults();
		count(faults, await torture.round(...faults));
	}
} finally {
	torture.close();
	await cluster.stop();
}
console.log(`\nseed ${seed}\n`);
for (const [name, value] of Object.entries(figures)) console.log(`figure torture.${name} ${value} ${name}`);
if (killErrorsS.length > 0)
	console.log(
		`figure torture.kill_errors_s_max ${Math.max(...killErrorsS).toFixed(2)} s, median ${median(killErrorsS).toFixed(2)} s`,
	);
process.exit(figures.lost + figures.doubled + figures.wrong + figures.unresolved + figures.graceful_failed > 0 ? 1 : 0);

function count(faults: readonly Fault[], round: Round): void {
	const [fault] = faults as [Fault];
	figures.faults += faults.length;
	figures.kills += faults.filter(({ doing }) => doing === "kill").length;
	figures.settled += round.settled;
	figures.unresolved += round.unresolved;
	for (const what of round.wrong)
		figures[what.startsWith("lost") ? "lost" : what.startsWith("doubled") ? "doubled" : "wrong"]++;
	if (isGraceful(fault)) figures.graceful_failed += round.failures.length;
	if (fault.doing === "kill" && serviceNames.some((service) => service === fault.target))
		killErrorsS.push(round.failuresForS);
	const whats = [...Map.groupBy(round.failures, ({ what }) => what.slice(0, 60))].map(
		([what, all]) => `${all.length} × ${what}`,
	);
	console.log(
		`${figures.faults} ${round.fault}: ${round.settled} settled, ${round.failures.length} failures, the last after ${round.failuresForS.toFixed(2)} s ${whats.join(", ")}`,
	);
	for (const what of round.wrong) console.log(`  WRONG ${what}`);
}

function median(numbers: readonly number[]): number {
	return [...numbers].sort((left, right) => left - right)[numbers.length >> 1] ?? Number.NaN;
}
