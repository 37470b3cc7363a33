import assert from "node:assert/strict";
import { createHook } from "node:async_hooks";
import { after, before, describe, it } from "node:test";
import { type Platform, startPlatform } from "../../main.ts";
import { readSettings } from "../../moleculer.config.ts";
import { call, type Params } from "../../services/actions.ts";
import { problemOf } from "../../services/errors.ts";
import { HASHES_AT_ONCE } from "../../services/hasher/argon2id.ts";
import { freePorts } from "../api/platform.ts";

/** As the reference implementation computes it: argon2 somesalt -id -t 2 -m 16 -p 1, RFC 9106. */
const reference: Params<"hasher.derive"> = {
	password: "password",
	salt: "c29tZXNhbHQ",
	memoryKib: 65_536,
	passes: 2,
	parallelism: 1,
};
const TAG = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

describe("the hasher", () => {
	let platform: Platform;
	before(async () => {
		platform = await startPlatform(readSettings({ ...freePorts, SERVICES: "hasher", LOG_LEVEL: "fatal" }));
	});
	after(() => platform.stop());

	const derive = (params: object) => call(platform.broker, "hasher.derive", { ...reference, ...params });

	it("computes what the reference implementation computes", async () => {
		assert.deepEqual(await derive({}), { tag: TAG });
		assert.notEqual((await derive({ password: "passwort" })).tag, TAG);
	});

	it("computes no more at once than half of the cores, and two, however many are wanted", async () => {
		const open = new Set<number>();
		let [most, all] = [0, 0];
		const watch = createHook({
			init(id, type) {
				if (type !== "ARGON2REQUEST") return;
				open.add(id);
				all += 1;
				most = Math.max(most, open.size);
			},
			before: (id) => void open.delete(id),
		}).enable();
		await Promise.all(Array.from({ length: 9 }, () => derive({ memoryKib: 1_024 })));
		watch.disable();
		assert.deepEqual([all, most], [9, HASHES_AT_ONCE]);
	});

	it("refuses who would wait behind too many", async () => {
		const all = await Promise.allSettled(Array.from({ length: 100 }, () => derive({ memoryKib: 1_024 })));
		const refusals = all.flatMap((each) => (each.status === "rejected" ? [problemOf(each.reason)] : []));
		assert.deepEqual(refusals, Array(100 - 50 - HASHES_AT_ONCE).fill("overloaded"));
	});

	const costly: readonly [string, object][] = [
		["memory", { memoryKib: 4_000_000 }],
		["passes", { passes: 1_000 }],
		["lanes", { parallelism: 64 }],
		["password", { password: "x".repeat(385) }],
		["salt", { salt: "A".repeat(1_000) }],
		["no salt", { salt: "" }],
	];
	for (const [what, params] of costly)
		it(`refuses a cost that would fill it: ${what}`, async () => {
			await assert.rejects(derive(params), (error) => problemOf(error) === "validation_failed");
		});
});
