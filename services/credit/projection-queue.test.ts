import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { emptyHead, type Group, type Head, headOf } from "./journal.ts";
import { ProjectionQueue } from "./projection-queue.ts";

const BYTES = 100;
const limits = {
	batchGroups: 2,
	batchBytes: 10 * BYTES,
	gatherMs: 3_000,
	backlogBytesMax: 4 * BYTES,
	reachTimeoutMs: 10,
};

const group = (sequence: number): Group => ({
	...{ lane: 0, sequence, hash: `hash ${sequence}`, previousHash: `hash ${sequence - 1}` },
	...{ committedAtMs: 1, body: "x".repeat(BYTES) },
});

/** A queue whose batches are written when the test says so. */
function queueOf(groups: number) {
	const writes: { groups: readonly Group[]; done: (head: Head) => void; fail: (error: Error) => void }[] = [];
	const write = (groups: readonly Group[]) =>
		new Promise<Head>((done, fail) => {
			writes.push({ groups, done, fail });
		});
	const queue = new ProjectionQueue({ head: emptyHead, write, limits });
	for (let sequence = 1; sequence <= groups; sequence++) queue.project(group(sequence));
	const writeOne = async () => {
		const { groups = [], done } = writes.shift() ?? assert.fail("nothing is being written");
		done(headOf(groups.at(-1) ?? assert.fail("an empty batch")));
		await turn();
	};
	return { queue, writes, writeOne };
}

describe("a read model that falls behind", () => {
	it("holds the ledger back until there is room, and not until it has everything", async () => {
		const { queue, writes, writeOne } = queueOf(7);
		let isHeldBack = true;
		const waiting = queue.notTooFarBehind().then(() => {
			isHeldBack = false;
		});
		await turn();
		await writeOne();
		assert.ok(isHeldBack, "500 bytes wait");
		await writeOne();
		await waiting;
		assert.equal(queue.backlogBytes, 3 * BYTES);
		assert.equal(queue.head.sequence, 4);
		assert.equal(writes.length, 1, "it goes on by itself");
	});

	it("does not hold it back while it is not too far behind", async () => {
		const { queue } = queueOf(4);
		await queue.notTooFarBehind();
		assert.equal(queue.backlogBytes, 4 * BYTES);
	});

	it("says why it cannot go on, and goes on when it can", async () => {
		const { queue, writes, writeOne } = queueOf(7);
		const heldBack = queue.notTooFarBehind();
		await turn();
		writes.shift()?.fail(new Error("the disk is full"));
		await assert.rejects(heldBack, /the disk is full/);
		const again = queue.notTooFarBehind();
		await turn();
		await writeOne();
		await writeOne();
		await again;
	});
});
