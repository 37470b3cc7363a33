// `npm run bench:http`: payments over HTTP in one process, as `npm start` runs it, against an echo of moleculer-web in one process.
import { parseArgs } from "node:util";
import { runBench } from "./ending.ts";
import { median, printFigures } from "./figures.ts";
import { BUSY, echoes, FEW, type Load, openShop, preparedSales, sent, startEcho } from "./http-load.ts";
import { startOneProcess } from "./one-process.ts";

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const ROUNDS = values.quick ? 3 : 7;
const REQUESTS = values.quick ? 1_600 : 4_800;

await runBench(async () => {
	const shop = await openShop((await startOneProcess("http://127.0.0.1:34990")).anyone);
	const echo = await startEcho(null);
	const rounds: { many: Load; few: Load; echo: Load }[] = [];
	for (let round = -1; round < ROUNDS; round++) {
		const loads = {
			many: await sent(shop.client, await preparedSales(shop, REQUESTS), { status: 201, atOnce: BUSY }),
			few: await sent(shop.client, await preparedSales(shop, REQUESTS / 2), { status: 201, atOnce: FEW }),
			echo: await sent(echo, echoes(REQUESTS), { status: 200, atOnce: BUSY }),
		};
		// The first one warms up.
		if (round >= 0) rounds.push(loads);
		for (const [name, { perS, p50Ms, p99Ms }] of Object.entries(loads))
			console.log(`${name.padEnd(9)} ${perS.toFixed(0)}/s, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`);
	}
	const of = (pick: (round: (typeof rounds)[number]) => number) => median(rounds.map(pick));
	printFigures({
		"load.payments": [of(({ many }) => many.perS), "/s"],
		"load.payments_few": [of(({ few }) => few.perS), "/s"],
		"load.p99_few": [of(({ few }) => few.p99Ms), "ms"],
		"load.payment_vs_echo": [of(({ many, echo }) => many.perS / echo.perS), "x"],
	});
});
