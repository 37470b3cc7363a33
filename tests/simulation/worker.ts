import { parentPort, workerData } from "node:worker_threads";
import { mutate } from "./mutate.ts";
import type { WorldOptions } from "./world.ts";

// A thread that runs worlds, one after the other. A mutant must be in place before anything of the ledger is loaded.
const { mutation } = workerData;
if (mutation) mutate(mutation);
const { runWorld } = await import("./run-world.ts");

parentPort?.on("message", (options: WorldOptions) => {
	runWorld(options).then((report) => parentPort?.postMessage(report));
});
