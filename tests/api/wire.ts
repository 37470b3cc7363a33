import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Client } from "./client.ts";
import type { Answer } from "./contract.ts";

/** A connection on which the test writes bytes and only the server decides when it is over. */
export class Wire {
	readonly socket: Socket;
	readonly #client: Client;
	#received = Buffer.alloc(0);

	private constructor(client: Client, socket: Socket) {
		this.#client = client;
		this.socket = socket;
		socket.on("data", (chunk) => {
			this.#received = Buffer.concat([this.#received, chunk]);
		});
		// A server that closes while something is on its way to it makes an EPIPE.
		socket.on("error", () => {});
	}

	static async open(client: Client): Promise<Wire> {
		const socket = connect({ host: "127.0.0.1", port: client.port, allowHalfOpen: true });
		await once(socket, "connect");
		return new Wire(client, socket);
	}

	/** Resolves when so many answers are there; what was read before stays among them. */
	async answers(count: number): Promise<Answer[]> {
		for (;;) {
			const found = this.#parse();
			if (found.length >= count) return found;
			assert.ok(!this.socket.readableEnded, `the connection ended after ${found.length} answers`);
			await Promise.race([once(this.socket, "data"), once(this.socket, "end")]);
		}
	}

	/** Everything that the server said, once it has closed the connection. */
	async all(): Promise<Answer[]> {
		// Not `once`: it rejects on "error", and a server that has answered may close while we still send.
		if (!this.socket.readableEnded && !this.socket.closed)
			await new Promise<void>((resolve) => this.socket.once("end", resolve).once("close", resolve));
		this.socket.destroy();
		return this.#parse();
	}

	/** Each answer is held against the contract, as those that Client gets. */
	#parse(): Answer[] {
		const found: Answer[] = [];
		for (let rest = this.#received; rest.length > 0; ) {
			const answer = parseOne(rest);
			if (!answer) break;
			this.#client.contract?.check({ method: "GET", path: "/nowhere" }, answer);
			found.push(answer);
			rest = rest.subarray(rest.indexOf("\r\n\r\n") + 4 + answer.bytes.length);
		}
		return found;
	}
}

/** One answer with a Content-Length, which all of ours have. */
function parseOne(bytes: Buffer): Answer | undefined {
	const end = bytes.indexOf("\r\n\r\n");
	if (end === -1) return undefined;
	const [first = "", ...lines] = bytes.subarray(0, end).toString().split("\r\n");
	const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1] ?? assert.fail(first));
	const headers = Object.fromEntries(
		lines.map((line): [string, string] => {
			const colon = line.indexOf(":");
			return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
		}),
	);
	const length = Number(headers["content-length"] ?? assert.fail(`no Content-Length: ${lines}`));
	const body = bytes.subarray(end + 4, end + 4 + length);
	if (body.length < length) return undefined;
	const text = body.toString();
	return {
		status,
		headers,
		bytes: body,
		text,
		body: headers["content-type"]?.includes("json") ? JSON.parse(text) : text,
	};
}
