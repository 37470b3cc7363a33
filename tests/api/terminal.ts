import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";

const script = join(import.meta.dirname, "../../scripts/repl.ts");
const PATIENCE_MS = 30_000;

/** The operators' shell in a real terminal: `script` (util-linux) gives it a pty. */
export class Terminal {
	readonly #child: ChildProcess;
	#shown = "";
	/** Up to where it was read. */
	#read = 0;
	/** What it said before it waited for a command. */
	opening = "";

	private constructor(child: ChildProcess) {
		this.#child = child;
		child.stdout?.on("data", (bytes: Buffer) => {
			this.#shown += bytes.toString();
		});
	}

	/** When the shell waits for a command. */
	static async open(env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<Terminal> {
		const command = [process.execPath, "--disable-warning=ExperimentalWarning", script, ...args].join(" ");
		const child = spawn(
			"script",
			["--quiet", "--flush", "--return", "--command", `stty cols 200 rows 50; exec ${command}`, "/dev/null"],
			{
				env: { PATH: process.env.PATH, TERM: "xterm", HOME: env.DATA_DIR ?? process.env.HOME, ...env },
				stdio: ["pipe", "pipe", "inherit"],
			},
		);
		const terminal = new Terminal(child);
		terminal.opening = await terminal.see(/hannip \$ $/);
		return terminal;
	}

	type(keys: string): void {
		this.#child.stdin?.write(keys);
	}

	/** What is shown from where it was last read up to and with this. @throws with what is there instead */
	async see(wanted: RegExp): Promise<string> {
		for (const until = performance.now() + PATIENCE_MS; performance.now() < until; await sleep(20)) {
			const text = stripVTControlCharacters(this.#shown.slice(this.#read)).replaceAll("\r", "");
			if (wanted.test(text)) {
				this.#read = this.#shown.length;
				return text;
			}
			if (this.#child.exitCode !== null) break;
		}
		assert.fail(`${wanted} is not to be seen, but:\n${stripVTControlCharacters(this.#shown.slice(this.#read))}`);
	}

	/** Types a command and reads what it says, up to the next prompt. */
	async run(command: string): Promise<string> {
		this.type(`${command}\r`);
		return this.see(/\n[\s\S]*hannip \$ $/);
	}

	/** @returns with what the shell ended */
	async quit(): Promise<number | null> {
		const exited = once(this.#child, "exit");
		this.type("quit\r");
		const [code] = (await exited) as [number | null];
		return code;
	}

	kill(): void {
		this.#child.kill("SIGKILL");
	}
}
