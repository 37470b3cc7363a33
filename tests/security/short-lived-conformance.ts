import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { ShortLived } from "../../services/auth/short-lived.ts";

/** MongoDB removes by its own clock what is over: here nothing is, by that. */
const T0 = Date.now() + 86_400_000;

/** What every `ShortLived` promises. @param open another connection to the same one, each time */
export function shortLivedConformance(name: string, open: () => Promise<ShortLived>): void {
	describe(name, () => {
		let one: ShortLived;
		let two: ShortLived;
		let keys = 0;
		const newKey = (): string => `key-${++keys}`;
		before(async () => {
			[one, two] = [await open(), await open()];
		});
		after(() => Promise.all([one?.close(), two?.close()]));

		const now = { nowMs: T0, untilMs: T0 + 60_000 };
		const by = (time: typeof now, questionId = newKey()) => ({ ...time, questionId });

		it("gives a key to the first who asks, and to nobody else until its time is over", async () => {
			const key = newKey();
			assert.deepEqual(await one.claim([key], by(now)), [true]);
			assert.deepEqual(await one.claim([key], by(now)), [false]);
			assert.deepEqual(await two.claim([key], by({ nowMs: T0 + 59_999, untilMs: T0 + 90_000 })), [false]);
			assert.deepEqual(await two.claim([key], by({ nowMs: T0 + 60_000, untilMs: T0 + 90_000 })), [true]);
			assert.deepEqual(await one.claim([key], by({ nowMs: T0 + 89_999, untilMs: T0 + 99_000 })), [false]);
		});

		it("tells of each key by itself, and gives one that is asked for twice at once only once", async () => {
			const [a, b, c] = [newKey(), newKey(), newKey()];
			await one.claim([b], by(now));
			assert.deepEqual(await two.claim([a, b, c, a], by(now)), [true, false, true, false]);
			assert.deepEqual(await two.claim([], by(now)), []);
		});

		it("gives a key again to the question that has it, wherever that is asked again", async () => {
			const [key, other] = [newKey(), newKey()];
			const question = by(now);
			assert.deepEqual(await one.claim([key, other, key], question), [true, true, false]);
			assert.deepEqual(await two.claim([key, other, key], question), [true, true, false]);
			assert.deepEqual(await two.claim([key], by(now)), [false]);
			assert.deepEqual(await one.claim([key], question), [true]);
		});

		it("gives a key that 64 ask for at the same time to one of them, ten times over", async () => {
			for (let round = 0; round < 10; round++) {
				const key = newKey();
				const asked = Array.from({ length: 64 }, (_, index) => (index % 2 ? one : two).claim([key, newKey()], by(now)));
				const answers = await Promise.all(asked);
				assert.equal(answers.filter(([isFirst]) => isFirst).length, 1);
				assert.ok(answers.every(([, isFirst]) => isFirst));
			}
		});

		it("gives a key whose time is over to one of 64 as well", async () => {
			const key = newKey();
			await one.claim([key], by(now));
			const later = { nowMs: T0 + 60_000, untilMs: T0 + 120_000 };
			const asked = Array.from({ length: 64 }, (_, index) => (index % 2 ? one : two).claim([key], by(later)));
			assert.equal((await Promise.all(asked)).filter(([isFirst]) => isFirst).length, 1);
		});

		it("counts exactly, whoever adds at the same time", async () => {
			const key = newKey();
			const adds = Array.from({ length: 200 }, (_, index) => (index % 2 ? one : two).add([{ key, amount: 1, ...now }]));
			const counts = (await Promise.all(adds)).map(([counted]) => counted?.count ?? 0);
			assert.ok(counts.every((count) => count >= 1 && count <= 200));
			// However small a limit is: no more are told to be within it.
			for (const [index, count] of counts.sort((left, right) => left - right).entries()) assert.ok(count > index);
			assert.deepEqual(await one.read([key], T0), [200]);
			assert.deepEqual(await two.add([{ key, amount: -150, ...now }]), [{ count: 50, untilMs: now.untilMs }]);
		});

		it("counts several of one call together, and several keys apart", async () => {
			const [a, b] = [newKey(), newKey()];
			const counted = await one.add([
				{ key: a, amount: 1, ...now },
				{ key: b, amount: 5, ...now },
				{ key: a, amount: 2, ...now },
			]);
			assert.deepEqual(
				counted.map(({ count }) => count),
				[1, 5, 3],
			);
			assert.deepEqual(await two.read([a, b, newKey()], T0), [3, 5, 0]);
			assert.deepEqual(await two.add([]), []);
		});

		it("tells what a counter holds to who adds nothing", async () => {
			const [a, b] = [newKey(), newKey()];
			const counted = await one.add([0, 1, 0, 1, 0].map((amount) => ({ key: a, amount, ...now })));
			assert.deepEqual(
				counted.map(({ count }) => count),
				[0, 1, 1, 2, 2],
			);
			const none = [a, b].map((key) => ({ key, amount: 0, nowMs: T0 + 1, untilMs: T0 + 60_001 }));
			assert.deepEqual((await two.add(none))[0], { count: 2, untilMs: now.untilMs });
			assert.deepEqual(await two.read([a, b], T0), [2, 0]);
			const later = { nowMs: now.untilMs, untilMs: now.untilMs + 60_000 };
			assert.deepEqual(await one.add([{ key: a, amount: 0, ...later }]), [{ count: 0, untilMs: later.untilMs }]);
		});

		it("begins again when a counter's time is over, which adding does not prolong", async () => {
			const key = newKey();
			const add = (nowMs: number) => one.add([{ key, amount: 1, nowMs, untilMs: nowMs + 60_000 }]);
			assert.deepEqual(await add(T0), [{ count: 1, untilMs: T0 + 60_000 }]);
			assert.deepEqual(await add(T0 + 59_999), [{ count: 2, untilMs: T0 + 60_000 }]);
			assert.deepEqual(await one.read([key], T0 + 60_000), [0]);
			assert.deepEqual(await add(T0 + 60_000), [{ count: 1, untilMs: T0 + 120_000 }]);
		});

		it("sets back to zero what is cleared", async () => {
			const [a, b] = [newKey(), newKey()];
			await one.add([
				{ key: a, amount: 3, ...now },
				{ key: b, amount: 4, ...now },
			]);
			await two.clear([a, newKey()]);
			assert.deepEqual(await one.read([a, b], T0), [0, 4]);
		});
	});
}
