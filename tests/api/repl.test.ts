import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { OPERATOR_TOKEN } from "./client.ts";
import { newPerson, newShop, type Person, type Shop, sell } from "./people.ts";
import { isApart, startTestPlatform, type TestPlatform } from "./platform.ts";
import { Terminal } from "./terminal.ts";

// In processes of their own they are joined over NATS: see tests/cluster/repl.test.ts.
const KIM = `kim-${"k".repeat(40)}`;

describe("the operators' shell, at a platform in one process", { skip: isApart && "this one asks a port" }, () => {
	let platform: TestPlatform;
	let home: string;
	let bob: Person;
	let shop: Shop;
	let terminal: Terminal;
	before(async () => {
		home = mkdtempSync(join(tmpdir(), "hannip-repl-"));
		platform = await startTestPlatform({ ADJUST_ALONE_MAX: "1000", OPERATOR_TOKENS: `kim:${KIM}` });
		bob = await newPerson(platform.anyone, { name: "Bob", credit: 5_000 });
		shop = await newShop(await newPerson(platform.anyone));
		await sell(shop, bob, "sale-0001");
		const env = { OPERATOR_TOKEN: KIM, DATA_DIR: home };
		terminal = await Terminal.open(env, "--internal-url", `http://127.0.0.1:${platform.operator.port}`);
	});
	after(async () => {
		terminal?.kill();
		await platform?.stop();
		rmSync(home, { recursive: true, force: true });
	});

	it("says what it can, and explains it", async () => {
		const help = await terminal.run("help");
		for (const name of [
			"status",
			"audit",
			"account",
			"payment",
			"freeze",
			"unfreeze",
			"adjust",
			"keys",
			"circuits",
			"top",
			"drain",
		])
			assert.match(help, new RegExp(`^\\s+${name}\\b`, "m"), name);
		assert.match(
			await terminal.run("help adjust"),
			/Beyond what one may adjust in a day a second operator confirms[\s\S]*--reason <text>/,
		);
	});

	it("completes commands, and what comes behind some", async () => {
		terminal.type("circ\t");
		await terminal.see(/circuits/);
		assert.match(await terminal.run(""), /All circuits of 1 processes are closed/);
		terminal.type("keys ro\t");
		await terminal.see(/keys rotate/);
		assert.match(await terminal.run(""), /Say why/);
	});

	it("shows who is up and what waits", async () => {
		const status = await terminal.run("status");
		assert.match(status, /credit,[\s\S]*ledger\s+group \d+, 0 waiting[\s\S]*adjustments\s+none waits/);
	});

	it("finds an account and a payment, and says when there is none", async () => {
		assert.match(
			await terminal.run(`account @${bob.handle}`),
			/state\s+open[\s\S]*balance\s+4,000[\s\S]*sale\s+-1,000/,
		);
		const payment = await terminal.run(`payment sale-0001 ${shop.id}`);
		assert.match(
			payment,
			/kind\s+sale[\s\S]*amount\s+1,000[\s\S]*trace\s+[0-9a-f]{32}[\s\S]*\d+\.\d+ .* transfer .* [0-9a-f]{16}/,
		);
		assert.match(await terminal.run("account @no.body"), /There is no such account/);
		assert.match(await terminal.run("payment nothing"), /There is nothing here/);
		assert.match(await terminal.run("account"), /missing required argument/);
		assert.match(await terminal.run("accounts"), /unknown command/);
	});

	it("freezes with a reason and not without, opens again, and it is in the log by name", async () => {
		assert.match(await terminal.run(`freeze @${bob.handle}`), /Say why/);
		assert.match(await terminal.run(`freeze @${bob.handle} --reason "lost phone"`), /is frozen\./);
		await bob.api.refused("user.charge", { amount: 1 }, "account_frozen");
		assert.match(await terminal.run(`unfreeze ${bob.userId} --reason 'found again'`), /is open\./);
		assert.match(await terminal.run("operations 4"), /kim\s+account\.freeze\s+done[\s\S]*lost phone/);
	});

	it("adjusts, repeats by the key, and waits for a second operator above the limit", async () => {
		const given = await terminal.run(`adjust @${bob.handle} give 1,000 --reason "kept the change"`);
		const [, key = ""] = /--key (\S+)/.exec(given) ?? [];
		assert.match(given, /1,000 for wallet:\S+: posted/);
		await terminal.run(`adjust @${bob.handle} give 1000 --reason "kept the change" --key ${key}`);
		assert.equal((await bob.api.ok("user.me", {})).balance, 5_000);
		const asked = await terminal.run(`adjust @${bob.handle} take 1001 --reason "a mistake"`);
		const [, id = ""] = /confirm (operator:\S+)/.exec(asked) ?? [];
		assert.match(await terminal.run("adjustments"), /-1,001/);
		assert.match(await terminal.run("holds"), /adjustment\s+1,001/);
		assert.match(await terminal.run(`confirm ${id} --reason seen`), /Another operator has to confirm this/);
		assert.match(await terminal.run(`decline ${id} --reason "taken back"`), /voided/);
		for (const wrong of ["give 1.5", "give -1", "give all", "share 5"])
			assert.match(
				await terminal.run(`adjust @${bob.handle} ${wrong} --reason x`),
				/is not a whole number|is neither|unknown option/,
			);
		assert.match(await terminal.run(`adjust @${bob.handle} take 9,000,000 --reason x`), /There is not enough credit/);
		assert.equal((await bob.api.ok("user.me", {})).balance, 5_000);
	});

	it("rotates keys, audits, and does not drain the only process", async () => {
		assert.match(await terminal.run("keys"), /active[\s\S]*next/);
		assert.match(await terminal.run('keys rotate --reason "a laptop was lost"'), /previous[\s\S]*active[\s\S]*next/);
		assert.match(await terminal.run('keys rotate --reason "again"'), /rotated a moment ago[\s\S]*Retry-After: \d+ s/);
		assert.match(await terminal.run("audit"), /ledger\s+clean[\s\S]*operator log\s+clean, \d+ lines/);
		const { items } = await platform.operator.ok("operator.listProcesses", {});
		assert.match(await terminal.run(`drain ${items[0]?.nodeId} --reason x`), /No other process has .*credit/);
	});

	it("watches what goes on until a key is pressed", async () => {
		terminal.type("top\r");
		const charging = setInterval(() => void bob.api.ok("user.charge", { amount: 1 }), 50);
		await terminal.see(/user\s+credit\.transfer\s+\d/);
		clearInterval(charging);
		terminal.type("x");
		await terminal.see(/hannip \$ $/);
		assert.doesNotMatch(await terminal.run("circuits"), /unknown command/);
	});

	it("ends when told to", async () => {
		assert.equal(await terminal.quit(), 0);
	});

	it("says at once what is wrong: no platform, no token, a wrong one", async () => {
		const fails = async (env: NodeJS.ProcessEnv, url: string, said: RegExp) =>
			assert.rejects(Terminal.open({ DATA_DIR: home, ...env }, "--internal-url", url), said);
		const url = `http://127.0.0.1:${platform.operator.port}`;
		await Promise.all([
			fails({ OPERATOR_TOKEN }, "http://127.0.0.1:1", /127\.0\.0\.1:1 does not answer/),
			fails({}, url, /There is no operator's token/),
			fails({ OPERATOR_TOKEN: "x".repeat(40) }, url, /does not take this operator's token: OPERATOR_TOKEN/),
		]);
	});
});
