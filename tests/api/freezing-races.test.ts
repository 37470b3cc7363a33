import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { until } from "../../scripts/cluster/processes.ts";
import { assertRefused, type Client, operatorAt } from "./client.ts";
import { holdBack } from "./hold-back.ts";
import { newPerson, PASSWORD, type Person } from "./people.ts";
import { startTestPlatform, type TestPlatform } from "./platform.ts";

// What comes of messages to `user` that are late. In one process only: there they can be held back.

const tokens = { kim: `kim-${"k".repeat(40)}`, lee: `lee-${"l".repeat(40)}` };

let platform: TestPlatform;
let kim: Client;
let lee: Client;
let bob: Person;
before(async () => {
	const OPERATOR_TOKENS = Object.entries(tokens)
		.map(([name, token]) => `${name}:${token}`)
		.join("\n");
	platform = await startTestPlatform({ OPERATOR_TOKENS });
	const { port, contract } = platform.operator;
	const withToken = (token: string) => operatorAt(`http://127.0.0.1:${port}`, contract, token);
	[kim, lee] = [withToken(tokens.kim), withToken(tokens.lee)];
});
after(async () => {
	for (const client of [kim, lee]) client?.close();
	await platform.stop();
});
beforeEach(async () => {
	bob = await newPerson(platform.anyone, { name: "Bob", credit: 1_000 });
});

const change = (lift?: "all") => ({ accountId: bob.wallet, reason: "a race", ...(lift && { lift }) });

const holdBackUnlocking = () => holdBack(platform.broker, "user.unlock");

/** @param by operators who have it frozen, and nobody else */
async function isKeptBy(by: readonly string[]): Promise<void> {
	const { isLocked, frozenBy, account } = await kim.ok("operator.account", { id: bob.wallet });
	assert.deepEqual([isLocked, frozenBy, account.state], [true, by, "frozen"]);
	await bob.api.refused("user.unfreeze", { password: PASSWORD }, "account_frozen");
	await bob.api.refused("user.charge", { amount: 1 }, "account_frozen");
}

describe("an operator's freeze", () => {
	it("stays when another one's lift is done after it, and its owner does not open it", async () => {
		await bob.api.ok("user.freeze", {});
		await kim.ok("operator.freeze", change());
		const unlocking = holdBackUnlocking();
		const lifting = kim.ok("operator.unfreeze", change());
		await unlocking.isHeld;
		assert.equal((await lee.ok("operator.freeze", change())).state, "frozen");
		unlocking.letGo();
		assert.equal((await lifting).state, "frozen");
		await isKeptBy(["lee"]);
		await lee.ok("operator.unfreeze", change());
		assert.equal((await bob.api.ok("user.unfreeze", { password: PASSWORD })).state, "open");
	});

	it("stays when another one opens it for all meanwhile", async () => {
		await bob.api.ok("user.freeze", {});
		const unlocking = holdBackUnlocking();
		const opening = kim.ok("operator.unfreeze", change("all"));
		await unlocking.isHeld;
		assert.equal((await lee.ok("operator.freeze", change())).state, "frozen");
		unlocking.letGo();
		assert.equal((await opening).state, "frozen");
		await isKeptBy(["kim", "lee"]);
	});

	it("stays when its operator's own lift of before is taken up late, after they got no answer", async (t) => {
		await kim.ok("operator.freeze", change());
		const lifting = holdBack(platform.broker, "credit.account");
		const told = kim.call("operator.unfreeze", change());
		await lifting.isHeld;
		const lateMs = Date.now() + 60_000;
		const clock = t.mock.method(Date, "now", () => lateMs);
		lifting.letGo();
		assertRefused(await told, "service_unavailable", "it came too late");
		clock.mock.restore();
		// A jump of the clock looks as if the gateway had stood still.
		await until(async () => (await kim.call("operator.account", { id: bob.wallet })).status === 200, "it goes on");
		await isKeptBy(["kim"]);
	});

	it("stays when the unlocking before it is done once more, late", async () => {
		await bob.api.ok("user.freeze", {});
		await kim.ok("operator.freeze", change());
		const unlocking = holdBackUnlocking();
		unlocking.letGo();
		await kim.ok("operator.unfreeze", change());
		await lee.ok("operator.freeze", change());
		assert.deepEqual(await unlocking.repeat(), { isUnlocked: false });
		await isKeptBy(["lee"]);
	});
});

describe("a wallet whose owner's sign-up was cut off before there was a profile", () => {
	const cutOff = async (handle: string) => {
		const asked = { handle, password: PASSWORD, address: "127.0.0.1" };
		const { userId } = (await platform.broker.call("auth.register", asked)) as { userId: string };
		const accountId = `wallet:${userId}`;
		await platform.broker.call("credit.open", { accountId, owner: userId });
		return { accountId, reason: "a test" };
	};
	const seen = async ({ accountId }: { accountId: string }) => {
		const { account, isLocked, frozenBy } = await kim.ok("operator.account", { id: accountId });
		return { state: account.state, isLocked, frozenBy };
	};

	it("is frozen and opened as others are", async () => {
		const wallet = await cutOff("cut.off");
		assert.equal((await kim.ok("operator.freeze", wallet)).state, "frozen");
		assert.deepEqual(await seen(wallet), { state: "frozen", isLocked: false, frozenBy: ["kim"] });
		assert.equal((await kim.ok("operator.unfreeze", wallet)).state, "open");
		assert.deepEqual(await seen(wallet), { state: "open", isLocked: false, frozenBy: [] });
	});

	it("stays frozen when they finish it meanwhile, and freeze it as well", async () => {
		const wallet = await cutOff("gone.on");
		const setting = holdBack(platform.broker, "credit.setState");
		const freezing = kim.ok("operator.freeze", wallet);
		await setting.isHeld;
		const gone = await newPerson(platform.anyone, { name: "Gone", handle: "gone.on" });
		await gone.api.ok("user.freeze", {});
		setting.letGo();
		assert.equal((await freezing).state, "frozen");
		assert.deepEqual(await seen(wallet), { state: "frozen", isLocked: true, frozenBy: ["kim"] });
		await gone.api.refused("user.unfreeze", { password: PASSWORD }, "account_frozen");
	});
});

it("what its owner has frozen is theirs to open, also when an unlocking before is done once more, late", async () => {
	await kim.ok("operator.freeze", change());
	const unlocking = holdBackUnlocking();
	unlocking.letGo();
	await kim.ok("operator.unfreeze", change());
	await bob.api.ok("user.freeze", {});
	assert.deepEqual(await unlocking.repeat(), { isUnlocked: false });
	assert.equal((await bob.api.ok("user.unfreeze", { password: PASSWORD })).state, "open");
});

for (const step of ["user.unlock", "credit.setState"])
	it(`an opening that was cut off before ${step} is done by repeating it, whatever its owner did meanwhile`, async () => {
		await kim.ok("operator.freeze", change());
		const cut = holdBack(platform.broker, step);
		const told = kim.call("operator.unfreeze", change());
		await cut.isHeld;
		await bob.api.ok("user.freeze", {});
		assert.equal((await kim.ok("operator.unfreeze", change())).state, "open");
		await bob.api.ok("user.freeze", {});
		assert.equal((await bob.api.ok("user.unfreeze", { password: PASSWORD })).state, "open");
		cut.letGo();
		await told;
	});
