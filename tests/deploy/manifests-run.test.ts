import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { ManifestsRun } from "../../scripts/deploy/run-manifests.ts";
import { itWith, reasonWhyMissing } from "./with-parts.ts";

const parts = ["kustomize", "mongod", "nats-server"] as const;
const demo = join(import.meta.dirname, "../../scripts/demo/demo.ts");

describe("what overlays/local describes, as processes", () => {
	let run: ManifestsRun | undefined;
	before(async () => {
		if (reasonWhyMissing(parts) === null) run = await ManifestsRun.start();
	});
	after(() => run?.stop());

	itWith(parts, "is every service, on three NATS servers and a replica set of three, and all are ready", () => {
		assert.deepEqual(
			run?.processes.map(({ name, state }) => `${name} ${state}`).sort(),
			["api", "auth", "credit", "hasher", "store", "user"].map((name) => `${name}-1 ready`),
		);
	});

	itWith(parts, "carries a shop's day, and its ledger is clean", async () => {
		const { publicUrl = "", internalUrl = "", operatorToken = "" } = run ?? {};
		const args = [demo, "--url", publicUrl, "--internal-url", internalUrl, "--sales", "8", "--customers", "4"];
		const env = { ...process.env, OPERATOR_TOKEN: operatorToken };
		const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "inherit"] });
		let said = "";
		child.stdout.on("data", (text) => (said += text));
		const [code] = await once(child, "exit");
		assert.equal(code, 0, said);
		assert.match(said, /clean: \d+ transfers/);
	});
});
