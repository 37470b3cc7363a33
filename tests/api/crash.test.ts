import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, operatorAt } from "./client.ts";
import {
	assertBooked,
	balancesOf,
	type Clients,
	forEach,
	type Intent,
	movedTo,
	newClients,
	randomOf,
	resolve,
	work,
} from "./load.ts";
import { booksOf } from "./platform.ts";
import { type Running, startProcess } from "./process.ts";

// A process that is killed at any moment loses no acknowledged payment, books none twice, and knows of every other one whether
// it was booked.

const ROUNDS = 6;
const WORKERS = 8;

const dataDir = mkdtempSync(join(tmpdir(), "hannip-crash-"));
const running = new Set<Running>();
after(async () => {
	for (const { child } of running) child.kill("SIGKILL");
	await Promise.all([...running].map(({ exited }) => exited));
	rmSync(dataDir, { recursive: true, force: true });
});

async function start(): Promise<Running> {
	const started = await startProcess({ DATA_DIR: dataDir });
	running.add(started);
	return started;
}

async function kill(victim: Running): Promise<void> {
	victim.child.kill("SIGKILL");
	assert.equal((await victim.exited).signal, "SIGKILL");
	running.delete(victim);
}

/** @throws AssertionError unless the books are sound and hold what was booked, to the last credit */
async function checkBooks(internalUrl: string, booked: readonly Intent[], opening: Map<string, number>): Promise<void> {
	const operator = operatorAt(internalUrl);
	const { clean, discrepancy } = await operator.ok("credit.audit", {});
	assert.deepEqual([clean, discrepancy], [true, null]);
	const moved = balancesOf(booked);
	const accounts = [...opening.keys()].filter((id) => !id.startsWith("system:"));
	for (const [id, balance] of Object.entries((await booksOf(operator, accounts)).balances)) {
		assert.equal(balance, (opening.get(id) ?? 0) + (moved.get(id) ?? 0), `${id} after ${booked.length} bookings`);
	}
	operator.close();
}

async function openingOf({ internalUrl }: Running, { ada, bob, shop }: Clients): Promise<Map<string, number>> {
	const operator = operatorAt(internalUrl);
	const { balances } = await booksOf(operator, [ada.wallet, bob.wallet, shop.account]);
	operator.close();
	return new Map(Object.entries(balances));
}

test(`kill -9 at a random moment, ${ROUNDS} times`, async (context) => {
	const seed = Math.floor(Math.random() * 2 ** 32);
	context.diagnostic(`seed ${seed}`);
	const random = randomOf(seed);
	let server = await start();
	let clients = await newClients(server.publicUrl);
	const opening = await openingOf(server, clients);
	const booked: Intent[] = [];

	for (let round = 1; round <= ROUNDS; round++) {
		const intents: Intent[] = [];
		const workers = Array.from({ length: WORKERS }, () => work(clients, intents, random));
		await sleep(300 + random() * 1_200);
		// A slow machine needs longer until there is something to lose.
		while (intents.filter(({ answer }) => answer?.status === 201).length <= 20) await sleep(50 + random() * 100);
		await kill(server);
		await Promise.all(workers);

		server = await start();
		clients = movedTo(server.publicUrl, clients);
		const unknown = intents.filter(({ answer }) => answer === undefined || answer.status >= 500);
		const acknowledged = intents.filter((intent) => !unknown.includes(intent));
		for (const { answer, kind } of acknowledged) assert.equal(answer?.status, 201, `${kind} ${answer?.text}`);
		await forEach(acknowledged, 16, (intent) => assertBooked(intent, clients));
		const outcomes = { "had arrived": 0, "sent again": 0 };
		await forEach(unknown, 4, async (intent) => {
			outcomes[await resolve(intent, clients)]++;
		});
		await forEach(unknown, 4, (intent) => assertBooked(intent, clients));
		booked.push(...intents);
		await checkBooks(server.internalUrl, booked, opening);
		assert.ok(acknowledged.length > 20, `only ${acknowledged.length} in round ${round}`);
		context.diagnostic(
			`round ${round}: ${acknowledged.length} acknowledged, ${unknown.length} unknown (${outcomes["had arrived"]} had arrived)`,
		);
	}

	// What was acknowledged in the first round is still there in the last.
	await forEach(booked.slice(0, 200), 16, (intent) => assertBooked(intent, clients));
	await answersStay(server, clients);
});

/** Everything that can be asked, page by page. */
async function everyAnswer({ internalUrl }: Running, { ada, bob, shop }: Clients): Promise<Map<string, unknown>> {
	const answers = new Map<string, unknown>();
	const ask = async (client: Client, path: string): Promise<void> => {
		const { status, body } = await client.raw({ method: "GET", path });
		assert.equal(status, 200, path);
		answers.set(path, body);
		const { nextCursor } = body as { nextCursor?: string | null };
		const [address] = path.split("?");
		if (nextCursor) await ask(client, `${address}?limit=100&cursor=${nextCursor}`);
	};
	const date = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Seoul" }).format(new Date());
	const store = `/v1/stores/${shop.id}`;
	for (const path of [`${store}/sales?limit=100`, `${store}/reports/${date}`, store, `${store}/products`]) {
		await ask(ada.api, path);
	}
	for (const path of ["/v1/me/transactions?limit=100", "/v1/me", "/v1/me/transactions.csv"]) await ask(bob.api, path);
	const operator = operatorAt(internalUrl);
	for (const id of ["system:funding", ada.wallet, bob.wallet, shop.account]) {
		await ask(operator, `/ledger/accounts/${id}`);
	}
	operator.close();
	return answers;
}

/** Only the log is the truth: what is made from it can be thrown away. */
async function answersStay(server: Running, clients: Clients): Promise<void> {
	const before = await everyAnswer(server, clients);
	assert.ok(before.size > 15, `${before.size} answers`);
	await kill(server);
	const made = readdirSync(dataDir).filter((name) => /^(read-model|ledger-claims)\.sqlite/.test(name));
	assert.ok(made.includes("read-model.sqlite"), `${made}`);
	for (const name of made) rmSync(join(dataDir, name));
	const again = await start();
	const moved = movedTo(again.publicUrl, clients);
	assert.deepEqual(await everyAnswer(again, moved), before);
	const operator = operatorAt(again.internalUrl);
	assert.equal((await operator.ok("credit.audit", {})).clean, true);
	operator.close();
	moved.ada.api.close();
	await kill(again);
}
