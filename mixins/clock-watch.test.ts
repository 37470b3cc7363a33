import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Middleware, ServiceBroker } from "moleculer";
import { aheadOf, watchClock } from "./clock-watch.ts";
import { metricsOf } from "./metrics.ts";

const pong = (timeDiff: number, elapsedTime = 2) => ({ timeDiff, elapsedTime });

describe("how far a clock is from the others'", () => {
	it("is how far it is from most of them: one that is wrong is wrong alone", () => {
		assert.equal(aheadOf([pong(5_001), pong(5_000), pong(4_999)]), 5_000);
		assert.equal(aheadOf([pong(-60_000), pong(1), pong(3)]), 1);
		assert.equal(aheadOf([pong(-2), pong(60_000)]), -2);
		assert.equal(aheadOf([pong(60_000), pong(3)]), 3);
		assert.equal(aheadOf([pong(-700)]), -700);
	});

	it("is not known from who did not answer, or so late that it says nothing", () => {
		assert.equal(aheadOf([]), null);
		assert.equal(aheadOf([null, pong(900, 501)]), null);
		assert.equal(aheadOf([null, pong(900, 501), pong(7, 500)]), 7);
	});
});

/** Its clock is five seconds behind, as far as it says when a ping came. */
const behind: Middleware = {
	name: "Behind",
	transitPublish: (next: (packet: { type: string; payload: { arrived: number } }) => unknown) =>
		function publish(packet: { type: string; payload: { arrived: number } }) {
			if (packet.type === "PONG") packet.payload.arrived -= 5_000;
			return next(packet);
		},
} as unknown as Middleware;

describe("a process", () => {
	it("tells how far its clock is ahead, and says so in the log once", async (t) => {
		const lines: string[] = [];
		const here = new ServiceBroker({ nodeID: "here", transporter: "Fake", logger: false, metrics: true });
		t.mock.method(here.logger, "warn", (line: string) => void lines.push(line));
		const there = new ServiceBroker({ nodeID: "there", transporter: "Fake", logger: false, middlewares: [behind] });
		t.mock.timers.enable({ apis: ["setInterval"] });
		const watch = watchClock(here, null);
		const page = async () => (await metricsOf(here)?.page()) ?? "";
		assert.doesNotMatch(await page(), /^hannip_clock_offset_seconds\{/m);
		await Promise.all([here.start(), there.start()]);
		try {
			const told = /^hannip_clock_offset_seconds\{from="processes"\} (\S+)$/m;
			for (let round = 0; round < 3 || !told.test(await page()); round++) {
				t.mock.timers.tick(15_000);
				await sleep(50);
			}
			// To half of the longest way that counts.
			assert.ok(Math.abs(Number(told.exec(await page())?.[1]) - 5) <= 0.25);
			assert.doesNotMatch(await page(), /from="mongodb"/);
			assert.deepEqual(
				lines.map((line) => /: [45]\d{3} ms ahead of processes\./.test(line)),
				[true],
			);
		} finally {
			watch.stop();
			await Promise.all([here.stop(), there.stop()]);
		}
	});
});
