// `npm run build`: the wallet, the till and the console, into clients/dist. `npm start` does it when they have changed.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "vite";
import { apps, configOf } from "../clients/vite.config.ts";

rmSync(join(import.meta.dirname, "../clients/dist"), { recursive: true, force: true });
for (const app of apps) {
	const startedAt = performance.now();
	await build(configOf(app));
	console.error(`hannip: built the ${app} (${((performance.now() - startedAt) / 1_000).toFixed(1)} s)`);
}
