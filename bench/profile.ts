// `npm run bench:profile`: where the main thread's time goes while one process, as `npm start` runs it, takes payments: a flame graph, and the
// shares of files and packages.
import { writeFileSync } from "node:fs";
import type { Profiler } from "node:inspector";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { freePorts } from "../scripts/cluster/processes.ts";
import { root } from "../scripts/steps.ts";
import { runBench } from "./ending.ts";
import { flameGraphOf, framesOf, selfShares } from "./flame-graph.ts";
import { BUSY, openShop, preparedSales, sent } from "./http-load.ts";
import { startOneProcess } from "./one-process.ts";

const { values } = parseArgs({
	options: {
		sales: { type: "string", default: "8000" },
		out: { type: "string", default: join(root, "docs/profile.svg") },
	},
});
const SALES = Number(values.sales);
const SHARES = 20;

/** The profiler of a process that listens for one (Chrome DevTools Protocol). */
class Remote {
	readonly #socket: WebSocket;
	#calls = 0;

	private constructor(socket: WebSocket) {
		this.#socket = socket;
	}

	static async of(port: number): Promise<Remote> {
		const response = await fetch(`http://127.0.0.1:${port}/json/list`);
		const [target] = (await response.json()) as { webSocketDebuggerUrl: string }[];
		if (!target) throw new Error("there is nothing to be profiled");
		const socket = new WebSocket(target.webSocketDebuggerUrl);
		await new Promise((resolve, reject) => {
			socket.addEventListener("open", resolve);
			socket.addEventListener("error", reject);
		});
		return new Remote(socket);
	}

	call<Result>(method: string, params: object = {}): Promise<Result> {
		const id = ++this.#calls;
		return new Promise((resolve) => {
			const hear = ({ data }: MessageEvent) => {
				const said = JSON.parse(String(data)) as { id?: number; result: Result };
				if (said.id !== id) return;
				this.#socket.removeEventListener("message", hear);
				resolve(said.result);
			};
			this.#socket.addEventListener("message", hear);
			this.#socket.send(JSON.stringify({ id, method, params }));
		});
	}

	close(): void {
		this.#socket.close();
	}
}

await runBench(async () => {
	const [port = 0] = await freePorts(1);
	const settings = { NODE_OPTIONS: `--inspect=127.0.0.1:${port}` };
	const shop = await openShop((await startOneProcess("http://127.0.0.1:34990", settings)).anyone);
	const paid = { status: 201, atOnce: BUSY };
	// What is compiled and remembered at first is not what is looked for.
	await sent(shop.client, await preparedSales(shop, SALES / 2), paid);
	const wires = await preparedSales(shop, SALES);
	const remote = await Remote.of(port);
	await remote.call("Profiler.enable");
	await remote.call("Profiler.setSamplingInterval", { interval: 500 });
	await remote.call("Profiler.start");
	const { perS } = await sent(shop.client, wires, paid);
	const { profile } = await remote.call<{ profile: Profiler.Profile }>("Profiler.stop");
	remote.close();
	const all = framesOf(profile);
	const perSaleUs = all.totalUs / SALES;
	const title = `${SALES.toLocaleString("en")} sales in one process: ${perSaleUs.toFixed(0)} us of its main thread each`;
	writeFileSync(values.out, flameGraphOf(title, all));
	console.log(`${title}, ${perS.toFixed(0)}/s\n`);
	for (const [place, share] of selfShares(all).slice(0, SHARES))
		console.log(
			`${(share * 100).toFixed(1).padStart(5)} %  ${(share * perSaleUs).toFixed(0).padStart(5)} us  ${place}`,
		);
	console.log(`\nFlame graph: ${values.out}`);
});
