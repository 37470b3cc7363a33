import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Person, Result } from "../actions.ts";

export type EventPage = Result<"user.listEvents">;

/** So that proxies and phones do not take the connection for dead, and we notice when it is. */
const HEARTBEAT_MS = 15_000;
/** How soon a client should come back (`retry`, HTML Living Standard 9.2). */
const RETRY_MS = 1_000;
/** Of one person: phones that change their network leave connections behind which look alive for a while. */
const STREAMS_PER_PERSON_MAX = 8;
/** How long after a question that was not answered it is asked again. */
const AGAIN_MS = 1_000;

/** What a stream needs to know of the request that opened it. */
export type Listening = {
	readonly caller: Person;
	/** When its token ends, and the stream with it. */
	readonly expiresAtMs: number;
	/** What the request was answered with. */
	readonly first: EventPage;
	readonly ask: (after: string) => Promise<EventPage>;
	/** Asked before anything is told: the session may have been ended since. */
	readonly isAdmitted: () => Promise<boolean>;
	readonly onFailed: (error: unknown) => void;
};

/**
 * Server-sent events (HTML Living Standard 9.2) of those who are connected here. An event's id is its place in the ledger's log, so a
 * client that lost its connection goes on behind it (`Last-Event-ID`), at any gateway.
 *
 * What the ledger says when it appends only wakes a stream, which then asks what there is behind the last thing that it told. So nothing
 * is told twice or left out. If what the ledger says is lost on its way, `look` finds that out.
 */
export class LiveEvents {
	readonly #streams = new Map<string, Set<Stream>>();
	#isClosing = false;
	/** How far the log goes, as far as was heard. */
	#heard = 0;
	/** How far it went when that was last looked up. */
	#seen = 0;

	/** The ledger has appended a group, in which something happens to these accounts. */
	hear({ sequence, accountIds }: { sequence: number; accountIds: readonly string[] }): void {
		const isGap = sequence > this.#heard + 1;
		this.#heard = Math.max(this.#heard, sequence);
		if (isGap) this.#wakeAll();
		else for (const accountId of accountIds) wake(this.#streams.get(accountId));
	}

	/**
	 * To be called every few seconds: what was in the log the last time, and is not heard of by now, will not be.
	 *
	 * @param sequenceNow how far the log goes
	 */
	async look(sequenceNow: () => Promise<number>): Promise<void> {
		if (this.#streams.size === 0) return;
		const isLost = this.#seen > this.#heard;
		this.#heard = Math.max(this.#heard, this.#seen);
		if (isLost) this.#wakeAll();
		this.#seen = await sequenceNow();
	}

	/** Of all people together. */
	get count(): number {
		let count = 0;
		for (const streams of this.#streams.values()) count += streams.size;
		return count;
	}

	#wakeAll(): void {
		for (const streams of this.#streams.values()) wake(streams);
	}

	/** Answers with a stream, until the token ends, the session ends, or this process does. */
	async tell(res: ServerResponse, listening: Listening): Promise<void> {
		const stream = new Stream(listening);
		this.#add(stream);
		res.setHeader("Content-Type", "text/event-stream; charset=utf-8");
		// A proxy that gathers an answer before it hands it on would gather for ever.
		res.setHeader("X-Accel-Buffering", "no");
		res.once("close", () => stream.end());
		// Node's pipeline listens six times to know that its client has gone; with all who count requests that is more than the ten that it warns of.
		res.setMaxListeners(16);
		try {
			await pipeline(Readable.from(stream.texts(), { objectMode: true, highWaterMark: 1 }), res);
		} catch (error) {
			// Most end like this: the phone is in a pocket.
			if (!isGone(error)) listening.onFailed(error);
		} finally {
			this.#remove(stream);
		}
	}

	/** Their clients come back, to another process. */
	close(): void {
		this.#isClosing = true;
		for (const streams of this.#streams.values()) for (const stream of streams) stream.end();
	}

	#add(stream: Stream): void {
		const streams = this.#streams.get(stream.accountId) ?? new Set();
		this.#streams.set(stream.accountId, streams.add(stream));
		if (streams.size > STREAMS_PER_PERSON_MAX) for (const oldest of [...streams].slice(0, 1)) oldest.end();
		if (this.#isClosing) stream.end();
	}

	#remove(stream: Stream): void {
		const streams = this.#streams.get(stream.accountId);
		streams?.delete(stream);
		if (streams?.size === 0) this.#streams.delete(stream.accountId);
	}
}

const isGone = (error: unknown): boolean =>
	["ERR_STREAM_PREMATURE_CLOSE", "ECONNRESET", "EPIPE"].includes(String((error as { code?: unknown }).code));

const wake = (streams: Iterable<Stream> = []): void => {
	for (const stream of streams) stream.wake();
};

class Stream {
	readonly accountId: string;
	readonly #listening: Listening;
	#isEnded = false;
	// What was booked between the answer of the request and now, nobody would say again.
	#isAwake = true;
	#onChange: () => void = () => {};
	#cursor = "";
	/** As it was told last. */
	#account = "";

	constructor(listening: Listening) {
		this.#listening = listening;
		this.accountId = `wallet:${listening.caller.userId}`;
	}

	wake(): void {
		this.#isAwake = true;
		this.#onChange();
	}

	end(): void {
		this.#isEnded = true;
		this.#onChange();
	}

	async *texts(): AsyncGenerator<string> {
		yield `retry: ${RETRY_MS}\n${this.#told(this.#listening.first)}`;
		while (!this.#isOver) {
			if (this.#isAwake) yield await this.#news();
			if (!this.#isAwake) await this.#change(HEARTBEAT_MS);
			if (!this.#isAwake && !this.#isOver) yield ": still here\n\n";
		}
	}

	async #news(): Promise<string> {
		const { ask, isAdmitted, onFailed } = this.#listening;
		this.#isAwake = false;
		try {
			if (!(await isAdmitted())) {
				this.end();
				return "";
			}
			const page = await ask(this.#cursor);
			if (!page.isAll) this.#isAwake = true;
			return this.#told(page);
		} catch (error) {
			onFailed(error);
			await this.#change(AGAIN_MS);
			this.#isAwake = true;
			return "";
		}
	}

	#told({ items, cursor, account }: EventPage): string {
		const before = this.#account;
		this.#cursor = cursor;
		this.#account = JSON.stringify(account);
		const lines = items.map((item) => eventOf("transaction", JSON.stringify(item), item.cursor));
		if (this.#account !== before) lines.push(eventOf("account", this.#account, cursor));
		return lines.join("");
	}

	get #isOver(): boolean {
		return this.#isEnded || this.#listening.expiresAtMs <= Date.now();
	}

	/** Resolves when it is woken or ended, or after so long. */
	async #change(ms: number): Promise<void> {
		if (this.#isOver) return;
		await new Promise<void>((resolve) => {
			const timer = setTimeout(resolve, Math.min(ms, this.#listening.expiresAtMs - Date.now()));
			this.#onChange = () => {
				clearTimeout(timer);
				resolve();
			};
		});
		this.#onChange = () => {};
	}
}

/** @param data has no line breaks, as JSON has none */
const eventOf = (type: string, data: string, id: string): string => `event: ${type}\nid: ${id}\ndata: ${data}\n\n`;
