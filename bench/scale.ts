// `npm run bench:scale`: sales through one process of each service and through four, every process held to the same small share of a core, as
// pods are. What is measured is how the work spreads, not how fast the machine is: there must be enough of it left for everybody else.
import { parseArgs } from "node:util";
import { serviceNames } from "../moleculer.config.ts";
import { Cluster } from "../scripts/cluster/cluster.ts";
import { CpuQuota } from "../scripts/cluster/cpu-quota.ts";
import { Client } from "../tests/api/client.ts";
import { unlimited } from "../tests/api/platform.ts";
import { own, runBench } from "./ending.ts";
import { median, printFigures } from "./figures.ts";
import { clientOf, type Load, openShop, preparedSales, sent } from "./http-load.ts";

const { values } = parseArgs({
	options: { quick: { type: "boolean", default: false }, "milli-cpu": { type: "string", default: "60" } },
});
const MILLI_CPU = Number(values["milli-cpu"]);
const ROUNDS = values.quick ? 3 : 7;
/** For each process of a service, so that both last as long. */
const SALES = 400;
const AT_ONCE = 32;

await runBench(async () => {
	const cluster = await own(Cluster.start({ env: unlimited }), (started) => started.stop());
	const shop = await openShop(new Client(cluster.publicUrl, null, { origin: cluster.publicUrl }));
	const measure = async (processes: number): Promise<Load> => {
		const wires = await preparedSales(shop, SALES * processes);
		// Connections stay with the gateway that they were made to.
		const client = clientOf(cluster.publicUrl);
		const quotas = cluster.processes.map(
			(process) => [CpuQuota.of(process.name, MILLI_CPU), Number(process.pid)] as const,
		);
		try {
			for (const [quota, pid] of quotas) quota.hold(pid);
			const load = await sent(client, wires, { status: 201, atOnce: AT_ONCE * processes });
			console.log(
				`${processes} of each: ${load.perS.toFixed(0)}/s, p50 ${load.p50Ms.toFixed(0)} ms, p99 ${load.p99Ms.toFixed(0)} ms`,
			);
			return load;
		} finally {
			for (const [quota, pid] of quotas) {
				quota.release(pid);
				quota.remove();
			}
		}
	};
	const rounds: { one: number; four: number }[] = [];
	for (let round = -1; round < ROUNDS; round++) {
		const one = await measure(1);
		for (const service of serviceNames) for (let n = 2; n <= 4; n++) await cluster.add(service);
		const four = await measure(4);
		for (const service of serviceNames)
			for (const process of cluster.of(service).slice(1)) await cluster.remove(process);
		// The first one warms up.
		if (round >= 0) rounds.push({ one: one.perS, four: four.perS });
	}
	printFigures({
		"load.scale_one": [median(rounds.map(({ one }) => one)), "/s"],
		"load.scale4": [median(rounds.map(({ one, four }) => four / one)), "x"],
	});
});
