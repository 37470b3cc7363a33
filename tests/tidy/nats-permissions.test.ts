import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { needsOf, usersConf, usersFile } from "../../scripts/deploy/nats-permissions.ts";

describe("who may say what on NATS", () => {
	it("is what the code needs: `npm run permissions` changes nothing", () => {
		assert.equal(readFileSync(usersFile, "utf8"), usersConf());
	});

	it("is known of every call in the code: each file that calls by name was understood", () => {
		assert.ok(needsOf("api").calls.length > 60);
		for (const name of ["auth.admit", "auth.tillKey", "credit.status", "user.listEvents", "auth.keyring", "store.sell"])
			assert.ok(needsOf("api").calls.includes(name), name);
		for (const name of ["credit.post", "credit.void", "credit.feed", "auth.keyring", "user.identify"])
			assert.ok(needsOf("store").calls.includes(name), name);
		assert.deepEqual(needsOf("hasher"), { calls: [], tells: [], hears: ["traces.kept"] });
		// The ledger asks nobody. Who operates runs beside it, and asks much.
		for (const name of ["process.drain", "auth.rotateKeys", "user.lock", "credit.transfer"])
			assert.ok(needsOf("credit").calls.includes(name), name);
		const { tells, hears } = needsOf("credit");
		assert.deepEqual({ tells, hears }, { tells: ["ledger.appended"], hears: ["ledger.appended", "traces.kept"] });
		const calls = ["hasher.derive"];
		assert.deepEqual(needsOf("auth"), { calls, tells: ["auth.keysRotated"], hears: ["traces.kept"] });
	});
});
