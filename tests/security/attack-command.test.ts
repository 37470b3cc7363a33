import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { it } from "node:test";
import { startTestPlatform } from "../api/platform.ts";

const script = join(import.meta.dirname, "../../scripts/attack.ts");

it("attacks on a platform with its usual limits end with the settings that they need, in one line", async () => {
	const platform = await startTestPlatform({ REQUESTS_PER_MINUTE_PERSON: "1200" });
	const url = `http://127.0.0.1:${platform.anyone.port}`;
	const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, "--url", url]);
	const [said, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
	await platform.stop();
	assert.equal(code, 1);
	assert.match(said, /^attack: [^\n]*REQUESTS_PER_MINUTE_PERSON[^\n]*REQUESTS_PER_MINUTE_ADDRESS=1000000000\.\n$/);
});
