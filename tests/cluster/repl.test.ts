import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { Cluster } from "../../scripts/cluster/cluster.ts";
import { until } from "../../scripts/cluster/processes.ts";
import { Client, operatorAt } from "../api/client.ts";
import { newPerson, type Person } from "../api/people.ts";
import { unlimited } from "../api/platform.ts";
import { Terminal } from "../api/terminal.ts";
import { describeOnMongo } from "../mongo/on-mongo.ts";

describeOnMongo("the operators' shell, joined to a cluster", () => {
	let cluster: Cluster;
	let anyone: Client;
	let bob: Person;
	let terminal: Terminal;
	const envOf = (token: string) => ({
		OPERATOR_TOKEN: token,
		TRANSPORTER: cluster.nats.uriBy(cluster.nats.port, "operator"),
	});
	before(async () => {
		cluster = await Cluster.start({ counts: { user: 2 }, members: 1, env: unlimited });
		anyone = new Client(cluster.publicUrl, null, { origin: cluster.publicUrl });
		bob = await newPerson(anyone, { name: "Bob", credit: 5_000 });
		terminal = await Terminal.open(envOf(cluster.operatorToken), "--internal-url", cluster.internalUrl);
	});

	it("sees every process, by Moleculer's commands and by ours", async () => {
		const status = await terminal.run("status");
		for (const { pid, name } of cluster.processes) assert.match(status, new RegExp(`-${pid}\\b`), name);
		assert.match(await terminal.run("nodes"), /operator\./);
		assert.match(await terminal.run("circuits"), /All circuits of \d processes are closed/);
		assert.match(await terminal.run("audit"), /ledger\s+clean[\s\S]*operator log\s+clean/);
	});

	it("changes things as the one who shows the token", async () => {
		assert.match(await terminal.run(`freeze @${bob.handle} --reason "lost phone"`), /is frozen\./);
		await bob.api.refused("user.charge", { amount: 1 }, "account_frozen");
		assert.match(await terminal.run(`unfreeze @${bob.handle} --reason "found"`), /is open\./);
		assert.match(await terminal.run("operations 2"), /operator\s+account\.unfreeze\s+done/);
	});

	it("may ask the processes nothing past the gateway, whoever it says that it is", async () => {
		const before = (await bob.api.ok("user.me", {})).balance;
		const asked = {
			id: "operator:lee.forged",
			fingerprint: "x",
			...{ kind: "adjustment", debitAccountId: "system:adjustment", creditAccountId: bob.wallet, amount: 1_000_000 },
			details: {},
		};
		const caller = JSON.stringify({ caller: { kind: "operator", name: "lee" } });
		await terminal.run(`call credit.transfer '${JSON.stringify(asked)}' '${caller}'`);
		assert.equal((await bob.api.ok("user.me", {})).balance, before);
		const refused = (line: string) => line.includes("credit.transfer") && line.includes("operator");
		assert.ok(cluster.nats.violations.some(refused), cluster.nats.violations.join("\n"));
	});

	it("drains one process of two while people pay, and not the last one", async () => {
		const [first = assert.fail()] = cluster.of("user");
		const { pid, restarts } = first;
		let isOver = false;
		const paying = (async () => {
			let paid = 0;
			for (; !isOver; paid++) await bob.api.ok("user.charge", { amount: 1 });
			return paid;
		})();
		const status = await terminal.run("status");
		const [nodeId = ""] = new RegExp(`\\S+-${pid}-\\w+`).exec(status) ?? [];
		assert.match(await terminal.run(`drain ${nodeId} --reason "a new version"`), /finishes what it began/);
		await until(() => first.restarts > restarts && first.isReady, "it was ended and started again");
		isOver = true;
		assert.ok((await paying) > 0);
		const [, ledger = ""] = /(\S+-\d+-\w+)\s+credit\b/.exec(await terminal.run("status")) ?? [];
		assert.match(await terminal.run(`drain ${ledger} --reason x`), /No other process has credit, operator/);
		assert.equal(await terminal.quit(), 0);
	});

	it("drains one of the last two, when both are told at once", async () => {
		await until(async () => cluster.of("user").every(({ isReady }) => isReady), "both are there again");
		const operator = operatorAt(cluster.internalUrl, null, cluster.operatorToken);
		const users = async () => {
			const { items } = await operator.ok("operator.listProcesses", {});
			return items.filter(({ services }) => services.includes("user")).map(({ nodeId }) => nodeId);
		};
		try {
			await until(async () => (await users()).length === 2, "they see both");
			const both = (await users()).map((nodeId) => operator.call("operator.drain", { nodeId, reason: "both" }));
			const answers = (await Promise.all(both)).map(({ status, body }) => [status, (body as { code?: string }).code]);
			assert.deepEqual(answers.sort(), [
				[200, undefined],
				[409, "last_process"],
			]);
		} finally {
			operator.close();
		}
	});

	it("is nobody with another token", async () => {
		const opened = Terminal.open(envOf("x".repeat(40)), "--internal-url", cluster.internalUrl);
		await assert.rejects(opened, /token/);
	});

	/** What a port-forward leads to, whether it is ready or not. */
	const gateway = () => `http://127.0.0.1:${cluster.of("api")[0]?.ports.internal}`;

	after(async () => {
		terminal?.kill();
		anyone?.close();
		await cluster?.stop();
	});

	it("opens without a database, and its status tells the rest", async () => {
		await until(() => cluster.processes.every(({ isReady }) => isReady), "those that were drained are back");
		for (const member of cluster.set?.members ?? []) await cluster.set?.kill(member);
		const shell = await Terminal.open(envOf(cluster.operatorToken), "--internal-url", gateway());
		try {
			const status = await shell.run("status");
			for (const { pid, name } of cluster.processes) assert.match(status, new RegExp(`-${pid}\\b`), name);
			assert.match(status, /adjustments +does not answer: /);
		} finally {
			shell.kill();
		}
	});

	it("opens without NATS, says so, and ends when told to", async () => {
		await cluster.nats.kill();
		const shell = await Terminal.open(envOf(cluster.operatorToken), "--internal-url", gateway());
		try {
			assert.match(shell.opening, /Warning: [\s\S]*Warning: NATS does not answer/);
			assert.match(await shell.run("status"), /Nothing answers\.[\s\S]*ledger +does not answer: /);
			assert.equal(await shell.quit(), 0);
		} finally {
			shell.kill();
		}
	});
});
