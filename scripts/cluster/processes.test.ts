import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { it } from "node:test";

const ASKED = 250;
const script = `
	import { freePorts } from ${JSON.stringify(new URL("./processes.ts", import.meta.url).href)};
	console.log(JSON.stringify(await freePorts(${ASKED})));
	process.stdin.resume();`;

it("processes that ask for free ports at the same time get different ones", async (t) => {
	const children = Array.from({ length: 4 }, () => {
		const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
			stdio: ["pipe", "pipe", "inherit"],
		});
		t.after(() => child.kill());
		return child;
	});
	const answers = children.map(async ({ stdout }) => JSON.parse(String((await once(stdout, "data"))[0])) as number[]);
	const ports = (await Promise.all(answers)).flat();
	assert.equal(new Set(ports).size, 4 * ASKED);
});
