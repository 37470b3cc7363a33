import assert from "node:assert/strict";
import { type IncomingMessage, request } from "node:http";
import { createParser } from "eventsource-parser";
import type { Result } from "../../services/actions.ts";
import type { Client } from "./client.ts";

type Page = Result<"user.listEvents">;
export type LiveEvent =
	| { readonly event: "transaction"; readonly id: string; readonly data: Page["items"][number] }
	| { readonly event: "account"; readonly id: string; readonly data: Page["account"] };

/** Longer than any process takes to come back; a test that waits for what never comes says so, and does not hang. */
const PATIENCE_MS = 60_000;

/** What somebody is told of their wallet, read as a browser would read it. */
export class EventStream {
	readonly #incoming: IncomingMessage;
	readonly events: LiveEvent[] = [];
	#onEvent: () => void = () => {};
	isOver = false;

	private constructor(incoming: IncomingMessage) {
		this.#incoming = incoming;
		const parser = createParser({
			onEvent: ({ event, id, data }) => {
				this.events.push({ event, id, data: JSON.parse(data) } as LiveEvent);
				this.#onEvent();
			},
			onError: (error) => {
				throw error;
			},
		});
		incoming.setEncoding("utf8");
		incoming.on("data", (text: string) => parser.feed(text));
		const over = () => {
			this.isOver = true;
			this.#onEvent();
		};
		// A process that is killed resets its connections.
		incoming.on("end", over).on("error", over).on("close", over);
	}

	/** @throws AssertionError when it is answered with anything else */
	static async open(
		api: Client,
		{ lastEventId, port = api.port }: { lastEventId?: string | undefined; port?: number } = {},
	): Promise<EventStream> {
		const wire = { method: "GET", path: "/v1/me/events" };
		const headers = {
			...(await api.proofOf(wire)),
			accept: "text/event-stream",
			...(lastEventId && { "last-event-id": lastEventId }),
		};
		const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
			const outgoing = request({ host: "127.0.0.1", port, ...wire, headers, agent: false });
			outgoing.once("response", resolve).once("error", reject).end();
		});
		assert.equal(incoming.statusCode, 200);
		assert.equal(incoming.headers["content-type"], "text/event-stream; charset=utf-8");
		return new EventStream(incoming);
	}

	get headers() {
		return this.#incoming.headers;
	}
	get lastEventId(): string | undefined {
		return this.events.at(-1)?.id;
	}
	get transactions(): Page["items"] {
		return this.events.flatMap((event) => (event.event === "transaction" ? [event.data] : []));
	}
	get account(): Page["account"] | undefined {
		return this.events.findLast(({ event }) => event === "account")?.data as Page["account"] | undefined;
	}

	/** Resolves when that is so. @throws when nothing comes for a minute */
	async until(isSo: (stream: this) => boolean): Promise<void> {
		while (!isSo(this)) {
			assert.ok(!this.isOver, `the stream ended after ${this.events.length} events`);
			await this.#change();
		}
	}

	/** @throws when nothing comes for a minute */
	async ended(): Promise<void> {
		while (!this.isOver) await this.#change();
	}

	#change(): Promise<void> {
		return new Promise((resolve, reject) => {
			const tooLong = () => reject(new Error(`nothing came for a minute after ${this.events.length} events`));
			const limit = setTimeout(tooLong, PATIENCE_MS).unref();
			this.#onEvent = () => {
				clearTimeout(limit);
				resolve();
			};
		});
	}

	close(): void {
		this.#incoming.destroy();
	}
}
