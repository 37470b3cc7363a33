// `npm run bench:cluster`: payments through gateway, store and ledger in processes of their own, over NATS and a replica set of three, against
// one embedded process and against an echo over moleculer-web and NATS; and how long anybody notices that something died.
import { parseArgs } from "node:util";
import { serviceNames } from "../moleculer.config.ts";
import { Cluster } from "../scripts/cluster/cluster.ts";
import { Client } from "../tests/api/client.ts";
import { unlimited } from "../tests/api/platform.ts";
import { Torture } from "../tests/cluster/torture.ts";
import { own, runBench } from "./ending.ts";
import { median, printFigures } from "./figures.ts";
import { BUSY, echoes, FEW, type Load, openShop, preparedSales, sent, startEcho } from "./http-load.ts";
import { startOneProcess } from "./one-process.ts";

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const ROUNDS = values.quick ? 2 : 5;
const REQUESTS = values.quick ? 1_600 : 4_800;
const KILLS = values.quick ? 4 : 12;
const SEED = 20_261_124;

await runBench(async () => {
	const cluster = await own(Cluster.start({ env: unlimited }), (started) => started.stop());
	const embedded = await openShop((await startOneProcess("http://127.0.0.1:34990")).anyone);
	const apart = await openShop(new Client(cluster.publicUrl, null, { origin: cluster.publicUrl }));
	const echo = await startEcho(cluster.nats.uri);
	const rounds: { apart: Load; embedded: Load; echo: Load; few: Load }[] = [];
	const paid = { status: 201, atOnce: BUSY };
	for (let round = -1; round < ROUNDS; round++) {
		const loads = {
			embedded: await sent(embedded.client, await preparedSales(embedded, REQUESTS), paid),
			apart: await sent(apart.client, await preparedSales(apart, REQUESTS), paid),
			echo: await sent(echo, echoes(REQUESTS), { status: 200, atOnce: BUSY }),
			few: await sent(apart.client, await preparedSales(apart, REQUESTS / 4), { status: 201, atOnce: FEW }),
		};
		// The first one warms up.
		if (round >= 0) rounds.push(loads);
		for (const [name, { perS, p50Ms, p99Ms }] of Object.entries(loads))
			console.log(`${name.padEnd(9)} ${perS.toFixed(0)}/s, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`);
	}
	await cluster.stop();
	const { killErrorsS, writableS } = await deaths();
	const of = (pick: (round: (typeof rounds)[number]) => number) => median(rounds.map(pick));
	printFigures({
		"cluster.payments": [of(({ apart }) => apart.perS), "/s"],
		"cluster.p50": [of(({ apart }) => apart.p50Ms), "ms"],
		"cluster.p99": [of(({ apart }) => apart.p99Ms), "ms"],
		"cluster.vs_embedded": [of(({ apart, embedded }) => apart.perS / embedded.perS), "x"],
		"cluster.vs_echo": [of(({ apart, echo }) => apart.perS / echo.perS), "x"],
		"cluster.few_payments": [of(({ few }) => few.perS), "/s"],
		"cluster.few_p50": [of(({ few }) => few.p50Ms), "ms"],
		"cluster.few_p99": [of(({ few }) => few.p99Ms), "ms"],
		"cluster.kill_errors_s": [Math.max(...killErrorsS), "s"],
		"cluster.writable_s": [median(writableS), "s"],
	});
});

/** Of two processes one is killed; and the primary of the replica set. */
async function deaths() {
	const counts = Object.fromEntries(serviceNames.map((service) => [service, 2]));
	const cluster = await own(Cluster.start({ counts, env: unlimited }), (started) => started.stop());
	const torture = await Torture.begin(cluster, SEED);
	const lastFailureS = async (target: string): Promise<number> => {
		const round = await torture.round({ doing: "kill", target, forMs: 0 });
		if (round.wrong.length > 0) throw new Error(round.wrong.join("\n"));
		console.log(`kill ${target}: ${round.failures.length} failures, the last after ${round.failuresForS.toFixed(2)} s`);
		return round.failuresForS;
	};
	const [killErrorsS, writableS]: [number[], number[]] = [[], []];
	for (let n = 0; n < KILLS; n++) killErrorsS.push(await lastFailureS(serviceNames[n % serviceNames.length] as string));
	for (let n = 0; n < KILLS / 4; n++) writableS.push(await lastFailureS("primary"));
	torture.close();
	return { killErrorsS, writableS };
}
