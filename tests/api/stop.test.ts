import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts, until } from "../../scripts/cluster/processes.ts";
import { Client, newKey, newProver, operatorAt } from "./client.ts";
import { assertBooked, forEach, type Intent, movedTo, newClients, randomOf, resolve, work } from "./load.ts";
import { newPerson, type Person } from "./people.ts";
import { launch, type Running, startProcess } from "./process.ts";

const folder = mkdtempSync(join(tmpdir(), "hannip-stop-"));
let folders = 0;
const newDataDir = (): string => join(folder, String(++folders));
const running = new Set<Running>();
after(async () => {
	for (const { child } of running) child.kill("SIGKILL");
	await Promise.all([...running].map(({ exited }) => exited));
	rmSync(folder, { recursive: true, force: true });
});

async function start(dataDir: string, command?: readonly string[]): Promise<Running> {
	const env = { DATA_DIR: dataDir, npm_config_update_notifier: "false" };
	const started = await startProcess(env, command);
	running.add(started);
	return started;
}

/** @throws AssertionError unless it ends by itself, with 0, in time */
async function ends({ exited, child, stderr }: Running, withinMs = 20_000): Promise<void> {
	const late = setTimeout(() => child.kill("SIGKILL"), withinMs);
	assert.deepEqual(await exited, { code: 0, signal: null }, stderr());
	clearTimeout(late);
}

/** What the three probes answer, as far as anybody does. */
async function probe(url: string): Promise<string> {
	const answers: (number | "-")[] = [];
	// Readiness first: whoever is ready has started before.
	for (const name of ["ready", "started", "live"]) {
		answers.unshift((await fetch(`${url}/${name}`).catch(() => undefined))?.status ?? "-");
	}
	return answers.join(" ");
}

/** How many requests it has answered, or is working on. */
async function requestsBegun({ probesUrl }: Running): Promise<number> {
	const metrics = await (await fetch(`${probesUrl}/metrics`)).text();
	const counts = metrics.matchAll(/^hannip_http_requests_(?:total|running)\{.*\} (\d+)$/gm);
	return Array.from(counts, ([, count]) => Number(count)).reduce((sum, count) => sum + count, 0);
}

/** A request of which the last byte is still to come. */
async function beginCharge(port: number, { api }: Person): Promise<{ socket: Socket; finish(): Promise<string> }> {
	const socket = connect({ host: "127.0.0.1", port });
	await once(socket, "connect");
	const head = [
		"POST /v1/me/charges HTTP/1.1",
		"Host: x",
		...Object.entries(await api.proofOf({ method: "POST", path: "/v1/me/charges" })).map(
			([name, value]) => `${name}: ${value}`,
		),
		`Idempotency-Key: ${newKey()}`,
		"Content-Type: application/json",
		"Content-Length: 12",
	];
	socket.write(`${head.join("\r\n")}\r\n\r\n{"amount":1`);
	const finish = async () => {
		socket.write("}");
		let text = "";
		socket.setEncoding("utf8").on("data", (chunk) => {
			text += chunk;
		});
		await once(socket, "close");
		return text;
	};
	return { socket, finish };
}

describe("probes", () => {
	it("say what state the process is in, from its first moment to its last", async () => {
		const [port] = await freePorts(1);
		const probesUrl = `http://127.0.0.1:${port}`;
		const launched = launch({ LOG_LEVEL: "info", DATA_DIR: newDataDir(), PROBE_PORT: String(port) });
		const seen: string[] = [];
		while (seen.at(-1) !== "200 200 200") {
			const now = await probe(probesUrl);
			if (now !== seen.at(-1)) seen.push(now);
			assert.ok(seen.length < 10, `${seen}`);
			await sleep(5);
		}
		assert.equal(seen[0], "- - -");
		assert.ok(seen.includes("200 503 503"), `${seen}`);
		assert.ok(!seen.some((now) => now.endsWith("503 200")), `ready before it has started: ${seen}`);
		assert.match(launched.stdout(), /Hannip is up/);
		assert.equal((await fetch(`${probesUrl}/metrics`)).status, 200);
		assert.equal((await fetch(`${probesUrl}/live?x=1`)).status, 404);

		const publicUrl = /Public: (\S+)/.exec(launched.stdout())?.[1] ?? assert.fail();
		const anyone = new Client(publicUrl, null);
		const held = await beginCharge(anyone.port, await newPerson(anyone));
		launched.child.kill("SIGTERM");
		await sleep(300);
		assert.equal(await probe(probesUrl), "200 200 503");
		assert.match(await held.finish(), /^HTTP\/1\.1 201/);
		assert.deepEqual(await launched.exited, { code: 0, signal: null });
		assert.equal(await probe(probesUrl), "- - -");
	});
});

describe("SIGTERM", () => {
	it("answers what was begun, and takes nothing new", async () => {
		const dataDir = newDataDir();
		const server = await start(dataDir);
		const anyone = new Client(server.publicUrl, null);
		const ada = await newPerson(anyone);
		const held = await Promise.all(Array.from({ length: 5 }, () => beginCharge(anyone.port, ada)));
		const phone = anyone.from(await newProver());
		const login = () => phone.call("auth.login", { handle: "nobody", password: "not the one" });
		// With the nonce that its answer has, the others are one request each.
		await login();
		const begunBefore = await requestsBegun(server);
		// One is hashed after the other: some are being worked on, or wait, when the signal comes.
		const logins = Array.from({ length: 12 }, login);
		await until(async () => (await requestsBegun(server)) >= begunBefore + logins.length, "all are begun");
		server.child.kill("SIGTERM");
		for (const { status } of await Promise.all(logins)) assert.equal(status, 401);
		const isRefused = ({ code }: { code: string }) => code === "ECONNREFUSED";
		const knock = () => new Client(server.publicUrl, null).raw({ method: "GET", path: "/" });
		await until(() => knock().then(() => false, isRefused), "nobody new is let in");
		for (const text of await Promise.all(held.map(({ finish }) => finish()))) {
			assert.match(text, /^HTTP\/1\.1 201/);
		}
		await ends(server);
		const again = await start(dataDir);
		const moved = new Client(again.publicUrl, null).from(ada.prover, ada.accessToken);
		assert.equal((await moved.ok("user.me", {})).balance, 5);
		moved.close();
		again.child.kill("SIGTERM");
		await ends(again);
	});

	it("is not held up by clients that never finish, or never begin", async () => {
		const server = await start(newDataDir());
		const anyone = new Client(server.publicUrl, null);
		const ada = await newPerson(anyone);
		const { socket: unfinished } = await beginCharge(anyone.port, ada);
		const silent = connect({ host: "127.0.0.1", port: anyone.port });
		for (const socket of [unfinished, silent]) socket.on("error", () => {});
		await once(silent, "connect");
		server.child.kill("SIGTERM");
		await ends(server, 10_000);
	});

	it("under load loses nothing: what was booked was answered, what was answered is booked", async (context) => {
		const seed = Math.floor(Math.random() * 2 ** 32);
		context.diagnostic(`seed ${seed}`);
		const random = randomOf(seed);
		const dataDir = newDataDir();
		let server = await start(dataDir);
		let clients = await newClients(server.publicUrl);
		for (let round = 1; round <= 2; round++) {
			const intents: Intent[] = [];
			const workers = Array.from({ length: 12 }, () => work(clients, intents, random));
			await sleep(200 + random() * 400);
			// A slow machine needs longer until there is something to lose.
			while (intents.filter(({ answer }) => answer?.status === 201).length <= 20) await sleep(20 + random() * 50);
			server.child.kill("SIGTERM");
			await Promise.all([ends(server), ...workers]);

			server = await start(dataDir);
			clients = movedTo(server.publicUrl, clients);
			const acknowledged = intents.filter(({ answer }) => answer?.status === 201);
			const unanswered = intents.filter(({ answer }) => answer === undefined || answer.status >= 500);
			assert.equal(acknowledged.length + unanswered.length, intents.length);
			await forEach(acknowledged, 16, (intent) => assertBooked(intent, clients));
			for (const intent of unanswered) {
				const what = `${intent.kind} ${intent.answer?.text ?? "without an answer"}`;
				assert.equal(await resolve(intent, clients), "sent again", `${what} was booked all the same`);
			}
			context.diagnostic(`round ${round}: ${acknowledged.length} acknowledged, ${unanswered.length} not taken`);
			assert.ok(acknowledged.length > 20);
		}
		const operator = operatorAt(server.internalUrl);
		assert.equal((await operator.ok("credit.audit", {})).clean, true);
		operator.close();
		clients.ada.api.close();
		server.child.kill("SIGINT");
		await ends(server);
	});
});

describe("started by a command,", () => {
	/** The platform's own process, which is none that this one started itself. */
	const pidOf = ({ stdout }: Running): number =>
		Number(/"nodeID":"[^"]+-(\d+)-\w+"/.exec(stdout())?.[1] ?? assert.fail());

	async function assertGone(pid: number): Promise<void> {
		for (;;) {
			try {
				process.kill(pid, 0);
			} catch (error) {
				assert.equal((error as NodeJS.ErrnoException).code, "ESRCH");
				return;
			}
			await sleep(10);
		}
	}

	for (const command of [
		["npm", "start"],
		["node", "scripts/run.mjs", "main.ts"],
	]) {
		it(`the platform finishes what was begun and ends when only the command is told to: ${command.join(" ")}`, async (t) => {
			const started = await start(newDataDir(), command);
			const pid = pidOf(started);
			t.after(() => {
				if (started.child.stdout?.closed === false) process.kill(pid, "SIGKILL");
			});
			assert.notEqual(pid, started.child.pid);
			const anyone = new Client(started.publicUrl, null);
			const held = await beginCharge(anyone.port, await newPerson(anyone));
			started.child.kill("SIGTERM");
			while (!started.stdout().includes("SIGTERM: finishing what was begun")) await sleep(10);
			assert.match(await held.finish(), /^HTTP\/1\.1 201/);
			const exit = await started.exited;
			// npm ends as soon as the shell below it does.
			if (command[0] === "node") assert.deepEqual(exit, { code: 0, signal: null });
			await assertGone(pid);
			for (const url of [started.publicUrl, started.internalUrl, started.probesUrl]) {
				await assert.rejects(fetch(url), ({ cause }: { cause: { code: string } }) => cause.code === "ECONNREFUSED");
			}
			anyone.close();
		});
	}

	it("the command ends as the platform does", async () => {
		const started = await start(newDataDir(), ["node", "scripts/run.mjs", "main.ts"]);
		process.kill(pidOf(started), "SIGKILL");
		assert.deepEqual(await started.exited, { code: 128 + 9, signal: null });
	});
});
