import type { ServerResponse } from "node:http";

/**
 * Tells once when there is nothing more to do for an answer: its last word is said, or its client is gone. Node tells only when the client has
 * taken it ("finish"), and of an answer behind one that nobody reads not even that: it would be for strangers to say how long our work takes.
 *
 * @returns what tells it before
 */
export function onceAnswered(response: ServerResponse, tell: () => void): () => void {
	let isTold = false;
	const once = () => {
		if (!isTold) tell();
		isTold = true;
	};
	// The one word that every answer ends with, whoever writes it: streams are piped into it, and moleculer-web calls it in many places.
	const end = response.end.bind(response) as (...said: unknown[]) => ServerResponse;
	response.end = (...said: unknown[]) => {
		once();
		return end(...said);
	};
	response.once("close", once);
	return once;
}
