import assert from "node:assert/strict";
import { it } from "node:test";
import { PASSWORD } from "./people.ts";
import { startTestPlatform } from "./platform.ts";
import { launch } from "./process.ts";

it("a platform that logs a password, even where nothing is printed, fails its test", async () => {
	const { broker, stop } = await startTestPlatform({ LOG_LEVEL: "fatal" });
	broker.getLogger("careless").debug("signing up", { who: { password: PASSWORD } });
	await assert.rejects(stop(), /the log has a password/);
});

it("so does a process that writes a token", async () => {
	const writer = launch({}, [process.execPath, "--eval", `console.log("Bearer eyJ" + "a".repeat(30))`]);
	await assert.rejects(writer.exited, /the log has a token or proof/);
});
