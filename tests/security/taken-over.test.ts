import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Context, ServiceBroker } from "moleculer";
import { type Platform, startPlatform } from "../../main.ts";
import { brokerOptions, readSettings } from "../../moleculer.config.ts";
import { until } from "../../scripts/cluster/processes.ts";
import { type Client, operatorAt, PUBLIC_ORIGIN } from "../api/client.ts";
import { freePorts } from "../api/platform.ts";

const tokens = { kim: `kim-${"k".repeat(40)}`, lee: `lee-${"l".repeat(40)}` };
const TAKEN_OVER = "hasher.taken-over-1";

/** Says beside an answer that somebody else has asked, and what the gateway is to send. */
const lying =
	<T>(answer: T) =>
	(ctx: Context<unknown, Record<string, unknown>>): T => {
		ctx.meta.caller = { kind: "operator", name: "lee" };
		ctx.meta.$responseHeaders = { "X-Injected": "by a process that was taken over" };
		return answer;
	};

describe("a process that was taken over", () => {
	const DATA_DIR = mkdtempSync(join(tmpdir(), "hannip-taken-over-"));
	const taken = new ServiceBroker({ namespace: "hannip", nodeID: TAKEN_OVER, transporter: "Fake", logger: false });
	let platform: Platform;
	let kim: Client;
	before(async () => {
		const settings = readSettings({
			...{ PUBLIC_ORIGIN, ...freePorts, DATA_DIR, LOG_LEVEL: "fatal" },
			OPERATOR_TOKENS: `kim:${tokens.kim},lee:${tokens.lee}`,
		});
		platform = await startPlatform(settings, { ...brokerOptions(settings), transporter: "Fake" });
		const seen = { nodeId: TAKEN_OVER, version: "1", services: ["hasher"], startedAtMs: 1, memoryBytes: 1, cpu: 0 };
		const look = lying({ ...seen, loopLateMs: 0, circuits: [], flows: [] });
		taken.createService({ name: "process", actions: { look, drain: lying({}) } });
		await taken.start();
		await until(() => isKnown("process.look"), "it is there");
		kim = operatorAt(String(platform.urls.internal), null, tokens.kim);
	});
	after(async () => {
		kim?.close();
		await taken.stop();
		await platform?.stop();
		rmSync(DATA_DIR, { recursive: true });
	});

	const isKnown = (name: string) =>
		Boolean(platform.broker.registry.getActionEndpoints(name)?.getEndpointByNodeID(TAKEN_OVER));
	const writtenAs = async () => {
		const { items } = await kim.ok("operator.listOperations", { limit: 2 });
		return items.map(({ operation, phase, by }) => `${operation} ${phase} by ${by}`);
	};

	it("makes nobody of who asks for it to end, and adds nothing to what they are answered", async () => {
		const asked = { nodeId: TAKEN_OVER, reason: "it was taken over" };
		const { status, headers } = await kim.call("operator.drain", asked);
		assert.deepEqual([status, headers["x-injected"]], [200, undefined]);
		assert.deepEqual(await writtenAs(), ["process.drain done by kim", "process.drain begun by kim"]);
	});

	it("makes nobody of who opens an account that it knows the owner of", async () => {
		const { broker } = platform;
		// It says that it is the one who knows people.
		await broker.destroyService(broker.getLocalService("user"));
		const holder = lying({
			userId: "u_AAAAAAAAAAAAAAAA",
			handle: "ada",
			name: "Ada",
			isFrozenByOwner: false,
			lockVersion: 1,
		});
		let isUnlocked = true;
		const unlock = (ctx: Context<unknown, Record<string, unknown>>) => lying({ isUnlocked })(ctx);
		taken.createService({ name: "user", actions: { holder, lock: lying({}), unlock } });
		await until(() => isKnown("user.holder"), "it is known for that");
		const accountId = "wallet:u_AAAAAAAAAAAAAAAA";
		await broker.call("credit.open", { accountId, owner: "u_AAAAAAAAAAAAAAAA" });
		await kim.ok("operator.freeze", { accountId, reason: "a lost phone" });
		const { status, headers } = await kim.call("operator.unfreeze", { accountId, reason: "it was found" });
		assert.deepEqual([status, headers["x-injected"]], [200, undefined]);
		assert.deepEqual(await writtenAs(), ["account.unfreeze done by kim", "account.unfreeze begun by kim"]);
		// Nor does it keep anybody busy for ever.
		isUnlocked = false;
		await kim.ok("operator.freeze", { accountId, reason: "lost again" });
		await kim.refused("operator.unfreeze", { accountId, reason: "found again" }, "service_unavailable");
	});
});
