import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { freeze, until } from "../../scripts/cluster/processes.ts";
import { assertRefused, Client } from "./client.ts";
import { newPerson } from "./people.ts";
import { type Running, startProcess } from "./process.ts";

const dataDir = mkdtempSync(join(tmpdir(), "hannip-standstill-"));
let running: Running;
let anyone: Client;
before(async () => {
	running = await startProcess({ DATA_DIR: dataDir });
	anyone = new Client(running.publicUrl, null);
});
after(async () => {
	anyone?.close();
	running?.child.kill("SIGKILL");
	await running?.exited;
	rmSync(dataDir, { recursive: true, force: true });
});

it("a gateway that was frozen begins nothing of what was sent to it meanwhile: who asked has gone, and may think otherwise by now", async () => {
	const ada = await newPerson(anyone);
	const rename = (displayName: string) => ada.api.call("user.edit", { displayName });
	freeze(Number(running.child.pid));
	const renamed = ["Old", "Older"].map(rename);
	// Longer than anybody waits for an answer.
	await sleep(11_000);
	running.child.kill("SIGCONT");
	for (const answer of await Promise.all(renamed)) {
		assertRefused(answer, "service_unavailable", "what was sent while it was frozen");
		assert.equal(answer.headers["retry-after"], "1");
	}
	await until(async () => (await ada.api.call("user.me", {})).status === 200, "it goes on");
	assert.equal((await ada.api.ok("user.me", {})).displayName, "Ada");
});

it("one that was frozen for a moment goes on with it", async () => {
	const ada = await newPerson(anyone);
	freeze(Number(running.child.pid));
	const renamed = ada.api.call("user.edit", { displayName: "New" });
	await sleep(1_000);
	running.child.kill("SIGCONT");
	assert.equal((await renamed).status, 200);
});
