// `npm run repl`: Moleculer's own shell, with what operators do in it. What they do it asks at `--internal-url`, with the operator's token:
// OPERATOR_TOKEN, or the file that DATA_DIR has. With TRANSPORTER it also joins the cluster, to see who is there.
import type { REPLServer } from "node:repl";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ServiceBroker } from "moleculer";
import startRepl from "moleculer-repl";
import { nodeIDOf } from "../mixins/nats-by-action.ts";
import { brokerOptions, readSettings } from "../moleculer.config.ts";
import { operatorTokenOf } from "../services/api/operators.ts";
import { type Ask, askByHttp, Refused } from "./repl/ask.ts";
import { type Command, operatorCommands } from "./repl/commands.ts";
import { warningAtOpening } from "./repl/opening.ts";
import { screenOf } from "./repl/screen.ts";

/** A process that is well tells the others of itself at once. */
const FOUND_WITHIN_MS = 10_000;
/** Longer than a gateway waits for anybody. */
const ANSWERED_WITHIN_MS = 10_000;

/** Its types want all that may be left out. */
type CustomCommand = Extract<
	NonNullable<NonNullable<Parameters<typeof startRepl>[1]>["customCommands"]>,
	unknown[]
>[number];

// As a gateway does, it keeps nothing.
const settings = readSettings({ ...process.env, SERVICES: "api" });

/** Moleculer's own commands (`nodes`, `services`, `actions` …) see the processes that are on the bus, and may ask them nothing. */
async function brokerOn(transporter: string | null): Promise<ServiceBroker> {
	// Alone, they see nothing but this shell.
	if (transporter === null) return new ServiceBroker({ logger: false, nodeID: "repl" });
	// What it would say of the bus every few seconds stands between the lines of who types; what matters of it is said once, by `join`.
	return new ServiceBroker(brokerOptions({ ...settings, transporter, logLevel: "fatal" }, nodeIDOf(["operator"])));
}

const toReplCommand = ({ usage, help, options = {}, run }: Command) => ({
	command: usage,
	description: help,
	options: Object.entries(options).map(([option, description]) => ({ option, description })),
	action: async (_: ServiceBroker, { options: given, rawCommand: __, ...named }: Given) => {
		try {
			await run({ ...named, ...given });
		} catch (error) {
			console.log(error instanceof Refused ? error.message : `Something went wrong here: ${(error as Error).message}`);
		}
	},
});
type Given = { options: Record<string, string>; rawCommand: string } & Record<string, never>;

/** Moleculer's own completion knows the names of commands; what comes behind some of them is known here. */
function completing(server: REPLServer, ask: Ask): void {
	type Done = (error: Error | null, completions: [string[], string]) => void;
	const internal = server as unknown as { completer: (line: string, done: Done) => void };
	const before = internal.completer;
	internal.completer = (line, done) => {
		const [, command = "", started = ""] = /^(drain|keys) (\S*)$/.exec(line) ?? [];
		if (!command) return before.call(server, line, done);
		const answer = (words: readonly string[]) =>
			done(null, [words.filter((word) => word.startsWith(started)), started]);
		if (command === "keys") return answer(["rotate"]);
		ask("operator.listProcesses", {}).then(
			({ items }) => answer(items.map(({ nodeId }) => nodeId)),
			() => answer([]),
		);
	};
}

/** Without the bus what is asked at the gateway still works, so nothing here keeps the shell from opening. */
async function join(broker: ServiceBroker, warn: (text: string) => void): Promise<void> {
	// It ends when there is a bus: later, perhaps, and it is joined then.
	const started = broker.start();
	if (!settings.transporter) return started;
	const isStarted = await Promise.race([started.then(() => true), sleep(FOUND_WITHIN_MS, false)]);
	if (!isStarted)
		return warn("NATS does not answer at TRANSPORTER. Moleculer's own commands see nobody until it does.");
	await broker.waitForServices(["operator", "internal"], FOUND_WITHIN_MS).catch(() => {
		warn("No Hannip that can be operated is on this bus. Is TRANSPORTER that of the platform, and does it run?");
	});
}

async function main(): Promise<void> {
	const { values } = parseArgs({ options: { "internal-url": { type: "string", default: "http://127.0.0.1:3001" } } });
	const token = operatorTokenOf(settings, { make: false })?.secret;
	if (!token)
		throw new Refused(
			"There is no operator's token: set OPERATOR_TOKEN, or DATA_DIR to where the platform keeps its own.",
		);
	const url = values["internal-url"];
	const ask = askByHttp(url, token);
	const warn = (text: string) => console.warn(`Warning: ${text}`);
	const warning = await warningAtOpening(askByHttp(url, token, ANSWERED_WITHIN_MS));
	if (warning !== null) warn(warning);
	const broker = await brokerOn(settings.transporter);
	await join(broker, warn);
	let server: REPLServer | undefined;
	const commands = operatorCommands(
		ask,
		(text) => console.log(text),
		screenOf(() => server),
	);
	console.log(
		`Hannip's operators' shell, at ${url}. help lists the commands, help COMMAND explains one, quit ends it.`,
	);
	server = startRepl(broker, {
		delimiter: "hannip $",
		customCommands: commands.map(toReplCommand) as unknown as CustomCommand[],
	});
	completing(server, ask);
}

main().catch((error: unknown) => {
	console.error(`repl: ${(error as Error).message}`);
	process.exit(1);
});
