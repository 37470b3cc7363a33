import assert from "node:assert/strict";
import { sign, verify } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Documents } from "../../mixins/database.ts";
import { SqliteAdapter } from "../../mixins/sqlite-adapter.ts";
import { KEPT_MS, type KeyDocument } from "./key-ring.ts";
import { ROTATION_MIN_MS, SigningKeys } from "./signing-keys.ts";

const folder = mkdtempSync(join(tmpdir(), "hannip-keys-"));
const opened: (() => Promise<void> | void)[] = [];
after(async () => {
	for (const close of opened) await close();
	rmSync(folder, { recursive: true });
});

const DAY_MS = 86_400_000;
const SECRET = "a secret of at least 32 characters";
const failed = (error: unknown) => assert.fail(error as Error);

/** A data directory with a database in it, and processes that share it. */
async function newPlace() {
	const dataDir = mkdtempSync(join(folder, "data-"));
	const adapter = new SqliteAdapter({ path: join(dataDir, "hannip.sqlite"), collection: "signing_keys" });
	await adapter.connect();
	opened.push(() => adapter.disconnect());
	const documents = adapter as unknown as Documents<KeyDocument>;
	let rotations = 0;
	const start = async ({ keySecret = SECRET as string | null, keyRotationDays = 30 } = {}) => {
		const rotated = () => void rotations++;
		const settings = { dataDir, keySecret, keyRotationDays };
		const keys = await SigningKeys.start({ documents, settings, rotated, failed });
		opened.push(() => keys.stop());
		return keys;
	};
	return { dataDir, documents, start, told: () => rotations };
}

const statesOf = (keys: SigningKeys): string[] => keys.all.map(({ kid, state }) => `${kid} ${state}`);
/** As if a key had been made at another time. */
const makeOlder = (documents: Documents<KeyDocument>, kid: string, createdAtMs: number) =>
	documents.updateById(kid, { $set: { createdAtMs } });

test("the first start makes two keys: one signs, one is known before it does", async () => {
	const { start } = await newPlace();
	const keys = await start();
	assert.deepEqual(statesOf(keys), ["1 active", "2 next"]);
	assert.equal(keys.active.kid, "1");
	const distinct = keys.all.flatMap(({ handleKey, refreshKey, publicJwk }) => [
		handleKey.export().toString("hex"),
		refreshKey.toString("hex"),
		publicJwk.x,
	]);
	assert.equal(new Set(distinct).size, 6);
});

test("another process, and the next start, have the same keys", async () => {
	const { start } = await newPlace();
	const [first, second] = [await start(), await start()];
	assert.deepEqual(
		second.all.map(({ publicJwk }) => publicJwk),
		first.all.map(({ publicJwk }) => publicJwk),
	);
	const signature = sign("sha256", Buffer.from("one process signs"), first.active.privateKey);
	assert.ok(verify("sha256", Buffer.from("one process signs"), second.active.privateKey, signature));
	assert.deepEqual(second.active.refreshKey, first.active.refreshKey);
});

test("eight first starts at once make two keys", async () => {
	const { documents, start } = await newPlace();
	const all = await Promise.all(Array.from({ length: 8 }, () => start()));
	assert.equal(await documents.count(), 2);
	assert.equal(new Set(all.map(({ active }) => active.publicJwk.x)).size, 1);
});

test("a rotation lets the next key sign and makes another one; what signed before still verifies", async () => {
	const { start, told } = await newPlace();
	const keys = await start();
	const [first, second] = keys.all;
	await keys.rotate(Date.now());
	assert.deepEqual(statesOf(keys), ["1 previous", "2 active", "3 next"]);
	assert.equal(keys.active.publicJwk.x, second?.publicJwk.x);
	assert.equal(keys.all[0]?.publicJwk.x, first?.publicJwk.x);
	assert.equal(told(), 1);
});

test("eight rotations at once make one key", async () => {
	const { documents, start } = await newPlace();
	const processes = await Promise.all(Array.from({ length: 8 }, () => start()));
	const outcomes = await Promise.allSettled(processes.map((keys) => keys.rotate(Date.now())));
	assert.ok(outcomes.some(({ status }) => status === "fulfilled"));
	for (const outcome of outcomes)
		if (outcome.status === "rejected") assert.equal(outcome.reason.type, "keys_rotated_recently");
	assert.equal(await documents.count(), 3);
	for (const keys of processes) await keys.reload(Date.now());
	assert.equal(new Set(processes.map(({ active }) => active.publicJwk.x)).size, 1);
});

test("a second rotation waits until everybody has heard of the first, and says how long", async () => {
	const { documents, start } = await newPlace();
	const [keys, other] = [await start(), await start()];
	const nowMs = Date.now();
	await keys.rotate(nowMs);
	const refused = { type: "keys_rotated_recently", data: { retryAfterS: 1 } };
	await assert.rejects(keys.rotate(nowMs + ROTATION_MIN_MS - 1), refused);
	// Wherever it was.
	await assert.rejects(other.rotate(nowMs + ROTATION_MIN_MS - 1), refused);
	assert.equal(await documents.count(), 3);
	await other.rotate(nowMs + ROTATION_MIN_MS);
	assert.deepEqual(statesOf(other), ["1 previous", "2 previous", "3 active", "4 next"]);
	const retiredAt = other.all.map(({ retiredAtMs }) => retiredAtMs);
	assert.deepEqual(retiredAt, [nowMs, nowMs + ROTATION_MIN_MS, undefined, undefined]);
});

test("the schedule rotates when the newest key is old enough, once for all processes", async () => {
	const { documents, start } = await newPlace();
	const processes = await Promise.all(Array.from({ length: 4 }, () => start({ keyRotationDays: 7 })));
	const createdAtMs = processes[0]?.all.at(-1)?.createdAtMs as number;
	for (const keys of processes) await keys.look(createdAtMs + 7 * DAY_MS - 1);
	assert.equal(await documents.count(), 2);
	await Promise.all(processes.map((keys) => keys.look(createdAtMs + 7 * DAY_MS)));
	for (const keys of processes) await keys.look(createdAtMs + 7 * DAY_MS + 1);
	for (const keys of processes) assert.deepEqual(statesOf(keys), ["1 previous", "2 active", "3 next"]);
});

test("a previous key is kept for as long as what it signed, counted from when it stopped, and then it goes", async () => {
	const { documents, start } = await newPlace();
	const keys = await start();
	const rotatedAtMs = Date.now() + 60 * DAY_MS;
	await keys.rotate(rotatedAtMs);
	await keys.look(rotatedAtMs + KEPT_MS - 1);
	assert.deepEqual(statesOf(keys), ["1 previous", "2 active", "3 next"]);
	await keys.look(rotatedAtMs + KEPT_MS);
	assert.deepEqual(statesOf(keys), ["2 active", "3 next"]);
	assert.deepEqual(
		(await documents.find()).map(({ _id }) => _id),
		["2", "3"],
	);
	assert.ok(KEPT_MS > 12 * 3_600_000, "a till's token outlives the key that signed it");
});

test("keys are ordered by number: the tenth comes behind the ninth, whatever the clocks said", async () => {
	const { documents, start } = await newPlace();
	const keys = await start();
	for (let kid = 3, nowMs = Date.now(); kid <= 12; kid++, nowMs += ROTATION_MIN_MS) await keys.rotate(nowMs);
	assert.deepEqual(statesOf(keys).slice(-4), ["9 previous", "10 previous", "11 active", "12 next"]);
	await makeOlder(documents, "12", 0);
	await keys.reload(Date.now());
	assert.equal(keys.active.kid, "11");
});

test("a process that has not heard of a rotation derives by a key that began to sign elsewhere", async () => {
	const { start } = await newPlace();
	const [here, there] = [await start(), await start()];
	await there.rotate(Date.now());
	await there.rotate(Date.now() + ROTATION_MIN_MS);
	assert.equal(here.active.kid, "1");
	const { kid, secretOf } = there.refreshKeys;
	assert.equal(kid, "3");
	assert.deepEqual(await here.refreshKeys.secretOf(kid), await secretOf(kid));
	await assert.rejects(here.refreshKeys.secretOf("99"), { type: "service_unavailable" });
});

test("another secret opens nothing, says so, and changes nothing", async () => {
	const { documents, start } = await newPlace();
	const keys = await start();
	await keys.rotate(Date.now());
	const before = await documents.find();
	const wrong = /^KEY_SECRET does not open the signing keys: .* Nothing was changed\.$/;
	await assert.rejects(start({ keySecret: `${SECRET}!` }), { message: wrong });
	assert.deepEqual(await documents.find(), before);
	assert.equal((await start()).active.publicJwk.x, keys.active.publicJwk.x);
});

test("a key that was altered, or put in another one's place, is not used", async () => {
	const { documents, start } = await newPlace();
	const keys = await start();
	const { sealed } = (await documents.findById("1")) as KeyDocument;
	await documents.updateById("2", { $set: { sealed } });
	await assert.rejects(keys.reload(Date.now()), /does not open/);
	assert.deepEqual(statesOf(keys), ["1 active", "2 next"]);
});

test("without a secret a file beside the database has one, for its owner only", async () => {
	const { dataDir, start } = await newPlace();
	const file = join(dataDir, "keys.secret");
	const keys = await start({ keySecret: null });
	assert.equal(statSync(file).mode & 0o777, 0o600);
	assert.match(readFileSync(file, "utf8"), /^[A-Za-z0-9_-]{43}\n$/);
	assert.deepEqual(
		readdirSync(dataDir).filter((name) => name.startsWith("keys.")),
		["keys.secret"],
	);
	const again = await start({ keySecret: null });
	assert.equal(again.active.publicJwk.x, keys.active.publicJwk.x);
});

test("a file that is gone, cut off or another one's is not replaced", async () => {
	const { dataDir, documents, start } = await newPlace();
	await start({ keySecret: null });
	const file = join(dataDir, "keys.secret");
	const [right, before] = [readFileSync(file, "utf8"), await documents.find()];
	for (const [text, message] of [
		["", /is no secret/],
		[right.slice(0, 20), /is no secret/],
		[right.toLowerCase(), /keys\.secret does not open the signing keys/],
	] as const) {
		writeFileSync(file, text);
		await assert.rejects(start({ keySecret: null }), { message });
		assert.equal(readFileSync(file, "utf8"), text);
	}
	rmSync(file);
	await assert.rejects(start({ keySecret: null }), /keys\.secret is missing/);
	assert.ok(!existsSync(file));
	assert.deepEqual(await documents.find(), before);
	writeFileSync(file, right);
	await start({ keySecret: null });
});

test("nothing of a secret half lies open", async () => {
	const { documents, start } = await newPlace();
	const keys = await start();
	const stored = JSON.stringify(await documents.find());
	for (const { privateKey, handleKey, refreshKey } of keys.all) {
		const { d } = privateKey.export({ format: "jwk" });
		for (const secret of [
			String(d),
			handleKey.export().toString("base64url"),
			refreshKey.toString("base64url"),
			"PRIVATE",
		]) {
			assert.ok(!stored.includes(secret), `a secret of ${secret.length} characters`);
		}
	}
});
