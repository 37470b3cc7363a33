import { inspect } from "node:util";
import { Loggers } from "moleculer";
import { OPERATOR_TOKEN } from "./client.ts";
import { PASSWORD } from "./people.ts";

const secrets: Readonly<Record<string, string | RegExp>> = {
	"a password": PASSWORD,
	"the operator's credential": OPERATOR_TOKEN,
	"a token or proof": /eyJ[A-Za-z0-9_-]{20,}/,
	"a payment code": /HN:[0-9A-Z $%*+./:-]{40}/,
	"a refresh token": /n_[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{43}/,
	"a password's hash": /\$argon2/,
	"a private key": /PRIVATE KEY|"d":"[A-Za-z0-9_-]{43}"/,
};

/** @throws with the line, when what was logged has what nobody may read in a log */
export function refuseSecretsIn(log: string): void {
	for (const [what, secret] of Object.entries(secrets)) {
		const at = typeof secret === "string" ? log.indexOf(secret) : log.search(secret);
		if (at >= 0) throw new Error(`the log has ${what}: ${log.slice(Math.max(0, at - 200), at + 200)}`);
	}
}

/** Reads along all that a platform in this process logs, however little of that is printed. */
export class LogWatch extends Loggers.Base<{ level: "trace" }> {
	lines = 0;
	#problem: unknown = null;

	constructor() {
		super({ level: "trace" });
	}

	override getLogHandler(): (level: string, args: unknown[]) => void {
		return (_level, args) => {
			this.lines++;
			try {
				refuseSecretsIn(
					args.map((value) => (typeof value === "string" ? value : inspect(value, { depth: 6 }))).join(" "),
				);
			} catch (error) {
				this.#problem ??= error;
			}
		};
	}

	/** @throws with the first line that had a secret; and when nothing was logged at all, as then this means nothing */
	finish(): void {
		if (this.#problem) throw this.#problem;
		if (this.lines === 0) throw new Error("nothing was logged: the watch does not see the log");
	}
}
