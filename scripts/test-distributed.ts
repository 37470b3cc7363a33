// The tests of the API once more, against a platform with every service in a process of its own, over NATS and a MongoDB replica set of
// three. With file names behind it, only those.
import { spawn } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ReplicaSet } from "./cluster/replica-set.ts";
import { partPath } from "./parts.ts";
import { nodeTest, root } from "./steps.ts";

/**
 * About a single process: what it keeps in its own folder, logs, hashes at once, is made of, does without one of the services, or has its
 * messages held back; or it asks the actions themselves, which NATS lets no process but the right one do.
 */
const OF_ONE_PROCESS = ["freezing-races", "hasher", "key-rotation", "log-watch", "passwords", "roles", "store-down"];

const all = globSync("tests/{api,security}/*.test.ts", { cwd: root }).filter((file) => {
	const isOfOne = OF_ONE_PROCESS.some((name) => file.endsWith(`${name}.test.ts`));
	return !isOfOne && readFileSync(join(root, file), "utf8").includes("startTestPlatform(");
});
const files = process.argv.length > 2 ? process.argv.slice(2) : all.sort();

try {
	for (const part of ["mongod", "nats-server"] as const) partPath(part);
} catch (error) {
	console.error(`NOT TESTED: ${(error as Error).message}`);
	process.exit(process.env.CI === "true" ? 1 : 0);
}
const set = await ReplicaSet.start({ members: 3 });
// One file at a time: each has a cluster of its own, and two of them on few cores make each other late.
const { command, args } = nodeTest(
	"",
	"--test-concurrency=1",
	"--test-reporter=dot",
	"--test-timeout=300000",
	...files,
);
const tests = spawn(command, args, {
	cwd: root,
	stdio: "inherit",
	env: { ...process.env, TEST_MONGODB_URI: set.uri("") },
});
const code = await new Promise<number | null>((resolve) => tests.once("exit", resolve));
await set.stop();
process.exit(code ?? 1);
