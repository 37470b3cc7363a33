import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Compile } from "typebox/compile";
import { text } from "./schema.ts";

describe("text", () => {
	const name = Compile(text(60, "A name"));

	it("has a character that can be seen", () => {
		const unseen = [
			"\ufe0f",
			"\u034f",
			"\u{1d159}",
			"\u17b4",
			"\u{e0100}",
			"\u0301",
			"\u3164",
			"\u2800",
			"\u200d",
			" ",
			"",
		];
		for (const value of [...unseen, "\u0301\ufe0f", "\ufe0f \u{1d159}"])
			assert.equal(name.Check(value), false, JSON.stringify(value));
	});

	it("may be of any script, have marks, joiners and variation selectors, and be nothing but emoji or signs", () => {
		const seen = [
			"김민지",
			"e\u0301",
			"กำ",
			"می\u200cخواهم",
			"👩\u200d👩\u200d👧",
			"❤\ufe0f",
			"1\ufe0f\u20e3",
			"葛\u{e0100}",
			"-",
			"7",
			"한글".normalize("NFD"),
		];
		for (const value of seen) assert.equal(name.Check(value), true, value);
	});
});
