import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { LineWriter } from "./line-writer.ts";

const writerOf = () => {
	const written: string[] = [];
	return { written, writer: new LineWriter((text) => written.push(text)) };
};

it("writes lines that come close together at once, in their order", async () => {
	const { written, writer } = writerOf();
	for (const line of ["a", "b", "c"]) writer.write(line, false);
	assert.deepEqual(written, []);
	for (let tries = 0; written.length === 0 && tries < 1_000; tries++) await sleep(5);
	assert.deepEqual(written, ["a\nb\nc\n"]);
});

it("what is urgent does not wait, and takes along what does", () => {
	const { written, writer } = writerOf();
	writer.write("a", false);
	writer.write("b", true);
	assert.deepEqual(written, ["a\nb\n"]);
});

it("holds only so much", () => {
	const { written, writer } = writerOf();
	for (let count = 0; count < 100; count++) writer.write("x".repeat(1_000), false);
	assert.equal(written.length, 3);
	assert.ok(written.every((text) => text.length < 40_000));
});

for (const [what, end] of [
	["it is told to end", "process.exit(3)"],
	["nobody caught an exception", "throw new Error('broken')"],
	["there is nothing more to do", ""],
] as const)
	it(`every line is there when a process ends since ${what}`, () => {
		const module = JSON.stringify(new URL("./line-writer.ts", import.meta.url).href);
		const script = `const { standardOutput } = await import(${module}); for (let n = 0; n < 500; n++) standardOutput().write("line " + n, false); ${end}`;
		const { stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], { encoding: "utf8" });
		assert.equal(stdout.trimEnd().split("\n").length, 500);
	});
