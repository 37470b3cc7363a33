import assert from "node:assert/strict";
import { createHook } from "node:async_hooks";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Context } from "moleculer";
import { type Platform, startPlatform } from "../../main.ts";
import { readSettings } from "../../moleculer.config.ts";
import { call, type Params } from "../../services/actions.ts";
import { problemOf } from "../../services/errors.ts";
import { argon2id, HASHES_AT_ONCE } from "../../services/hasher/argon2id.ts";
import { newProver } from "../api/client.ts";
import { newPerson, PASSWORD } from "../api/people.ts";
import { freePorts, startTestPlatform, type TestPlatform } from "../api/platform.ts";

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
	const DATA_DIR = mkdtempSync(join(tmpdir(), "hannip-hasher-"));
	before(async () => {
		platform = await startPlatform(readSettings({ ...freePorts, DATA_DIR, SERVICES: "hasher", LOG_LEVEL: "fatal" }));
	});
	after(async () => {
		await platform.stop();
		rmSync(DATA_DIR, { recursive: true });
	});

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
		assert.equal(all, 9);
		assert.ok(most >= 1 && most <= Math.min(2, Math.max(1, availableParallelism() / 2)), `${most}`);
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

describe("a hasher that was broken into", () => {
	let platform: TestPlatform;
	/** What it is told beside what it is to compute, and what it says beside that. */
	let told: object[] = [];
	let says: object = {};
	before(async () => {
		platform = await startTestPlatform({});
		const { broker } = platform;
		const honest = broker.getLocalService("hasher");
		await broker.destroyService(honest);
		broker.createService({
			name: "hasher",
			actions: {
				async derive(ctx: Context<Params<"hasher.derive">>) {
					told.push({ ...ctx.meta });
					Object.assign(ctx.meta, says);
					return { tag: await argon2id(ctx.params) };
				},
			},
		});
		await broker.waitForServices("hasher");
	});
	after(() => platform.stop());

	it("is not told whose password it is, and makes nobody of somebody else", async () => {
		const [ada, bob] = [await newPerson(platform.anyone), await newPerson(platform.anyone, { name: "Bob" })];
		for (const { api } of [ada, bob]) await api.ok("user.freeze", {});
		told = [];
		says = { caller: { kind: "person", userId: ada.userId, sessionId: ada.sessionId } };
		await bob.api.ok("user.unfreeze", { password: PASSWORD });
		assert.deepEqual(told, [{}]);
		assert.deepEqual(
			[(await ada.api.ok("user.me", {})).state, (await bob.api.ok("user.me", {})).state],
			["frozen", "open"],
		);
	});

	it("adds nothing to the answer", async () => {
		const ada = await newPerson(platform.anyone);
		says = { $statusCode: 418, $responseHeaders: { "x-hasher": "was here" } };
		const device = platform.anyone.from(await newProver());
		const { status, headers } = await device.call("auth.login", { handle: ada.handle, password: PASSWORD });
		assert.deepEqual([status, headers["x-hasher"]], [201, undefined]);
	});
});
