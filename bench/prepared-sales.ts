import { Agent } from "node:http";
import { Client, newKey, type Wire } from "../tests/api/client.ts";
import { basketOf, newCode, newPerson, newShop, newTill, type Person, type Till } from "../tests/api/people.ts";

const PAYERS = 8;
const CONNECTIONS_MAX = 256;

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
			const answer = await client.raw(wire);
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

export const clientOf = (origin: string): Client =>
	new Client(origin, null, { origin, agent: new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX }) });

/** A shop with a till, and people with credit. */
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
