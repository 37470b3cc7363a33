import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";

export type Received = {
	readonly id: string;
	readonly body: string;
	readonly headers: IncomingHttpHeaders;
	readonly event: {
		readonly id: string;
		readonly type: string;
		readonly storeId: string;
		readonly data: Record<string, unknown>;
	};
};

/** A test that waits for what never comes says so, and does not hang. */
const PATIENCE_MS = 60_000;

/** Somebody's server that takes webhooks, and believes what the library of Standard Webhooks believes. */
export class WebhookReceiver {
	readonly received: Received[] = [];
	/** What it answers to the next ones, or when that is there; "silence" is no answer. Then 204 again. */
	readonly answers: (number | Promise<number> | "silence")[] = [];
	readonly #server: Server;
	#onReceived: () => void = () => {};
	#check: (type: string, body: unknown) => void = () => {};

	private constructor(server: Server) {
		this.#server = server;
		server.on("request", async (request, response) => {
			const body = await text(request);
			const { headers } = request;
			const event = JSON.parse(body) as Received["event"];
			this.#check(event.type, event);
			const answer = this.answers.shift() ?? 204;
			this.received.push({ id: String(headers["webhook-id"]), body, headers, event });
			this.#onReceived();
			const status = await answer;
			if (status !== "silence") response.writeHead(status, { "retry-after": "1" }).end();
		});
	}

	static async open(): Promise<WebhookReceiver> {
		const server = createServer();
		await once(server.listen(0, "127.0.0.1"), "listening");
		return new WebhookReceiver(server);
	}

	/** Whatever is sent from now on is held against this, which throws. */
	holds(check: (type: string, body: unknown) => void): void {
		this.#check = check;
	}

	get url(): string {
		return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
	}

	get types(): string[] {
		return this.received.map(({ event }) => event.type);
	}

	/** Resolves when that is so. @throws when nothing comes for a minute */
	async until(isSo: (received: readonly Received[]) => boolean): Promise<void> {
		while (!isSo(this.received)) {
			await new Promise<void>((resolve, reject) => {
				const tooLong = () =>
					reject(new Error(`nothing came for a minute after ${this.types.join(", ") || "nothing"}`));
				const limit = setTimeout(tooLong, PATIENCE_MS).unref();
				this.#onReceived = () => {
					clearTimeout(limit);
					resolve();
				};
			});
		}
	}

	/** @throws AssertionError unless all of them are signed with this secret */
	believes(secret: string, received: readonly Received[] = this.received): void {
		const library = new Webhook(secret);
		for (const { body, headers, id, event } of received) {
			assert.deepEqual(library.verify(body, headers as Record<string, string>), event);
			assert.equal(id, event.id);
		}
	}

	async close(): Promise<void> {
		this.#server.closeAllConnections();
		this.#server.close();
		await once(this.#server, "close");
	}
}
