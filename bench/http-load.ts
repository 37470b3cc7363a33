import { type ChildProcess, spawn } from "node:child_process";
import { Agent } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { endWithUs, freePorts } from "../scripts/cluster/processes.ts";
import { Client, newKey, type Wire } from "../tests/api/client.ts";
import type { Answer } from "../tests/api/contract.ts";
import { basketOf, newCode, newPerson, newShop, newTill, type Person, type Till } from "../tests/api/people.ts";
import { own } from "./ending.ts";

// What the benches of payments over HTTP share: who pays whom, requests made ready before they are sent, and an echo to compare with.

/**
 * How many clients there are: of a shopping street, and of a festival, where all of it is busy. No more than one process lets in before it knows how
 * fast it is: else the seconds that some are told to wait would be most of what is measured.
 */
export const FEW = 32;
export const BUSY = 96;
const PAYERS = 8;

export type Load = { readonly perS: number; readonly p50Ms: number; readonly p99Ms: number };
type Shop = { readonly client: Client; readonly till: Till; readonly payers: readonly Person[] };

type Sending = { readonly atOnce: number; readonly status: number };

/** All of these, so many at once. @throws when one is not answered as it should be */
export async function sent(client: Client, wires: readonly Wire[], { atOnce, status }: Sending): Promise<Load> {
	const left = wires.values();
	const tookMs: number[] = [];
	const startedMs = performance.now();
	const worker = async () => {
		for (const wire of left) {
			const beganMs = performance.now();
			const answer = await letIn(client, wire);
			if (answer.status !== status) throw new Error(`${wire.path} was answered ${answer.status} ${answer.text}`);
			tookMs.push(performance.now() - beganMs);
		}
	};
	await Promise.all(Array.from({ length: atOnce }, worker));
	const perS = (wires.length / (performance.now() - startedMs)) * 1_000;
	const sorted = tookMs.sort((left, right) => left - right);
	const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
	return { perS, p50Ms: at(0.5), p99Ms: at(0.99) };
}

/** Whoever is told that there is too much to do comes again; nothing was looked at, so the very same request is right. */
async function letIn(client: Client, wire: Wire): Promise<Answer> {
	for (;;) {
		const answer = await client.raw(wire);
		if (answer.status !== 503 || !answer.text.includes('"overloaded"')) return answer;
		await sleep(1_000 * Number(answer.headers["retry-after"] ?? 1));
	}
}

export const clientOf = (origin: string): Client =>
	new Client(origin, null, { origin, agent: new Agent({ keepAlive: true, maxSockets: BUSY }) });

export async function openShop(anyone: Client): Promise<Shop> {
	const till = await newTill(anyone, await newShop(await newPerson(anyone), { prices: [1] }));
	const payers: Person[] = [];
	for (let n = 0; n < PAYERS; n++) payers.push(await newPerson(anyone, { name: "Payer", credit: 1_000_000 }));
	return { client: clientOf(anyone.origin), till, payers };
}

/** Sales whose codes are shown and whose requests are signed: only what the platform does is left. */
export async function preparedSales({ till, payers }: Shop, count: number): Promise<Wire[]> {
	const path = `/v1/stores/${till.shop.id}/sales`;
	const wires: Wire[] = [];
	const payer = async (person: Person) => {
		for (let n = 0; n < count / PAYERS; n++) {
			const body = JSON.stringify({ code: await newCode(person), items: basketOf(till.shop) });
			const headers = { "content-type": "application/json", "idempotency-key": newKey() };
			const wire = { method: "POST", path, headers, body };
			wires.push({ ...wire, headers: { ...headers, ...(await till.api.proofOf(wire)) } });
		}
	};
	await Promise.all(payers.map(payer));
	return wires;
}

/** moleculer-web and a service that says what it is told: over NATS in two processes, or both in one. */
export async function startEcho(nats: string | null): Promise<Client> {
	const [port = 0] = await freePorts(1);
	for (const what of nats === null ? ["both"] : ["service", "gateway"]) {
		const file = join(import.meta.dirname, "echo.ts");
		const args = ["--disable-warning=ExperimentalWarning", file, what, nats ?? "", String(port)];
		const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
		await own(Promise.resolve(child), (started: ChildProcess) => started.kill("SIGKILL"));
		endWithUs(child);
		if (what !== "service") await new Promise((resolve) => child.stdout?.once("data", resolve));
	}
	return clientOf(`http://127.0.0.1:${port}`);
}

/** As long as a sale's request. */
export const echoes = (count: number): Wire[] =>
	Array.from({ length: count }, () => ({
		method: "POST",
		path: "/echo",
		headers: { "content-type": "application/json" },
		body: JSON.stringify({ n: 1, text: "x".repeat(300) }),
	}));
