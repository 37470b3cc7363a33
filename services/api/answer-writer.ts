import build from "fast-json-stringify";

type Write = (data: unknown) => string;

/** Writes answers by the action's `returns` schema: fields that it does not name stay inside, and it is faster than JSON.stringify. */
export class AnswerWriter {
	readonly #writers = new Map<string, Write>();

	write(action: { name: string; returns?: object } | undefined, data: unknown): string {
		if (!action?.returns) return JSON.stringify(data);
		let write = this.#writers.get(action.name);
		if (!write) {
			write = build(action.returns) as Write;
			this.#writers.set(action.name, write);
		}
		return write(data);
	}
}
