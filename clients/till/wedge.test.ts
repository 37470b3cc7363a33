import assert from "node:assert/strict";
import { test } from "node:test";
import { charOf, Wedge } from "./wedge.ts";

const CODE = "HN:6BF0 $%*+-./:ABCXYZ0123456789";

/** As a scanner sends it through a keyboard with US layout, with an input method or without. */
function* keysFor(text: string, { everyMs = 4, isHangul = false } = {}) {
	const symbols: Record<string, [string, boolean]> = {
		" ": ["Space", false],
		$: ["Digit4", true],
		"%": ["Digit5", true],
		"*": ["Digit8", true],
		"+": ["Equal", true],
		"-": ["Minus", false],
		".": ["Period", false],
		"/": ["Slash", false],
		":": ["Semicolon", true],
	};
	let timeStamp = 1_000;
	for (const char of text) {
		timeStamp += everyMs;
		const [code, shiftKey] = symbols[char] ?? (/\d/.test(char) ? [`Digit${char}`, false] : [`Key${char}`, true]);
		if (shiftKey) yield { key: "Shift", code: "ShiftLeft", shiftKey: true, timeStamp };
		yield { key: isHangul ? "Process" : char, code, shiftKey, timeStamp };
	}
	yield { key: "Enter", code: "Enter", shiftKey: false, timeStamp: timeStamp + everyMs };
}

const scanned = (keys: Iterable<Parameters<Wedge["press"]>[0]>): (string | undefined)[] => {
	const wedge = new Wedge();
	return [...keys].map((key) => wedge.press(key)).filter((text) => text !== undefined);
};

test("what a scanner types is read, also through a Korean input method", () => {
	for (const isHangul of [false, true]) assert.deepEqual(scanned(keysFor(CODE, { isHangul })), [CODE]);
	const [space] = keysFor(" ", { isHangul: true });
	assert.equal(space && charOf(space), " ");
});

test("what a person types is left alone", () => {
	assert.deepEqual(scanned(keysFor(CODE, { everyMs: 90 })), []);
	assert.deepEqual(scanned(keysFor("AB")), []);
});

test("a scan begins anew after a pause", () => {
	const wedge = new Wedge();
	for (const key of keysFor("XYZ", { everyMs: 10 })) if (key.key !== "Enter") wedge.press(key);
	const later = [...keysFor(CODE)].map((key) => ({ ...key, timeStamp: key.timeStamp + 5_000 }));
	assert.deepEqual(
		later.map((key) => wedge.press(key)).filter((text) => text !== undefined),
		[CODE],
	);
});
