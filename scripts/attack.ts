// `npm run attack -- --url http://127.0.0.1:3000 [--requests 50000]`: tries at a running platform everything that must not work, each by
// its name, and then so many random bad requests made from its own OpenAPI document. It signs up people of its own and harms nobody else.
// Exits with 1 if anything was accepted, or answered with 5xx. The platform must let everybody ask often enough:
// start it with REQUESTS_PER_MINUTE_PERSON, REQUESTS_PER_MINUTE_TILL and REQUESTS_PER_MINUTE_ADDRESS=1000000000.
import { parseArgs } from "node:util";
import fc from "fast-check";
import { damagedRequest, damages, newScene } from "../tests/api/bad-requests.ts";
import { Client, type Wire } from "../tests/api/client.ts";
import { type Answer, Contract, type OpenApi } from "../tests/api/contract.ts";
import { attacks, onceOnlyAttacks, tried, triedInVain } from "../tests/security/attack/attack.ts";
import { holdings, newWorld, type World } from "../tests/security/attack/world.ts";

const AT_ONCE = 16;
/** So often one person asks here, at least. */
const PER_MINUTE_MIN = 100_000;

const { values } = parseArgs({
	options: {
		url: { type: "string", default: "http://127.0.0.1:3000" },
		requests: { type: "string", default: "50000" },
		seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
	},
});

type Figures = { tried: number; accepted: number; failed: number; limited: number };
const figures: Figures = { tried: 0, accepted: 0, failed: 0, limited: 0 };

async function byName(world: World): Promise<void> {
	for (const attack of attacks) report(attack.name, await triedInVain(attack, world));
	for (const attack of onceOnlyAttacks) report(attack.name, await tried(attack, world));
}

function report(name: string, { requests, wrong }: { requests: number; wrong: string[] }): void {
	figures.tried += requests;
	figures.accepted += wrong.length;
	figures.failed += wrong.filter((what) => /answered 5\d\d/.test(what)).length;
	console.log(`${wrong.length === 0 ? "refused" : "WRONG  "}  ${name}`);
	for (const what of wrong) console.log(`         ${what}`);
}

function judge(wire: Wire, { status, text }: Answer): void {
	figures.tried++;
	if (status === 429) figures.limited++;
	if (status >= 400 && status < 500) return;
	if (status >= 500) figures.failed++;
	else figures.accepted++;
	console.log(`WRONG    ${JSON.stringify(wire).slice(0, 500)} was answered ${status} ${text.slice(0, 300)}`);
}

/** @param contract of the platform that is attacked */
async function atRandom(world: World, contract: Contract): Promise<void> {
	const { victim, eve, shop } = world;
	const scene = await newScene(shop, eve);
	const before = await holdings(world);
	const targets = contract.places.map((place) => ({ place, contract }));
	const inputs = fc.sample(fc.tuple(fc.constantFrom(...targets.keys()), damages), {
		numRuns: Number(values.requests) * 2,
		seed: Number(values.seed),
	});
	const left = inputs.values();
	let sent = 0;
	const worker = async () => {
		for (const [index, damage] of left) {
			const wire = damagedRequest(targets[index] as (typeof targets)[number], scene, damage);
			if (!wire) continue;
			if (sent++ >= Number(values.requests)) return;
			judge(wire, await victim.api.raw(wire));
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, worker));
	if (JSON.stringify(await holdings(world)) !== JSON.stringify(before)) {
		figures.accepted++;
		console.log("WRONG    something was changed");
	}
}

async function attackAll(): Promise<void> {
	const document = (await (await fetch(new URL("/openapi.json", values.url))).json()) as OpenApi & {
		servers: { url: string }[];
	};
	const contract = new Contract(document);
	const anyone = new Client(values.url, contract, { origin: String(document.servers[0]?.url) });
	const world = await newWorld(anyone);
	const { headers } = await world.victim.api.call("user.send", { to: world.eve.handle, amount: 7 });
	const [, perMinute] = /q=(\d+)/.exec(String(headers["ratelimit-policy"])) ?? [];
	if (Number(perMinute) < PER_MINUTE_MIN) throw new Error(`answered 429 after ${perMinute} requests`);
	console.log(
		`${attacks.length + onceOnlyAttacks.length} attacks on ${values.url}, then ${values.requests} random requests (seed ${values.seed})`,
	);
	await byName(world);
	await atRandom(world, contract);
	anyone.close();
}

try {
	await attackAll();
} catch (error) {
	// What is refused for being too much proves nothing.
	if (!/answered 429/.test((error as Error).message)) throw error;
	console.error(
		"attack: the platform lets nobody ask so often. Start it with REQUESTS_PER_MINUTE_PERSON, REQUESTS_PER_MINUTE_TILL and REQUESTS_PER_MINUTE_ADDRESS=1000000000.",
	);
	process.exit(1);
}
if (figures.limited > figures.tried / 100) {
	console.log(
		`${figures.limited} were refused because there were too many: that proves nothing. Start the platform with higher limits.`,
	);
	process.exitCode = 1;
}
console.log(`figure attack.tried ${figures.tried} requests`);
console.log(`figure attack.accepted ${figures.accepted} requests`);
console.log(`figure attack.http_5xx ${figures.failed} requests`);
if (figures.accepted + figures.failed > 0) process.exitCode = 1;
