import { problems } from "../../services/errors.ts";
import { type Ask, Refused, Unreachable } from "./ask.ts";

/**
 * Before anybody types: whether the gateway is there, and whether the token is good. Whatever else is wrong may be why somebody opens the shell.
 * @returns what to warn of; null when all is well
 * @throws Refused, when no command could do anything
 */
export async function warningAtOpening(ask: Ask): Promise<string | null> {
	try {
		// Of all questions the one that needs no database.
		await ask("operator.listProcesses", {});
		return null;
	} catch (error) {
		if (!(error instanceof Refused) || error instanceof Unreachable) throw error;
		if (error.code !== null && [401, 403].includes(problems[error.code].status)) throw error;
		return error.message;
	}
}
