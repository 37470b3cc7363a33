import assert from "node:assert/strict";
import { test } from "node:test";
import { wholeNumberIn } from "./whole-number.ts";

test("a whole number is read as people write it, and what is none is not taken for nothing", () => {
	for (const [text, value] of [
		["12", 12],
		["1,000", 1_000],
		["１２", 12],
		["１，０００", 1_000],
		[" 3 ", 3],
		["0", 0],
	] as const)
		assert.equal(wholeNumberIn(text), value, text);
	for (const text of ["", " ", "3개", "-1", "1.5", "1e3", "0x10"]) assert.equal(wholeNumberIn(text), undefined, text);
});
