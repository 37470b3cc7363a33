import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { toJsonLine, toTextLine } from "./log-lines.ts";

const entry = (...args: readonly unknown[]) => ({
	level: "info",
	args,
	from: { nodeID: "node-1", mod: "api" },
	nowMs: 1_795_876_182_736,
});

it("is one JSON object, with what was said beside the message as fields", () => {
	const line = toJsonLine(entry("GET /v1/me", { status: 200, ms: 3.3 }));
	assert.deepEqual(JSON.parse(line), {
		time: "2026-11-28T14:29:42.736Z",
		level: "info",
		nodeID: "node-1",
		from: "api",
		message: "GET /v1/me",
		status: 200,
		ms: 3.3,
	});
});

it("tells of an error its name, message, code and stack, and nothing that hangs on it", () => {
	const error = Object.assign(new TypeError("broken"), { type: "internal_error", request: { password: "hunter2" } });
	const { error: told } = JSON.parse(toJsonLine(entry("It failed.", error)));
	assert.deepEqual([told.name, told.message, told.type], ["TypeError", "broken", "internal_error"]);
	assert.match(told.stack, /log-lines\.test/);
	assert.doesNotMatch(toJsonLine(entry({ error })), /hunter2/);
	assert.match(toTextLine(entry("It failed.", error)), /It failed\.\n {4}TypeError: broken\n {4} {4}at/);
});

it("no field takes the place of what every line has", () => {
	const { level, time, level_ } = JSON.parse(toJsonLine(entry("x", { level: "fatal", time: 0 })));
	assert.deepEqual([level, time, level_], ["info", "2026-11-28T14:29:42.736Z", "fatal"]);
});

it("is a line also of what cannot be written as JSON, and of any length", () => {
	const circle: Record<string, unknown> = { count: 1n };
	circle.self = circle;
	assert.match(String(JSON.parse(toJsonLine(entry("round", { circle }))).circle), /Circular/);
	assert.match(toTextLine(entry("round", { circle })), /Circular/);
	assert.ok(toJsonLine(entry("x".repeat(1_000_000))).length < 10_000);
});

// CSI also as one C1 character; a next line, separators of lines and paragraphs; overrides of direction; what nobody sees.
const nasty = [
	"\r\n",
	"\n",
	"\u001b[2J",
	"\u009b31m",
	"\u0085",
	"\u2028",
	"\u2029",
	"\u202e",
	"\u2066",
	"\u200b",
	"\ufeff",
	"\u0000",
];
const anyText = fc
	.array(fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...nasty)), { maxLength: 8 })
	.map((parts) => parts.join(""));
// biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\u200b-\u200f\ufeff]/;

it("whatever a client makes it say, it stays one line and moves no cursor", () => {
	fc.assert(
		fc.property(anyText, anyText, anyText, (message, key, value) => {
			for (const line of [
				toJsonLine(entry(message, { [key]: value, deep: { [key]: [value] } })),
				toJsonLine(entry({ error: new Error(value) })),
			]) {
				assert.doesNotMatch(line, UNSAFE);
				JSON.parse(line);
			}
			const text = toTextLine(entry(message, { value }));
			// biome-ignore lint/suspicious/noControlCharactersInRegex: the colours are ours.
			const ours = text.replace(/\u001b\[\d+m/g, "");
			assert.equal(text.split("\u001b").length - 1, 8);
			assert.doesNotMatch(ours, UNSAFE);
		}),
	);
});
