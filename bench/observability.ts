// `npm run bench:observability`: what it costs to be seen, as the payments of a process that is, in those of one that is not. Everything
// is on as by default: metrics that are looked at every second, traces for a collector at the usual rate, a line in the log for each request.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { cpuMsOf } from "../scripts/cluster/processes.ts";
import { own, runBench } from "./ending.ts";
import { median, printFigures } from "./figures.ts";
import { clientOf, openShop, preparedSales, sent } from "./http-load.ts";
import { type OneProcess, startOneProcess } from "./one-process.ts";

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const ROUNDS = values.quick ? 3 : 5;
const PAYMENTS = values.quick ? 1_000 : 2_400;
/** So many are let in at once however slow the machine is. */
const AT_ONCE = 16;
const SCRAPE_MS = 1_000;
let scrapes = 0;

/** Takes spans and forgets them: what Zipkin does with them is not the platform's. */
async function startCollector(): Promise<{ url: string; bytes: () => number }> {
	let bytes = 0;
	const collector = createServer((request, response) => {
		request.on("data", (chunk: Buffer) => {
			bytes += chunk.length;
		});
		request.on("end", () => response.writeHead(202).end());
	});
	await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
	await own(Promise.resolve(collector), (started) => started.close());
	return { url: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`, bytes: () => bytes };
}

async function open(platform: OneProcess) {
	const shop = await openShop(platform.anyone);
	return { ...platform, shop, client: clientOf(platform.anyone.origin) };
}
type Open = Awaited<ReturnType<typeof open>>;

async function payments({ pid, shop, client, probesUrl }: Open, { isScraped }: { isScraped: boolean }) {
	const wires = await preparedSales(shop, PAYMENTS);
	const scrape = () =>
		fetch(`${probesUrl}/metrics`)
			.then((response) => response.text())
			.then(() => scrapes++, console.error);
	const scraping = isScraped ? setInterval(scrape, SCRAPE_MS) : undefined;
	const beforeMs = cpuMsOf(pid);
	const { perS } = await sent(client, wires, { atOnce: AT_ONCE, status: 201 });
	clearInterval(scraping);
	return { perS, cpuUs: ((cpuMsOf(pid) - beforeMs) * 1_000) / PAYMENTS };
}

await runBench(async () => {
	const collector = await startCollector();
	const dark = await open(await startOneProcess("http://127.0.0.1:34990", { METRICS: "off" }));
	const seen = await open(
		await startOneProcess("http://127.0.0.1:34980", { LOG_LEVEL: "info", ZIPKIN_URL: collector.url }),
	);
	const rounds: { seen: { perS: number; cpuUs: number }; dark: { perS: number; cpuUs: number } }[] = [];
	for (let round = -1; round < ROUNDS; round++) {
		// In turn first, since a machine gets slower or faster.
		const first = round % 2 === 0 ? await payments(seen, { isScraped: true }) : undefined;
		const without = await payments(dark, { isScraped: false });
		const paid = { dark: without, seen: first ?? (await payments(seen, { isScraped: true })) };
		// The first one warms up.
		if (round >= 0) rounds.push(paid);
		const said = ({ perS, cpuUs }: { perS: number; cpuUs: number }) =>
			`${perS.toFixed(0)}/s (${cpuUs.toFixed(0)} µs of CPU each)`;
		console.log(`everything on ${said(paid.seen)}, all off ${said(paid.dark)}`);
	}
	if (collector.bytes() === 0 || scrapes === 0) throw new Error("nothing was seen");
	printFigures({
		"observability.ratio": [median(rounds.map((round) => round.seen.perS / round.dark.perS)), "x"],
		"observability.cpu": [median(rounds.map((round) => round.seen.cpuUs / round.dark.cpuUs)), "x"],
		"observability.payments": [median(rounds.map(({ seen: { perS } }) => perS)), "/s"],
	});
});
