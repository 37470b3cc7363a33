import type { REPLServer } from "node:repl";
import type { Screen } from "./commands.ts";

/** @param server is asked when something is drawn: commands are there before it */
export function screenOf(server: () => REPLServer | undefined): Screen {
	const { stdin, stdout } = process;
	return {
		draw(text) {
			// From the top left, over what was there.
			if (stdout.isTTY) stdout.write(`\u001b[2J\u001b[H${text}\n`);
			else console.log(`${text}\n`);
		},
		untilKey() {
			const stop = new AbortController();
			if (stdin.isTTY)
				stdin.once("keypress", () => {
					// The key was for this, and not the beginning of a command, for which the shell took it before.
					Object.assign(server() ?? {}, { line: "", cursor: 0 });
					stop.abort();
				});
			return stop.signal;
		},
	};
}
