import { hash } from "node:crypto";
import type { Documents } from "../../mixins/database.ts";
import { isDuplicateKey } from "../../mixins/document-errors.ts";
import { fail } from "../errors.ts";

/** What is written down about a change: once before it is made, and once about what became of it. */
export type Note = {
	readonly by: string;
	/** What was done, as `account.freeze`. */
	readonly operation: string;
	/** To what. */
	readonly target: string;
	readonly reason: string;
	readonly phase: "begun" | "done" | "failed" | "unknown";
	/** Of which beginning. */
	readonly of: number | null;
	/** How it was before, how it is after, or why it failed or is not known. */
	readonly detail: string;
};

/** A line of the log, chained to the one before it. */
export type Line = Note & {
	readonly sequence: number;
	readonly atMs: number;
	readonly previousHash: string;
	/** SHA-256 in hex, over all that the line says. */
	readonly hash: string;
};

/** As it is kept: the text that was hashed, so that nothing that keeps it can change its bytes. */
export type LineDocument = { readonly _id: string; readonly hash: string; readonly body: string };

/** The collection. */
export const OPERATOR_LOG = "operator_log";

type LogDocuments = Pick<Documents<LineDocument>, "find" | "findById" | "insert">;

const EMPTY = { sequence: 0, hash: "0".repeat(64) } as const;
/** So many operators at once are not there; more often than that nobody loses. */
const ATTEMPTS_MAX = 50;
const PAGE = 500;

/** Sorts as its number does. */
const idOf = (sequence: number): string => String(sequence).padStart(12, "0");

/**
 * What operators did: a chain of hashes, as the ledger's log is one. It only grows: the next number is the document's id, so of two who write at
 * once one wins, and the other one takes the number after it; nothing here changes or removes a line.
 */
export class OperatorLog {
	readonly #documents: LogDocuments;
	readonly #clock: () => number;

	/** @param clock one for all who write: what an operator may do alone within a day is counted by it */
	constructor(documents: LogDocuments, clock: () => number) {
		this.#documents = documents;
		this.#clock = clock;
	}

	/** Resolves when the line is durable. @throws overloaded, and what the database throws */
	async append(note: Note): Promise<Line> {
		for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
			const { sequence, hash: previousHash } = (await this.newest(1))[0] ?? EMPTY;
			const body = { ...note, sequence: sequence + 1, atMs: this.#clock(), previousHash };
			const text = JSON.stringify(body);
			const line = { ...body, hash: digestOf(text) };
			if (await this.#isInserted({ _id: idOf(line.sequence), hash: line.hash, body: text })) return line;
		}
		throw fail("overloaded");
	}

	async #isInserted(document: LineDocument): Promise<boolean> {
		try {
			await this.#documents.insert(document);
			return true;
		} catch (error) {
			if (!isDuplicateKey(error)) throw error;
			return false;
		}
	}

	/** Newest first. @param before only lines with a smaller number */
	async newest(limit: number, before?: number): Promise<Line[]> {
		const query = before === undefined ? {} : { _id: { $lt: idOf(before) } };
		return (await this.#documents.find({ query, sort: "-_id", limit })).map(lineOf);
	}

	/** Newest first: those before that number, as far back as that time. */
	async *backTo(atMs: number, before: number): AsyncGenerator<Line> {
		for (let next = before; ; ) {
			const lines = await this.newest(PAGE, next);
			for (const line of lines) {
				if (line.atMs < atMs) return;
				yield line;
			}
			if (lines.length < PAGE) return;
			next = lines.at(-1)?.sequence ?? 0;
		}
	}

	/** Whether what began with this line is known to have been done; looked for in what was written since. */
	async isDone(of: number): Promise<boolean> {
		for (let after = of; ; ) {
			const lines = (await this.after(after)).map(lineOf);
			if (lines.some((line) => line.of === of && line.phase === "done")) return true;
			if (lines.length < PAGE) return false;
			after = lines.at(-1)?.sequence ?? after;
		}
	}

	/** The next ones after that number, as they are kept; none at the end. */
	after(sequence: number): Promise<LineDocument[]> {
		return this.#documents.find({ query: { _id: { $gt: idOf(sequence) } }, sort: "_id", limit: PAGE });
	}
}

/** Whether each line follows the one before it. The newest hash, kept elsewhere, shows later that no line was cut off. */
export class LineChain {
	#head: { readonly sequence: number; readonly hash: string } = EMPTY;

	get head(): { readonly sequence: number; readonly hash: string } {
		return this.#head;
	}

	/** @returns what is wrong with it */
	follow(document: LineDocument): string | null {
		const wrong = wrongIn(document, this.#head);
		if (wrong === null) this.#head = { sequence: this.#head.sequence + 1, hash: document.hash };
		return wrong;
	}
}

/** Part of each operator's ids in the ledger, so that it says who it was. */
export const scopeOf = (name: string): string => `operator:${name}`;

/** The command of a change that is made once: by its line, for which the ledger vouches thereby. */
export const changeIdOf = ({ by, sequence, hash }: Pick<Line, "by" | "sequence" | "hash">): string =>
	`${scopeOf(by)}.${sequence}:${hash}`;

const digestOf = (body: string): string => hash("sha256", body, "hex");

export const lineOf = ({ hash, body }: LineDocument): Line => ({ ...(JSON.parse(body) as Omit<Line, "hash">), hash });

function wrongIn({ _id, hash, body }: LineDocument, head: { sequence: number; hash: string }): string | null {
	const sequence = head.sequence + 1;
	if (_id !== idOf(sequence)) return `line ${sequence} is missing`;
	if (hash !== digestOf(body)) return `line ${sequence} is not what was hashed`;
	const line = parsed(body);
	if (!line) return `line ${sequence} is no line`;
	if (line.sequence !== sequence) return `line ${sequence} says that it is another one`;
	return line.previousHash === head.hash ? null : `line ${sequence} does not follow the one before it`;
}

/** Somebody may have written anything there, with a hash that fits. */
function parsed(body: string): Partial<Line> | undefined {
	try {
		const found: unknown = JSON.parse(body);
		return typeof found === "object" && found !== null ? (found as Partial<Line>) : undefined;
	} catch {
		return undefined;
	}
}
