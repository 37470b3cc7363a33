import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { Client, newKey } from "./client.ts";
import { newPerson } from "./people.ts";
import { type Running, startProcess } from "./process.ts";

const dataDir = mkdtempSync(join(tmpdir(), "hannip-limit-"));
let running: Running | undefined;
const end = async () => {
	running?.child.kill("SIGKILL");
	await running?.exited;
};
after(async () => {
	await end();
	rmSync(dataDir, { recursive: true, force: true });
});

it("a charge that was made is not refused when it is sent again after the limit was lowered", async () => {
	running = await startProcess({ DATA_DIR: dataDir, CHARGE_MAX: "1000" });
	let anyone = new Client(running.publicUrl, null);
	const { api, prover, accessToken } = await newPerson(anyone);
	const said = { idempotencyKey: newKey(), amount: 800 };
	const charged = await api.call("user.charge", said);
	assert.equal(charged.status, 201);
	anyone.close();
	await end();

	running = await startProcess({ DATA_DIR: dataDir, CHARGE_MAX: "500" });
	anyone = new Client(running.publicUrl, null);
	const again = anyone.from(prover, accessToken);
	const { status, body, headers } = await again.call("user.charge", said);
	assert.deepEqual([status, headers["idempotent-replayed"], body], [201, "true", charged.body]);
	await again.refused("user.charge", { ...said, amount: 801 }, "idempotency_key_reused");
	await again.refused("user.charge", { amount: 800 }, "charge_limit_exceeded");
	assert.equal((await again.ok("user.me", {})).balance, 800);
	anyone.close();
});
