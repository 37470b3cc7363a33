import assert from "node:assert/strict";
import { argon2Sync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import type { Context } from "moleculer";
import { type Platform, startPlatform } from "../../main.ts";
import { readSettings } from "../../moleculer.config.ts";
import { call, type Params } from "../../services/actions.ts";
import { problemOf } from "../../services/errors.ts";
import { argon2id } from "../../services/hasher/argon2id.ts";
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

const unpadded = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64").replaceAll("=", "");

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

	it("computes what Node does, whatever it is asked", async () => {
		const asked = fc.record({
			password: fc.string({ unit: "grapheme", maxLength: 60 }),
			salt: fc.uint8Array({ minLength: 8, maxLength: 64 }),
			memoryKib: fc.integer({ min: 32, max: 3_000 }),
			passes: fc.integer({ min: 1, max: 4 }),
			parallelism: fc.integer({ min: 1, max: 4 }),
		});
		await fc.assert(
			fc.asyncProperty(asked, async ({ salt, ...params }) => {
				const { password: message, memoryKib: memory, passes, parallelism } = params;
				const tag = argon2Sync("argon2id", { message, nonce: salt, tagLength: 32, memory, passes, parallelism });
				assert.deepEqual(await derive({ ...params, salt: unpadded(salt) }), { tag: unpadded(tag) });
			}),
			{ numRuns: 200 },
		);
	});

	it("computes as many at once as half of the cores, and two at most; fifty wait, and the rest is refused", async () => {
		const all = await Promise.allSettled(Array.from({ length: 100 }, () => derive({ memoryKib: 1_024 })));
		const refusals = all.flatMap((each) => (each.status === "rejected" ? [problemOf(each.reason)] : []));
		const atOnce = availableParallelism() < 4 ? 1 : 2;
		assert.deepEqual(refusals, Array(100 - 50 - atOnce).fill("overloaded"));
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
