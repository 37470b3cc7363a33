import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A wire to a server on which the answers to inserts get lost: they are done, and nobody hears of it. */
export class LossyWire {
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();
	#toLose = 0;
	lost = 0;

	private constructor(target: number) {
		this.#server = createServer((client) => {
			const server = connect(target, "127.0.0.1");
			let losing = false;
			client.on("data", (chunk) => {
				losing = this.#toLose > 0 && chunk.includes("insert") && chunk.includes("ledger_groups");
				server.write(chunk);
			});
			server.on("data", (chunk) => {
				if (!losing) return client.write(chunk);
				this.#toLose--;
				this.lost++;
				client.destroy();
			});
			for (const [one, other] of [
				[client, server],
				[server, client],
			] as const) {
				this.#sockets.add(one);
				one.on("error", () => other.destroy()).on("close", () => other.destroy());
			}
		});
	}

	static async to(target: number): Promise<LossyWire> {
		const wire = new LossyWire(target);
		await once(wire.#server.listen(0, "127.0.0.1"), "listening");
		return wire;
	}

	get port(): number {
		return (this.#server.address() as { port: number }).port;
	}

	loseReplies(count: number): void {
		this.#toLose = count;
	}

	async close(): Promise<void> {
		for (const socket of this.#sockets) socket.destroy();
		await once(this.#server.close(), "close");
	}
}
