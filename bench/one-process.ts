import { spawn } from "node:child_process";
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "../tests/api/client.ts";
import { own } from "./ending.ts";

export type OneProcess = { readonly pid: number; readonly anyone: Client; readonly probesUrl: string };

/**
 * A whole platform in a process of its own, on files. It logs into a file, and ends with the bench.
 *
 * @param origin also says at which port
 * @param settings other than usual
 */
export async function startOneProcess(origin: string, settings: NodeJS.ProcessEnv = {}): Promise<OneProcess> {
	const port = Number(new URL(origin).port);
	const dataDir = mkdtempSync(join(tmpdir(), "hannip-bench-"));
	const env = {
		...process.env,
		DATA_DIR: dataDir,
		PORT: String(port),
		INTERNAL_PORT: String(port + 1),
		PROBE_PORT: String(port + 2),
		LOG_LEVEL: "error",
		...settings,
	};
	for (const who of ["PERSON", "TILL", "ADDRESS"]) Object.assign(env, { [`REQUESTS_PER_MINUTE_${who}`]: "1000000000" });
	const child = spawn(
		process.execPath,
		["--disable-warning=ExperimentalWarning", join(import.meta.dirname, "../main.ts")],
		{ env, stdio: ["ignore", openSync(join(dataDir, "log"), "a"), "inherit"] },
	);
	const ended = new Promise((resolve) => child.once("exit", resolve));
	await own(Promise.resolve(child), async () => {
		child.kill("SIGTERM");
		await ended;
		rmSync(dataDir, { recursive: true, force: true });
	});
	for (let ready = false; !ready; ) {
		if (child.exitCode !== null) throw new Error("the platform did not start");
		await new Promise((resolve) => setTimeout(resolve, 20));
		ready = (await fetch(`http://127.0.0.1:${port + 2}/ready`).catch(() => null))?.ok ?? false;
	}
	return {
		pid: Number(child.pid),
		probesUrl: `http://127.0.0.1:${port + 2}`,
		anyone: new Client(origin, null, { origin }),
	};
}
