import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PUBLIC_ORIGIN } from "./client.ts";
import { refuseSecretsIn } from "./log-watch.ts";
import { secretsFor, unlimited } from "./platform.ts";

const root = join(import.meta.dirname, "../..");
const directly = [process.execPath, "--disable-warning=ExperimentalWarning", join(root, "main.ts")];

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };
export type Launched = {
	readonly child: ChildProcess;
	/** When all that it started have ended too, as far as they write to the same place. Rejected if a secret is in what they wrote. */
	readonly exited: Promise<Exit>;
	stdout(): string;
	stderr(): string;
};

/** Starts `node main.ts`, or what leads to it, as a user would, with free ports unless told otherwise. */
export function launch(env: NodeJS.ProcessEnv, [command = "", ...args]: readonly string[] = directly): Launched {
	const child = spawn(command, args, {
		cwd: root,
		env: {
			PATH: process.env.PATH,
			PORT: "0",
			INTERNAL_PORT: "0",
			PROBE_PORT: "0",
			PUBLIC_ORIGIN,
			...unlimited,
			...secretsFor(env),
			...env,
		},
		stdio: ["ignore", "pipe", "pipe"],
	});
	const text = { stdout: "", stderr: "" };
	for (const name of ["stdout", "stderr"] as const) {
		child[name].setEncoding("utf8").on("data", (chunk: string) => {
			text[name] += chunk;
		});
	}
	const exited = new Promise<Exit>((resolve) => child.once("close", (code, signal) => resolve({ code, signal })));
	const watched = exited.then((exit) => {
		refuseSecretsIn(text.stdout + text.stderr);
		return exit;
	});
	return { child, exited: watched, stdout: () => text.stdout, stderr: () => text.stderr };
}

export type Running = Launched & {
	readonly publicUrl: string;
	readonly internalUrl: string;
	readonly probesUrl: string;
};

const UP = /Hannip is up\. Public: (http:\S+)\s+Internal: (http:\S+)\s+Probes: (http:[\d.:/]+)/;

/** @throws when the process ends before it is up */
export async function startProcess(env: NodeJS.ProcessEnv, command?: readonly string[]): Promise<Running> {
	const launched = launch({ LOG_LEVEL: "info", ...env }, command);
	let found: RegExpExecArray | null = null;
	while (!found && launched.child.exitCode === null && launched.child.signalCode === null) {
		await sleep(10);
		found = UP.exec(launched.stdout());
	}
	if (!found) throw new Error(`it did not start: ${launched.stdout()}${launched.stderr()}`);
	const [, publicUrl, internalUrl, probesUrl] = found as unknown as [string, string, string, string];
	return { ...launched, publicUrl, internalUrl, probesUrl };
}
