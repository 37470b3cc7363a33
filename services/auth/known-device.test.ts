import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Documents } from "../../mixins/database.ts";
import { SqliteAdapter } from "../../mixins/sqlite-adapter.ts";
import { DEVICES_MAX, forgetAll, type KnownDevice, knownDevice, remember } from "./known-device.ts";

const folder = mkdtempSync(join(tmpdir(), "hannip-devices-"));
const adapter = new SqliteAdapter({ path: join(folder, "hannip.sqlite"), collection: "devices" });
const devices = adapter as unknown as Documents<KnownDevice>;
before(() => adapter.connect());
after(async () => {
	await adapter.disconnect();
	rmSync(folder, { recursive: true });
});

const T0 = 1_800_000_000_000;
const isKnown = async (...place: Parameters<typeof knownDevice>) => (await knownDevice(...place)) !== null;
const on = (handle: string, jkt: string, nowMs = T0) => ({ userId: `u_${handle}`, handle, jkt, nowMs });

test("a device is known for the account that it was logged in to, and for no other", async () => {
	await remember(devices, on("ada", "phone"));
	await remember(devices, on("bob", "laptop"));
	assert.equal(await isKnown(devices, on("ada", "phone")), true);
	for (const other of [on("ada", "laptop"), on("bob", "phone"), on("nobody", "phone"), on("ad", "aphone")])
		assert.equal(await isKnown(devices, other), false);
});

test("a device that logs in twice at once is one device", async () => {
	await Promise.all([remember(devices, on("twin", "phone")), remember(devices, on("twin", "phone"))]);
	assert.equal(await devices.count({ query: { userId: "u_twin" } }), 1);
});

test("of many devices those are kept that were used last", async () => {
	for (let index = 0; index < DEVICES_MAX; index++) await remember(devices, on("carol", `phone-${index}`, T0 + index));
	await remember(devices, on("carol", "phone-0", T0 + 1_000));
	await remember(devices, on("carol", "another", T0 + 1_001));
	assert.equal(await devices.count({ query: { userId: "u_carol" } }), DEVICES_MAX);
	const known = (jkt: string) => isKnown(devices, on("carol", jkt));
	assert.deepEqual(await Promise.all(["phone-0", "phone-1", "phone-2", "another"].map(known)), [
		true,
		false,
		true,
		true,
	]);
});

test("all devices of one account can be forgotten", async () => {
	await remember(devices, on("dan", "phone"));
	await remember(devices, on("eve", "phone"));
	await forgetAll(devices, "u_dan");
	assert.equal(await isKnown(devices, on("dan", "phone")), false);
	assert.equal(await isKnown(devices, on("eve", "phone")), true);
});

test("when a device was used is noted once an hour", async () => {
	const logIn = async (laterMs: number) => {
		const place = on("fay", "phone", T0 + laterMs);
		await remember(devices, place, await knownDevice(devices, place));
		return (await knownDevice(devices, place))?.usedAtMs;
	};
	assert.equal(await logIn(0), T0);
	assert.equal(await logIn(3_599_999), T0);
	assert.equal(await logIn(3_600_000), T0 + 3_600_000);
	assert.equal(await logIn(3_600_001), T0 + 3_600_000);
	const dayMs = 86_400_000;
	assert.equal(await logIn(dayMs), T0 + dayMs, "by a clock that is ahead");
	assert.equal(await logIn(3_600_002), T0 + 3_600_002);
});
