import { once } from "node:events";
import { createConnection, createServer, type Server, type Socket } from "node:net";

/** A way to a port on loopback that can be cut, as a network can: what is sent is neither delivered nor refused, until it heals. */
export class Link {
	readonly port: number;
	readonly #targetPort: number;
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();
	/** Those whom nobody let through yet. */
	readonly #waiting = new Set<Socket>();
	#isCut = false;

	private constructor(server: Server, port: number, targetPort: number) {
		[this.#server, this.port, this.#targetPort] = [server, port, targetPort];
		server.on("connection", (client) => this.#accept(client));
	}

	/** @param port where it is entered */
	static async open(port: number, targetPort: number): Promise<Link> {
		const server = createServer({ pauseOnConnect: true, noDelay: true });
		const link = new Link(server, port, targetPort);
		await once(server.listen(port, "127.0.0.1"), "listening");
		return link;
	}

	cut(): void {
		this.#isCut = true;
		for (const socket of this.#sockets) socket.pause();
	}

	heal(): void {
		this.#isCut = false;
		for (const socket of this.#sockets) socket.resume();
		for (const client of this.#waiting) this.#letThrough(client);
		this.#waiting.clear();
	}

	/** Ends the connections that there are; new ones may come. */
	drop(): void {
		for (const socket of this.#sockets) socket.destroy();
	}

	async close(): Promise<void> {
		const closed = new Promise((resolve) => this.#server.close(resolve));
		this.drop();
		for (const socket of this.#waiting) socket.destroy();
		await closed;
	}

	#accept(client: Socket): void {
		client.on("error", () => client.destroy());
		client.once("close", () => this.#waiting.delete(client));
		if (this.#isCut) this.#waiting.add(client);
		else this.#letThrough(client);
	}

	#letThrough(client: Socket): void {
		const target = createConnection({ port: this.#targetPort, host: "127.0.0.1", noDelay: true });
		for (const [from, to] of [
			[client, target],
			[target, client],
		] as const) {
			this.#sockets.add(from);
			// By hand, as a pipe would go on by itself what a cut has stopped.
			from.on("data", (chunk) => {
				if (!to.write(chunk)) from.pause();
			});
			to.on("drain", () => {
				if (!this.#isCut) from.resume();
			});
			from.on("end", () => to.end());
			from.on("error", () => to.destroy());
			from.once("close", () => {
				this.#sockets.delete(from);
				to.destroy();
			});
		}
		if (!this.#isCut) client.resume();
	}
}
