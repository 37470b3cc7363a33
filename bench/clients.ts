// `npm run bench:clients`: how heavy the clients are, and how soon a phone shows something.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { openBrowser, startServedPlatform } from "../tests/clients/browser.ts";
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

const platform = await startServedPlatform();
const views: View[] = [];
for (let round = 0; round < ROUNDS; round++) views.push(await firstView(`${platform.url}/wallet/`));
await platform.stop();

printFigures({
	"wallet.js": [gzippedKB(views[0]?.scripts ?? []), "kB"],
	"wallet.first_content": [median(views.map(({ firstContentS }) => firstContentS)), "s"],
	"wallet.largest_content": [median(views.map(({ headingS }) => headingS)), "s"],
});
