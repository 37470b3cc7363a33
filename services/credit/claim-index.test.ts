import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { ClaimIndex } from "./claim-index.ts";
import { type ClaimKey, emptyHead, type Head, keyOf } from "./journal.ts";

const head = (sequence: number): Head => ({ sequence, hash: `hash ${sequence}`, committedAtMs: sequence * 10 });
const keys = (count: number, name = "claim"): ClaimKey[] =>
	Array.from({ length: count }, (_, index) => keyOf(`${name} ${index}`));

const folder = mkdtempSync(join(tmpdir(), "hannip-claim-index-"));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = () => join(folder, `${++files}.sqlite`);

const opened = new Set<ClaimIndex>();
afterEach(() => {
	for (const index of opened) index.close();
	opened.clear();
});

function open(path = newFile(), isInLog: (head: Head) => boolean = () => true): ClaimIndex {
	const index = new ClaimIndex(path, isInLog);
	opened.add(index);
	return index;
}

function close(index: ClaimIndex): void {
	opened.delete(index);
	index.close();
}

/** What a process finds that is started after this one was killed. */
function afterCrash(path: string): ClaimIndex {
	const copy = newFile();
	for (const suffix of ["", "-wal"]) if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix);
	return open(copy);
}

it("a claim's key is the first half of its SHA-256", () => {
	for (const claim of ["", "a", "code:라떼"]) {
		const digest = createHash("sha256").update(claim).digest("hex");
		assert.equal(Buffer.from(keyOf(claim)).toString("hex"), digest.slice(0, 32));
	}
});

describe("ClaimIndex", () => {
	it("finds the group of a claim, the first that made it, and nothing else", () => {
		const index = open();
		assert.deepEqual({ ...index.head }, emptyHead);
		index.add([keyOf("a"), keyOf("b")], head(1));
		index.add([keyOf("b"), keyOf("c")], head(2));
		assert.deepEqual(
			["a", "b", "c", "d"].map((claim) => index.find(keyOf(claim))),
			[1, 1, 2, undefined],
		);
		assert.deepEqual({ ...index.head }, head(2));
	});

	it("closed and opened again has all that it had, and goes on", () => {
		const path = newFile();
		const index = open(path);
		index.add([keyOf("a")], head(1));
		close(index);
		assert.equal(existsSync(`${path}-wal`), false, "all of it is in the one file");
		const again = open(path);
		assert.deepEqual([again.find(keyOf("a")), { ...again.head }], [1, head(1)]);
		again.add([keyOf("b")], head(2));
		close(again);
		const third = open(path);
		assert.deepEqual([third.find(keyOf("a")), third.find(keyOf("b")), { ...third.head }], [1, 2, head(2)]);
	});

	it("after a crash says up to which group it is complete: that of the last commit", () => {
		const path = newFile();
		const index = open(path);
		const [last = keyOf(""), ...rest] = keys(16_384);
		index.add(rest, head(1));
		const early = afterCrash(path);
		assert.deepEqual([{ ...early.head }, early.find(keyOf("claim 1"))], [emptyHead, undefined]);
		index.add([last], head(2));
		index.add(keys(1, "later"), head(3));
		assert.deepEqual({ ...index.head }, head(3));
		const late = afterCrash(path);
		assert.deepEqual({ ...late.head }, head(2));
		assert.deepEqual([late.find(last), late.find(keyOf("claim 1")), late.find(keyOf("later 0"))], [2, 1, undefined]);
	});

	it("commits by how much there is since the last commit", () => {
		const path = newFile();
		const index = open(path);
		index.add(keys(16_384), head(1));
		index.add(keys(16_383, "more"), head(2));
		assert.deepEqual({ ...afterCrash(path).head }, head(1));
		index.add(keys(1, "last"), head(3));
		assert.deepEqual({ ...afterCrash(path).head }, head(3));
	});

	it("of another log is made anew", () => {
		const path = newFile();
		const index = open(path);
		index.add([keyOf("a")], head(1));
		close(index);
		const asked: Head[] = [];
		const anew = open(path, (at) => {
			asked.push({ ...at });
			return false;
		});
		assert.deepEqual(asked, [head(1)]);
		assert.deepEqual([{ ...anew.head }, anew.find(keyOf("a"))], [emptyHead, undefined]);
		anew.add([keyOf("a")], head(7));
		assert.equal(anew.find(keyOf("a")), 7);
	});

	it("of another log whose process was killed is made anew as well", () => {
		const path = newFile();
		open(path).add(keys(16_384), head(1));
		const copy = newFile();
		for (const suffix of ["", "-wal", "-shm"]) copyFileSync(path + suffix, copy + suffix);
		const anew = open(copy, () => false);
		assert.deepEqual([{ ...anew.head }, anew.find(keyOf("claim 1"))], [emptyHead, undefined]);
	});

	it("that is new is of any log", () => {
		const index = open(newFile(), () => assert.fail("it was asked for"));
		assert.deepEqual({ ...index.head }, emptyHead);
	});

	it("that the disk does not take is as old as its last commit, and can be filled again from there", () => {
		const path = newFile();
		const index = open(path);
		index.add(keys(16_384), head(1));
		index.add(keys(10_000, "lost"), head(2));
		const wrong = "no key" as unknown as ClaimKey;
		assert.throws(() => index.add([keyOf("half"), wrong], head(3)));
		assert.deepEqual({ ...index.head }, head(1));
		assert.deepEqual(
			[index.find(keyOf("claim 0")), index.find(keyOf("lost 0")), index.find(keyOf("half"))],
			[1, undefined, undefined],
		);
		index.add(keys(10_000, "lost"), head(2));
		const crashed = afterCrash(path);
		assert.deepEqual({ ...crashed.head }, head(1), "what was rolled back does not count towards a commit");
		assert.equal(crashed.find(keyOf("lost 0")), undefined);
		close(index);
		assert.deepEqual({ ...open(path).head }, head(2));
	});
});
