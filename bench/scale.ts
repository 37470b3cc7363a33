// `npm run bench:scale`: payments through one gateway against through four, each held to the same small share of a core, so that all of
// them and what stands behind them have room on this machine. All four are there all the time: in turn one of them is asked, and all.
import { parseArgs } from "node:util";
import { Cluster } from "../scripts/cluster/cluster.ts";
import { Client, type Wire } from "../tests/api/client.ts";
import { unlimited } from "../tests/api/platform.ts";
import { own, runBench } from "./ending.ts";
import { median, printFigures } from "./figures.ts";
import { clientOf, openShop, preparedSales, sent } from "./http-load.ts";

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const ROUNDS = values.quick ? 3 : 7;
const GATEWAYS = 4;
const MILLI_CPU = 80;
/** Of one gateway: few enough that all of them are sent before their codes and signatures are too old. */
const SALES = 300;
const AT_ONCE = 16;

await runBench(async () => {
	const options = { counts: { api: GATEWAYS }, milliCpu: { api: MILLI_CPU }, env: unlimited };
	const cluster = await own(Cluster.start(options), (started) => started.stop());
	const shop = await openShop(new Client(cluster.publicUrl, null, { origin: cluster.publicUrl }));
	const gateways = cluster.of("api").map(({ ports }) => clientOf(`http://127.0.0.1:${ports.public}`));
	const paidBy = async (some: readonly Client[]): Promise<number> => {
		const wires = await preparedSales(shop, SALES * some.length);
		const shares = some.map((_, index) => wires.filter((_, place) => place % some.length === index));
		const startedMs = performance.now();
		const pay = (client: Client, share: readonly Wire[]) => sent(client, share, { status: 201, atOnce: AT_ONCE });
		await Promise.all(some.map((client, index) => pay(client, shares[index] ?? [])));
		return (wires.length / (performance.now() - startedMs)) * 1_000;
	};
	const rounds: { one: number; all: number }[] = [];
	for (let round = -GATEWAYS; round < ROUNDS; round++) {
		const asked = gateways[(round + GATEWAYS) % GATEWAYS] as Client;
		const paid = { one: await paidBy([asked]), all: await paidBy(gateways) };
		// Those before the first one warm each gateway up.
		if (round >= 0) rounds.push(paid);
		console.log(`one ${paid.one.toFixed(0)}/s, ${GATEWAYS} ${paid.all.toFixed(0)}/s`);
	}
	printFigures({
		"load.scale_one": [median(rounds.map(({ one }) => one)), "/s"],
		"load.scale4": [median(rounds.map(({ one, all }) => all / one)), "x"],
	});
});
