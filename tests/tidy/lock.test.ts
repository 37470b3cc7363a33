import assert from "node:assert/strict";
import { test } from "node:test";
import { missingFrom, readLock } from "../../scripts/complete-lock.ts";

test("the lock file is complete, or `npm ci` refuses it: see `npm run lock`", () => {
	assert.deepEqual(missingFrom(readLock()), []);
});

test("the lock file names no registry", () => {
	assert.equal(JSON.stringify(readLock()).includes('"resolved"'), false);
});
