import assert from "node:assert/strict";
import { it } from "node:test";
import { type Ask, Refused } from "./ask.ts";
import { status } from "./reports.ts";

const process = {
	nodeId: "user.host-1",
	services: ["user"],
	version: "1",
	startedAtMs: 0,
	memoryBytes: 1e6,
	circuits: [],
};
const answers: Readonly<Record<string, unknown>> = {
	"operator.listProcesses": { items: [process], silent: ["auth.host-2"] },
	"credit.status": { sequence: 12, waiting: 0, readModelSequence: 12 },
	"auth.listKeys": { keys: [], rotationDays: 30 },
	"credit.listHolds": { items: [] },
	"operator.listAdjustments": { items: [] },
};
const WORDS = "A part of the platform does not answer. Repeat it.\n  at: once";
const askWithout = (isAway: (name: string) => boolean): Ask =>
	(async (name: string) => {
		if (isAway(name)) throw new Refused(WORDS, "service_unavailable");
		return answers[name];
	}) as Ask;

it("tells what is there, when all of it is", async () => {
	const told = await status(askWithout(() => false));
	assert.match(told, /user\.host-1 .*\n.*auth\.host-2 +does not answer/);
	assert.match(
		told,
		/ledger +group 12, 0 waiting; read model 0 behind\nkeys +none\nholds +none\nadjustments +none waits$/,
	);
});

for (const name of Object.keys(answers))
	it(`tells the rest where ${name} is not answered, and in whose words`, async () => {
		const [all, told] = [await status(askWithout(() => false)), await status(askWithout((each) => each === name))];
		const silent = told.split("\n").filter((line) => line.includes("does not answer: "));
		assert.equal(silent.length, 1, told);
		assert.ok(silent[0]?.endsWith(WORDS.replace("\n", " ")), told);
		assert.equal(told.includes("user.host-1"), name !== "operator.listProcesses");
		const left = all.split("\n").filter((line) => line && told.includes(line.trim()));
		assert.ok(left.length >= 3, told);
	});

it("says so when nothing answers, and why", async () => {
	const lines = (await status(askWithout(() => true))).split("\n");
	assert.equal(lines[0], "Nothing answers.");
	assert.deepEqual(
		lines.slice(1).map((line) => line.split(" ")[0]),
		["processes", "ledger", "keys", "holds", "adjustments"],
	);
	for (const line of lines.slice(1)) assert.match(line, /does not answer: A part of the platform/);
});

it("does not wait for ever for one of them", async () => {
	const ask = ((name: string) =>
		name === "credit.status" ? new Promise(() => undefined) : answers[name]) as unknown as Ask;
	assert.match(await status(ask, 1), /user\.host-1[\s\S]*ledger +does not answer: nothing came[\s\S]*holds +none/);
});
