import { connect, type Socket } from "node:net";

/** A phone in a lift: a byte of the request, and a kilobyte of the answer, ten times a second. */
const TICK_MS = 100;
const READ_BYTES = 1_024;
const AGAIN_MS = 500;

/**
 * Clients who send a log-in, or ask for what is large, and do both drop by drop, for as long as they are let. They hold a connection each, and
 * must take nothing else from those who are quick.
 */
export class SlowClients {
	readonly count: number;
	answered = 0;
	/** Without an answer, or before they had said what they want. */
	sentAway = 0;
	readonly #host: string;
	readonly #port: number;
	readonly #sockets = new Set<Socket>();
	#isClosed = false;

	constructor(url: string, count: number) {
		const { hostname, port } = new URL(url);
		[this.count, this.#host, this.#port] = [count, hostname, Number(port)];
		for (let n = 0; n < count; n++) this.#open(n % 2 === 0 ? this.#logIn() : this.#description());
	}

	/** That hold a connection right now. */
	get connected(): number {
		return [...this.#sockets].filter(({ readyState }) => readyState === "open").length;
	}

	#logIn(): string {
		const body = JSON.stringify({ handle: "slow.one", password: "correct horse battery" });
		return `POST /v1/sessions HTTP/1.1\r\nHost: ${this.#host}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
	}

	#description(): string {
		return `GET /openapi.json HTTP/1.1\r\nHost: ${this.#host}\r\nConnection: close\r\n\r\n`;
	}

	#open(request: string): void {
		if (this.#isClosed) return;
		const socket = connect({ host: this.#host, port: this.#port });
		this.#sockets.add(socket);
		let sent = 0;
		let isAnswered = false;
		const ticking = setInterval(() => {
			if (sent < request.length) socket.write(request.slice(sent, ++sent));
			if (socket.read(READ_BYTES) ?? socket.read()) isAnswered = true;
		}, TICK_MS);
		socket.pause();
		socket.on("error", () => {});
		socket.once("close", () => {
			clearInterval(ticking);
			this.#sockets.delete(socket);
			if (isAnswered) this.answered++;
			else this.sentAway++;
			setTimeout(() => this.#open(request), AGAIN_MS).unref();
		});
	}

	close(): void {
		this.#isClosed = true;
		for (const socket of this.#sockets) socket.destroy();
	}
}
