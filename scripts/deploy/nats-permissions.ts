// Who may say and hear what on NATS, as the code needs it: `npm run permissions` writes k8s/base/nats/users.conf anew, and a test holds it
// against the code. So what a service begins to ask of another one is seen in a diff.
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ServiceName, serviceNames } from "../../moleculer.config.ts";
import { internalRoutes } from "../../services/api/internal-routes.ts";
import { publicRoutes } from "../../services/api/routes.ts";

const root = join(import.meta.dirname, "../..");
export const usersFile = join(root, "k8s/base/nats/users.conf");

type Needs = {
	/** Full names of actions. */
	readonly calls: readonly string[];
	/** Events that it tells. */
	readonly tells: readonly string[];
	/** Events that it wants to hear. */
	readonly hears: readonly string[];
};

const textOf = (file: string): string => readFileSync(join(root, file), "utf8");
const sourcesOf = (service: ServiceName): string[] =>
	globSync(`services/${service}/*.ts`, { cwd: root }).filter((file) => !file.endsWith(".test.ts"));

/** With the mixins that it imports. */
function textsOf(service: ServiceName): string {
	const own = sourcesOf(service).map(textOf).join("\n");
	// Not their types, nor what they export beside the mixin.
	const mixins = own.includes("keyring()") ? textOf("mixins/keyring.ts") : "";
	// What every process has, see main.ts.
	return own + mixins + textOf("mixins/traces.ts");
}

const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, found]) => String(found));
const sorted = (names: readonly string[]): string[] => [...new Set(names)].sort();

/** What a service asks of others, tells and hears: of what is in its files, and in those of the mixins that it has. */
export function needsOf(service: ServiceName): Needs {
	const text = textsOf(service);
	const asked = all(text, /\bcall(?:At)?\(\s*[\w.#]+,\s*([^{,]*),/g).flatMap((name) => all(name, /"([a-z]+\.\w+)"/g));
	const routed = service === "api" ? [...publicRoutes, ...internalRoutes].map(({ action }) => action) : [];
	return {
		calls: sorted([...asked, ...routed]),
		tells: sorted(all(text, /\bbroadcast\(\s*"([a-z]+\.\w+)"/g)),
		hears: sorted(all(text, /^\t*"([a-z]+\.\w+)"(?:\(this|: \{)/gm)),
	};
}

const needs = Object.fromEntries(serviceNames.map((service) => [service, needsOf(service)])) as Record<
	ServiceName,
	Needs
>;

/** Whose processes have an action: the ledger's those of operators, each its own. */
const hostOf = (name: string): string => {
	const [first = ""] = name.split(".");
	return { operator: "credit", process: "*" }[first] ?? first;
};

/** Whether a service's processes have this action. */
export const isAt = (name: string, service: ServiceName): boolean => [service, "*"].includes(hostOf(name));

/** What all processes of Moleculer say to each other: who is there, with what. */
const together = ["DISCOVER", "INFO", "HEARTBEAT", "PING", "DISCONNECT"];
const toOne = ["DISCOVER", "INFO", "PING", "PONG"];

export function subjectsOf(service: ServiceName): { publish: string[]; subscribe: string[] } {
	const { calls, tells } = needs[service];
	const calledBy = serviceNames.filter((other) => needs[other].calls.some((name) => isAt(name, service)));
	const listeners = tells.flatMap((event) =>
		serviceNames.filter((other) => needs[other].hears.includes(event)).map((other) => ({ event, other })),
	);
	return {
		publish: [
			...together,
			...toOne.map((type) => `${type}.*.*`),
			...calls.map((name) => `REQ.${hostOf(name)}.*.${name}`),
			...calledBy.map((other) => `RES.${other}.*`),
			...listeners.map(({ event, other }) => `EVENT.${other}.*.${event}`),
		],
		subscribe: [
			...together,
			...toOne.map((type) => `${type}.${service}.*`),
			`REQ.${service}.*.>`,
			`EVENT.${service}.*.>`,
			`RES.${service}.*`,
			`UNHEARD.${service}.*.>`,
		],
	};
}

const listOf = (subjects: readonly string[]): string =>
	subjects.map((subject) => `        "MOL-hannip.${subject}"`).join("\n");

function userOf(service: ServiceName): string {
	const { publish, subscribe } = subjectsOf(service);
	return `  {
    user: ${service}
    password: $PASSWORD_${service.toUpperCase()}
    permissions {
      publish: [
${listOf(publish)}
      ]
      subscribe: [
${listOf(subscribe)}
      ]
    }
  }`;
}

/** What is not listed is refused. Passwords come from the secret `passwords.conf` beside it. */
export const usersConf =
	(): string => `# Made from the code by \`npm run permissions\`: who may say and hear what. What is not listed is refused.
# A product list of 1,000,000 bytes as it is in JSON, each of its quotes and line breaks by two.
max_payload: 2MB
include ./passwords.conf
authorization {
  users: [
${[...serviceNames].sort().map(userOf).join("\n")}
  # The REPL: it sees who is there, and may ask nobody anything. What operators do goes through the internal port, which knows their names.
  {
    user: operator
    password: $PASSWORD_OPERATOR
    permissions {
      publish: [
${listOf([...together, ...toOne.map((type) => `${type}.*.*`)])}
      ]
      subscribe: [
${listOf([...together, ...toOne.map((type) => `${type}.operator.*`), "REQ.operator.*.>", "EVENT.operator.*.>", "RES.operator.*", "UNHEARD.operator.*.>"])}
      ]
    }
  }
  ]
}
`;

if (import.meta.main) writeFileSync(usersFile, usersConf());
