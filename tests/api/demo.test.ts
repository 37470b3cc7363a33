import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { startPlatform } from "../../main.ts";
import { readSettings } from "../../moleculer.config.ts";

const demo = join(import.meta.dirname, "../../scripts/demo/demo.ts");

async function run(args: readonly string[]): Promise<{ code: number | null; output: string }> {
	const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", demo, ...args], {
		env: { ...process.env, NO_COLOR: "1" },
	});
	const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
	const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
	return { code, output: out + err };
}

test("the demo's day and its audit hold, twice on the same platform", async () => {
	const dataDir = mkdtempSync(join(tmpdir(), "hannip-demo-"));
	const ports = { PORT: "0", INTERNAL_PORT: "0", PROBE_PORT: "0" };
	const platform = await startPlatform(readSettings({ ...ports, DATA_DIR: dataDir, LOG_LEVEL: "error" }));
	try {
		const { public: url, internal } = platform.urls;
		for (const seed of ["1", "2"]) {
			const { code, output } = await run([
				"--url",
				String(url),
				"--internal-url",
				String(internal),
				"--customers",
				"3",
				"--sales",
				"6",
				"--seed",
				seed,
			]);
			assert.equal(code, 0, output);
			assert.match(output, /Every step and the audit hold/);
		}
	} finally {
		await platform.stop();
		rmSync(dataDir, { recursive: true, force: true });
	}
});

test("the demo says what to do when no platform answers", async () => {
	const { code, output } = await run(["--url", "http://127.0.0.1:9"]);
	assert.equal(code, 1);
	assert.match(output, /npm start/);
});
