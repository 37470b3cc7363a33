// `npm run bench:clients`: how heavy the clients are, and how soon a phone shows something.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import base45 from "base45";
import type { Page } from "playwright-core";
import { openBrowser, startServedPlatform } from "../tests/clients/browser.ts";
import { scanRates } from "./clients-scan.ts";
import { scansToPaid, tillScripts } from "./clients-till.ts";
import { median, printFigures } from "./figures.ts";

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const ROUNDS = values.quick ? 3 : 9;
/** A phone of the middle class on a slow 4G network: what Lighthouse has for mobile. */
const CPU_SLOWER = 4;
const NETWORK = {
	offline: false,
	latency: 150,
	downloadThroughput: (1.6 * 1024 * 1024) / 8,
	uploadThroughput: (750 * 1024) / 8,
};

type View = { readonly firstContentS: number; readonly headingS: number; readonly scripts: readonly string[] };

/** A first visit, with nothing in any cache. */
async function firstView(url: string): Promise<View> {
	const browser = await openBrowser();
	try {
		const page = await browser.newPage();
		const debugging = await browser.newCDPSession(page);
		await debugging.send("Network.enable");
		await debugging.send("Network.emulateNetworkConditions", NETWORK);
		await debugging.send("Emulation.setCPUThrottlingRate", { rate: CPU_SLOWER });
		await page.goto(url);
		await page.locator(".welcome h1").waitFor();
		return { ...(await paints(page)), scripts: await scriptsOf(page) };
	} finally {
		await browser.close();
	}
}

/** When something was drawn, and when the largest thing was: here, the welcome with its heading. */
const paints = (page: Page) =>
	page.evaluate(async () => {
		const last = (type: string) =>
			new Promise<number>((resolve) => {
				new PerformanceObserver((list) => resolve((list.getEntries().at(-1)?.startTime ?? 0) / 1_000)).observe({
					type,
					buffered: true,
				});
			});
		return { firstContentS: await last("paint"), headingS: await last("largest-contentful-paint") };
	});

const scriptsOf = (page: Page) =>
	page.evaluate(() =>
		performance
			.getEntriesByType("resource")
			.map(({ name }) => new URL(name).pathname)
			.filter((path) => path.endsWith(".js") && !path.endsWith("service-worker.js")),
	);

const dist = join(import.meta.dirname, "../clients/dist");
const gzippedKB = (paths: readonly string[]): number =>
	paths.reduce((sum, path) => sum + gzipSync(readFileSync(join(dist, path)), { level: 9 }).length, 0) / 1_000;

/** The first of each are what happens at a counter. */
const USUAL = 3;
const percentile = (found: readonly number[], share: number): number =>
	[...found].sort((left, right) => left - right)[Math.ceil(found.length * share) - 1] ?? Number.NaN;
const average = (found: readonly number[]): number => found.reduce((sum, each) => sum + each, 0) / found.length;

/** As long as a payment code, and of the same characters. */
const codesLike = (count: number): string[] =>
	Array.from(
		{ length: count },
		(_, index) =>
			`HN:${base45
				.encode(createHash("sha3-512").update(`${index}`).digest())
				.repeat(2)
				.slice(0, 149)}`,
	);

const platform = await startServedPlatform();
const views: View[] = [];
for (let round = 0; round < ROUNDS; round++) views.push(await firstView(`${platform.url}/wallet/`));
const scripts = await tillScripts(platform);
const paidMs = await scansToPaid(platform, values.quick ? 10 : 60);
await platform.stop();
const rates = await scanRates(codesLike(values.quick ? 2 : 10));
console.log(
	"Codes that the till reads, in percent, from what is usual at a counter to what nobody should have to bear:",
);
for (const [what, found] of Object.entries(rates))
	console.log(`  ${what.padEnd(9)} ${found.map((rate) => rate.toFixed(0).padStart(4)).join("")}`);

printFigures({
	"wallet.js": [gzippedKB(views[0]?.scripts ?? []), "kB"],
	"wallet.first_content": [median(views.map(({ firstContentS }) => firstContentS)), "s"],
	"wallet.largest_content": [median(views.map(({ headingS }) => headingS)), "s"],
	"till.js": [gzippedKB(scripts), "kB"],
	"pay.scan_to_paid_p95": [percentile(paidMs, 0.95), "ms"],
	"qr.scan_rate": [average(Object.values(rates).flatMap((each) => each.slice(0, USUAL))), "%"],
});
