import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Standstill, VirtualTime } from "./virtual-time.ts";

describe("virtual time", () => {
	it("is that of the timers which the ledger uses, and takes none", async () => {
		const time = new VirtualTime();
		const startMs = time.nowMs;
		const seen: [string, number][] = [];
		const see = (what: string) => seen.push([what, time.nowMs - startMs]);
		await time.run(async () => {
			setTimeout(see, 3_600_000, "never");
			clearTimeout(setTimeout(() => see("cleared"), 10));
			setTimeout(() => see("timer"), 20);
			setImmediate(() => see("immediate"));
			await sleep(5);
			see("slept");
			await Promise.all([sleep(60_000), sleep(15).then(() => see("second at once"))]);
			see("a minute later");
		});
		assert.deepEqual(seen, [
			["immediate", 0],
			["slept", 5],
			["timer", 20],
			["second at once", 20],
			["a minute later", 60_005],
		]);
	});

	it("gives the real timers back", async () => {
		const real = [setTimeout, clearTimeout, setImmediate];
		await new VirtualTime().run(async () => {});
		assert.deepEqual([setTimeout, clearTimeout, setImmediate], real);
		assert.equal(await sleep(1, "real"), "real");
	});

	it("goes on when nobody has anything left to do, however long that takes", async () => {
		const time = new VirtualTime();
		const startMs = time.nowMs;
		await time.run(async () => {
			let isDue = false;
			time.after(1, () => {
				isDue = true;
			});
			for (let n = 0; n < 1_000; n++) await null;
			assert.equal(isDue, false);
			await time.sleep(1);
			assert.equal(isDue, true);
		});
		assert.equal(time.nowMs - startMs, 1);
	});

	it("ends when everybody waits for nothing, or does nothing without an end", async () => {
		await assert.rejects(
			new VirtualTime().run(() => new Promise(() => {})),
			Standstill,
		);
		const busy = async () => {
			for (;;) await new Promise((resolve) => setImmediate(resolve));
		};
		await assert.rejects(new VirtualTime().run(busy), Standstill);
	});
});
