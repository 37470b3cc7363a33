import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, it } from "node:test";
import { promisify } from "node:util";
import { chartOf } from "../../scripts/load/chart.ts";
import { type Run, runK6, scenarios } from "../../scripts/load/k6.ts";
import { tableOf, totalsOf } from "../../scripts/load/report.ts";
import { SlowClients } from "../../scripts/load/slow-clients.ts";
import { root } from "../../scripts/steps.ts";
import { startTestPlatform, type TestPlatform } from "../api/platform.ts";
import { describeWithK6 } from "./with-k6.ts";

/** Few and short: that the scripts do what they say is shown here, how fast it is by `npm run load`. */
const small: Readonly<Record<string, Readonly<Record<string, string>>>> = {
	original: { SECONDS: "8", USERS: "3" },
	payments: { SECONDS: "3", USERS: "4" },
	day: { SECONDS: "6", USERS: "4", RATE: "20" },
	"p2p-storm": { SECONDS: "3", USERS: "4" },
	"flash-crowd": { SECONDS: "6", USERS: "4", RATE: "20" },
	"login-flood": { SECONDS: "6", USERS: "2", RATE: "5" },
	overload: { SECONDS: "3", USERS: "10", RATE: "20" },
};

describeWithK6("the load's scenarios, against one process", () => {
	let platform: TestPlatform;
	/** What all of them were told was booked. */
	let paid = 0;
	before(async () => {
		platform = await startTestPlatform();
	});
	after(() => platform.stop());

	const play = (scenario: string): Promise<Run> => {
		const env = { URL: `http://127.0.0.1:${platform.anyone.port}`, ORIGIN: platform.anyone.origin, ...small[scenario] };
		return runK6({ scenario, env });
	};

	it("there is a small form of each", () => {
		assert.deepEqual(Object.keys(small).sort(), [...scenarios].sort());
	});

	for (const scenario of Object.keys(small))
		it(`${scenario}: every step is made, with proofs and signatures that the platform takes`, async () => {
			const run = await play(scenario);
			const told = JSON.stringify(run.steps, null, "\t");
			for (const step of run.steps) assert.ok(step.requests > 0 && step.failed + step.refused === 0, told);
			assert.equal(run.timeouts, 0, told);
			const { requests, failed, successPercent } = totalsOf(run);
			assert.deepEqual([failed, successPercent], [0, 100]);
			assert.ok(run.seconds.length > 0 && requests > 0);
			assert.match(tableOf(scenario, run), new RegExp(`all +${requests.toLocaleString("en")} +100 %`));
			paid += run.steps.find(({ name }) => name === "pay")?.requests ?? 0;
		});

	it("clients who send and read drop by drop hold connections, and the others are served all the same", async () => {
		const slow = new SlowClients(`http://127.0.0.1:${platform.anyone.port}`, 40);
		try {
			const run = await play("payments");
			assert.equal(slow.connected, 40);
			for (const { requests, failed, refused } of run.steps) assert.ok(requests > 0 && failed + refused === 0);
			paid += run.steps.find(({ name }) => name === "pay")?.requests ?? 0;
		} finally {
			slow.close();
		}
	});

	it("npm run load plays a scenario from its beginning to its table, chart and figures", async () => {
		const out = mkdtempSync(join(tmpdir(), "hannip-load-"));
		try {
			const script = ["scripts/run.mjs", "scripts/load/command.ts"];
			const args = ["original", "--on", "one", "--seconds", "3", "--users", "2", "--out", out];
			const options = { cwd: root, timeout: 120_000 };
			const { stdout } = await promisify(execFile)(process.execPath, [...script, ...args], options);
			for (const figure of ["load.success 100 %", "load.hash_cpu", "load.vs_hash_bound"])
				assert.match(stdout, new RegExp(`^figure ${figure}`, "m"));
			const { totals, moments } = JSON.parse(readFileSync(join(out, "original-one.json"), "utf8"));
			assert.ok(totals.requests > 0 && moments.length > 0);
			assert.match(readFileSync(join(out, "original-one.svg"), "utf8"), /<polyline/);
			assert.match(readFileSync(join(out, "original-one.txt"), "utf8"), /customer log in/);
		} finally {
			rmSync(out, { recursive: true });
		}
	});

	it("what k6 was told is in the ledger, once, and it adds up", async () => {
		const audit = await platform.operator.ok("credit.audit", {});
		assert.equal(audit.clean, true, JSON.stringify(audit));
		const statement = await platform.operator.call("credit.status", {});
		assert.equal(statement.status, 200);
		assert.ok(paid > 0);
		assert.ok(audit.transfers >= paid);
	});
});

it("the chart has every second of a run, and escapes its title", () => {
	const second = { users: 1, requestsPerS: 10, meanMs: 5, failed: 0, processes: 5, memoryMb: 700 };
	const svg = chartOf(
		'a <b> & "c"',
		[1, 2, 3].map((atS) => ({ ...second, atS })),
	);
	assert.equal(svg.match(/<polyline/g)?.length, 6);
	for (const [, points = ""] of svg.matchAll(/points="([^"]+)"/g)) assert.equal(points.split(" ").length, 3);
	assert.ok(!svg.includes("<b>"));
});

it("only scenarios are called scenarios", () => {
	const files = globSync("tests/load/k6/*.ts").map((file) => basename(file, ".ts"));
	for (const name of scenarios) assert.ok(files.includes(name));
});
