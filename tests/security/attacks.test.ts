import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Client, OPERATOR_TOKEN, operatorAt } from "../api/client.ts";
import { Contract, type OpenApi } from "../api/contract.ts";
import { PASSWORD } from "../api/people.ts";
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
	const secrets = {
		password: PASSWORD,
		operator: OPERATOR_TOKEN,
		"access token": world.victim.accessToken,
		"till token": world.till.accessToken,
		"any token or proof": /eyJ[A-Za-z0-9_-]{20,}/,
		"payment code": /HN:[0-9A-Z $%*+./:-]{40}/,
		"refresh token": /n_[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{43}/,
		"password hash": /\$argon2/,
		"private key": /PRIVATE KEY/,
	};
	const found = Object.entries(secrets).filter(([, secret]) =>
		typeof secret === "string" ? log.includes(secret) : secret.test(log),
	);
	assert.deepEqual(
		found.map(([what]) => what),
		[],
	);
});
