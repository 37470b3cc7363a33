import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setImmediate as othersTurn } from "node:timers/promises";
import type { Result } from "../actions.ts";
import { fail, failAt } from "../errors.ts";

type FilePage = Result<"user.exportTransactions">;
type Export = {
	/** Who asks: one file at a time. */
	readonly who: string;
	readonly first: FilePage;
	readonly ask: (cursor: string) => Promise<FilePage>;
	/** Told why a file ended in the middle, unless its client had gone. */
	readonly onCutOff: (error: unknown) => void;
};

/**
 * Files that are longer than a message between processes may be: the next page is asked for when the client has taken the one before, so that of
 * each no more than a page is in memory.
 *
 * A file that cannot go on ends with its connection, and without HTTP's last chunk (RFC 9112, 8): no client takes a part for all of it. HTTP/1.0
 * has no chunks, and ends every answer like that; so it gets no file of several pages.
 */
export class Exports {
	readonly #people = new Set<string>();
	#last: Promise<unknown> = Promise.resolve();

	/** Begins to answer; the first page is there. @throws validation_failed by HTTP/1.0, overloaded */
	send(res: ServerResponse, asked: Export): void {
		const { who } = asked;
		if (res.req.httpVersion === "1.0")
			throw failAt("(all)", "is too long for HTTP/1.0: ask by HTTP/1.1, or for parts, by fromMs and toMs");
		if (this.#people.has(who)) throw fail("overloaded", "Another file of yours is on its way", { retryAfterS: 1 });
		this.#people.add(who);
		// See `LiveEvents`.
		res.setMaxListeners(16);
		const pages = Readable.from(this.#pages(res, asked), { objectMode: true, highWaterMark: 1 });
		pipeline(pages, res)
			// Its client has gone, or was told by that that this is not all.
			.catch(() => {})
			.finally(() => this.#people.delete(who));
	}

	async *#pages(res: ServerResponse, { first, ask, onCutOff }: Export): AsyncGenerator<string> {
		try {
			for (let page = first; ; ) {
				yield page.csv;
				const { nextCursor } = page;
				if (nextCursor === null) return;
				page = await this.#inTurn(() => ask(nextCursor));
			}
		} catch (error) {
			if (res.destroyed) return;
			onCutOff(error);
			res.destroy();
		}
	}

	/** One page after the other, whoever's it is: however many files are on their way, those who sell share the cores with one. */
	#inTurn<T>(work: () => Promise<T>): Promise<T> {
		// An embedded database answers without letting anybody else in.
		const done = this.#last.then(() => othersTurn()).then(work);
		this.#last = done.catch(() => {});
		return done;
	}
}
