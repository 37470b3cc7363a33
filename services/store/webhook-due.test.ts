import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { adapterFor, type Documents } from "../../mixins/database.ts";
import { type Delivery, forgetOld, replaySince } from "./webhook-delivery.ts";
import { DueDeliveries } from "./webhook-due.ts";
import { Places } from "./webhook-places.ts";

const NOW_MS = 1_800_000_000_000;
const dataDir = mkdtempSync(join(tmpdir(), "hannip-due-"));
const adapter = adapterFor({ dataDir }, { collection: "deliveries", indexes: [{ fields: ["state", "dueAtMs"] }] });
const deliveries = adapter as unknown as Documents<Delivery>;
before(() => adapter.connect());
beforeEach(() => deliveries.removeMany({}));
after(async () => {
	await adapter.disconnect();
	rmSync(dataDir, { recursive: true });
});

/** Deliveries of one webhook, due one after the other until now. */
const dueOf = (name: string, count: number, beganMs = NOW_MS - 3_600_000) =>
	deliveries.insertMany(
		Array.from({ length: count }, (_, n) => ({
			_id: `w_${name}.${String(n).padStart(6, "0")}`,
			...{ webhookId: `w_${name}`, storeId: `s_${name}`, ownerId: `u_${name}`, eventId: `evt_${n}` },
			...{ type: "sale.posted" as const, body: "{}", state: "waiting" as const, attempts: 0, dueAtMs: beganMs + n },
			...{ lastAtMs: null, lastStatus: null, lastError: null, lastTookMs: null, createdAtMs: beganMs },
		})),
	);

const next = async (due: DueDeliveries, nowMs = NOW_MS) => await Array.fromAsync(due.next(nowMs), ({ _id }) => _id);

/** As whoever sends it does. */
async function deliver(places: Places, _id: string): Promise<void> {
	const [delivery] = await deliveries.findByIds([_id]);
	await deliveries.updateById(_id, { $set: { state: "delivered" } });
	places.giveBack(delivery as Delivery);
}

it("all that is due is found once, each webhook's in order, as places become free", async () => {
	await dueOf("one", 300);
	await dueOf("two", 120, NOW_MS - 100);
	const places = new Places();
	const due = new DueDeliveries(deliveries, places);
	const found: string[] = [];
	for (let nowMs = NOW_MS + 100; ; nowMs += 1) {
		const batch = await next(due, nowMs);
		if (batch.length === 0) break;
		assert.ok(batch.length <= 8);
		found.push(...batch);
		for (const _id of batch) await deliver(places, _id);
	}
	assert.equal(new Set(found).size, 420);
	for (const name of ["one", "two"]) {
		const its = found.filter((_id) => _id.startsWith(`w_${name}`));
		assert.deepEqual(its, its.toSorted());
	}
});

it("what cannot be sent is passed once, not on every look", async () => {
	await dueOf("silent", 2_000);
	let read = 0;
	const counting = new Proxy(deliveries, {
		get: (target, name) =>
			name === "find"
				? async (...asked: Parameters<typeof target.find>) => {
						const found = await target.find(...asked);
						read += found.length;
						return found;
					}
				: Reflect.get(target, name, target),
	});
	const due = new DueDeliveries(counting, new Places());
	assert.equal((await next(due)).length, 4);
	read = 0;
	await dueOf("neighbour", 1, NOW_MS);
	assert.deepEqual(await next(due), ["w_neighbour.000000"]);
	assert.ok(read <= 10, `${read} were read for one`);
});

it("what was written late, or overlooked, is found", async () => {
	const due = new DueDeliveries(deliveries, new Places());
	await dueOf("first", 1, NOW_MS);
	await next(due);
	await dueOf("late", 1, NOW_MS - 5_000);
	assert.deepEqual(await next(due, NOW_MS + 1), ["w_late.000000"]);
	await dueOf("overlooked", 1, NOW_MS - 3_600_000);
	assert.deepEqual(await next(due, NOW_MS + 1_000), ["w_overlooked.000000"]);
});

it("what is old is forgotten, and others have their turn meanwhile", async () => {
	const DAY_MS = 86_400_000;
	await dueOf("old", 500, NOW_MS - 31 * DAY_MS);
	await dueOf("young", 3, NOW_MS - 29 * DAY_MS);
	// Those of a page were all made in the same moment.
	let at = 0;
	for (const { _id } of await deliveries.find({ query: { webhookId: "w_old" } }))
		await deliveries.updateById(_id, { $set: { createdAtMs: NOW_MS - 31 * DAY_MS + (at++ >> 1) } });
	let [turns, isOver] = [0, false];
	const others = (async () => {
		for (; !isOver; turns++) await setImmediate();
	})();
	await forgetOld(deliveries, NOW_MS, () => false);
	isOver = true;
	await others;
	assert.ok(turns >= 9, `${turns} turns`);
	assert.deepEqual(
		await Promise.all(["w_old", "w_young"].map((webhookId) => deliveries.count({ query: { webhookId } }))),
		[0, 3],
	);
});

it("what is forgotten in the next moment is not sent again, and does not keep the others from that", async () => {
	const keptFromMs = NOW_MS - 30 * 86_400_000;
	for (const [name, createdAtMs] of [
		["old", keptFromMs + 1_000],
		["new", keptFromMs + 3_600_000],
	] as const) {
		await deliveries.insert({
			_id: `w_one.${name}`,
			...{
				webhookId: "w_one",
				storeId: "s_one",
				ownerId: "u_one",
				eventId: `evt_00000000000000${name === "old" ? 1 : 2}_00000`,
			},
			...{ type: "sale.posted" as const, body: "{}", state: "failed" as const, attempts: 9, dueAtMs: createdAtMs },
			...{ lastAtMs: null, lastStatus: null, lastError: null, lastTookMs: null, createdAtMs },
		});
	}
	const asked = { webhookId: "w_one", storeId: "s_one", fromMs: 0 };
	assert.deepEqual(await replaySince(deliveries, asked, NOW_MS), { count: 1, isAll: true });
	assert.equal((await deliveries.findById("w_one.new"))?.state, "waiting");
	assert.equal((await deliveries.findById("w_one.old"))?.state, "failed");
});

it("a replay has all that is dated from then on, whoever's clock dated it, in parts that follow each other", async () => {
	const HOUR_MS = 3_600_000;
	// One of those who read the log was ahead by two hours for a while; what came after it in the log is dated earlier.
	const dates = Array.from({ length: 3_000 }, (_, n) => NOW_MS - 4 * HOUR_MS + n + (n % 1_000 < 500 ? 2 * HOUR_MS : 0));
	await dueOf("one", dates.length);
	const all = await deliveries.find({ sort: "eventId" });
	for (const [n, { _id }] of all.entries())
		await deliveries.updateById(_id, { $set: { createdAtMs: dates[n] as number, state: "delivered" } });
	const wanted = all.flatMap(({ _id }, n) => ((dates[n] as number) >= NOW_MS - 3 * HOUR_MS ? [_id] : []));
	const asked = { webhookId: "w_one", storeId: "s_one", state: "delivered" } as const;
	const replayed: string[] = [];
	for (let fromMs = NOW_MS - 3 * HOUR_MS, isAll = false; !isAll; ) {
		const answer = await replaySince(deliveries, { ...asked, fromMs }, NOW_MS);
		isAll = answer.isAll;
		const again = await deliveries.find({ query: { state: "waiting" }, sort: "dueAtMs" });
		assert.equal(again.length, answer.count);
		replayed.push(...again.map(({ _id }) => _id));
		fromMs = Number(again.at(-1)?.createdAtMs) + 1;
		await deliveries.updateMany({ state: "waiting" }, { $set: { state: "failed" } });
	}
	assert.deepEqual(replayed.toSorted(), wanted.toSorted());
	assert.equal(new Set(replayed).size, replayed.length);
});
