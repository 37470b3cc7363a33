// `npm run cluster`: NATS, a MongoDB replica set and any number of processes of each service on this machine, and who of them is up.
// `npm run cluster -- --credit 3 --faults faults.txt`; Ctrl-C takes everything down.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { serviceNames } from "../../moleculer.config.ts";
import { Cluster, type Counts } from "./cluster.ts";
import { inflict, nameOf, readFaults } from "./faults.ts";
import { View } from "./view.ts";

const HELP = `npm run cluster -- [options]

  --api N --auth N --hasher N --user N --store N --credit N   processes of each service (2)
  --members N      of the replica set: 1 or 3 (3)
  --port N         of all public gateways (3000); operators' is the next one
  --faults FILE    lines such as "12 freeze credit 10": at what second, what (kill, stop, freeze, cut, roll), whom
                   (a service, credit-1, nats, primary, secondary, all), for how many seconds
  --seconds N      take it down after so long; without it, on Ctrl-C
`;

const number = (name: string, text: string, { min, max }: { min: number; max: number }): number => {
	const value = Number(text);
	if (!/^\d+$/.test(text) || value < min || value > max)
		quit(`--${name}=${text} is not a number from ${min} to ${max}`);
	return value;
};

function quit(message: string): never {
	console.error(`cluster: ${message}`);
	process.exit(1);
}

function readArguments() {
	const count = { type: "string", default: "2" } as const;
	const { values } = parseArgs({
		options: {
			...{ api: count, auth: count, hasher: count, user: count, store: count, credit: count },
			members: { type: "string", default: "3" },
			port: { type: "string", default: "3000" },
			faults: { type: "string" },
			seconds: { type: "string" },
			help: { type: "boolean", default: false },
		},
	});
	if (values.help) {
		console.log(HELP);
		process.exit(0);
	}
	const counts = Object.fromEntries(
		serviceNames.map((name) => [name, number(name, values[name], { min: 1, max: 20 })]),
	) as Counts;
	if (values.members !== "1" && values.members !== "3") quit(`--members=${values.members} is neither 1 nor 3`);
	const port = number("port", values.port, { min: 1, max: 65_534 });
	return {
		options: {
			counts,
			members: Number(values.members) as 1 | 3,
			isCuttable: values.faults !== undefined,
			ports: { public: port, internal: port + 1 },
		},
		faults: values.faults === undefined ? [] : readFaults(readFileSync(values.faults, "utf8")),
		seconds: values.seconds === undefined ? null : number("seconds", values.seconds, { min: 1, max: 1_000_000 }),
	};
}

function readOrQuit() {
	try {
		return readArguments();
	} catch (error) {
		return quit((error as Error).message);
	}
}

const { options, faults, seconds } = readOrQuit();
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort());
if (seconds !== null) setTimeout(() => stop.abort(), seconds * 1_000).unref();

console.log("Starting NATS, MongoDB and the processes …");
const cluster = await Cluster.start(options).catch((error: Error) => quit(error.message));
const view = new View(cluster);
view.say(
	`Hannip is up. Public: ${cluster.publicUrl}  Internal: ${cluster.internalUrl}\n` +
		`Try it: OPERATOR_TOKEN=${cluster.operatorToken} npm run demo -- --url ${cluster.publicUrl} --internal-url ${cluster.internalUrl}`,
);
const startedAt = performance.now();
const running = faults.map(async ({ atMs, fault }) => {
	await sleep(atMs - (performance.now() - startedAt), undefined, { signal: stop.signal });
	view.say(`now: ${nameOf(fault)}`);
	await inflict(cluster, fault);
	view.say(`over: ${nameOf(fault)}`);
});
for (const each of running)
	each.catch((error: Error) => {
		if (!stop.signal.aborted) view.say(`failed: ${error.message}`);
	});
while (!stop.signal.aborted) {
	view.refresh();
	await sleep(500, undefined, { signal: stop.signal }).catch(() => undefined);
}
view.say("Taking everything down …");
await cluster.stop();
process.exit(0);
