import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Client, operatorAt } from "../api/client.ts";
import { Contract, type OpenApi } from "../api/contract.ts";
import { refuseSecretsIn } from "../api/log-watch.ts";
import { type Running, startProcess } from "../api/process.ts";
import { attacks, onceOnlyAttacks, tried, triedInVain } from "./attack/attack.ts";
import { newWorld, type World } from "./attack/world.ts";

const DATA_DIR = mkdtempSync(join(tmpdir(), "hannip-attacks-"));
let platform: Running;
let anyone: Client;
let world: World;
before(async () => {
	platform = await startProcess({ DATA_DIR, LOG_LEVEL: "trace" });
	const document = (await (await fetch(new URL("/openapi.json", platform.publicUrl))).json()) as OpenApi;
	anyone = new Client(platform.publicUrl, new Contract(document));
	world = await newWorld(anyone);
	// Something to attack.
	await world.victim.api.ok("user.send", { to: world.eve.handle, amount: 7 });
});
after(async () => {
	anyone?.close();
	platform?.child.kill("SIGKILL");
	await platform?.exited;
	rmSync(DATA_DIR, { recursive: true, force: true });
});

describe("refused, in always the same words, and nothing changed:", () => {
	for (const attack of attacks) {
		it(attack.name, async () => {
			const { wrong } = await triedInVain(attack, world);
			assert.deepEqual(wrong, []);
		});
	}
});

describe("done once, and no more:", () => {
	for (const attack of onceOnlyAttacks) {
		it(attack.name, async () => {
			const { wrong } = await tried(attack, world);
			assert.deepEqual(wrong, []);
		});
	}
});

it("there are enough of them, each with a name of its own", () => {
	const names = new Set(attacks.map(({ name }) => name));
	assert.ok(names.size >= 120, `${names.size}`);
	assert.equal(names.size, attacks.length);
});

it("what is right still works: the phone, the till", async () => {
	assert.equal((await world.phone.charge()).status, 201);
	await world.till.api.ok("store.listProducts", { storeId: world.shop.id });
	const operator = operatorAt(platform.internalUrl);
	assert.equal((await operator.ok("credit.audit", {})).clean, true);
	operator.close();
});

it("of all that, no line of the log has a password, a token, a proof or a code, though everything is logged", () => {
	const log = platform.stdout() + platform.stderr();
	assert.ok(log.split("\n").length > 100, "too little was logged for this to mean anything");
	refuseSecretsIn(log);
	for (const token of [world.victim.accessToken, world.till.accessToken]) assert.ok(!log.includes(token));
});
