import { once } from "node:events";
import { createConnection, createServer, type Server, type Socket } from "node:net";

type Place = { readonly port: number; readonly isReady: boolean };

/** One port for many gateways, as a Service of Kubernetes is: new connections go to those that are ready, in turn; old ones stay. */
export class Balancer {
	readonly port: number;
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();
	readonly #places: () => readonly Place[];
	#turn = 0;

	private constructor(server: Server, port: number, places: () => readonly Place[]) {
		[this.#server, this.port, this.#places] = [server, port, places];
		server.on("connection", (client) => this.#accept(client));
	}

	static async open(port: number, places: () => readonly Place[]): Promise<Balancer> {
		const server = createServer({ noDelay: true, allowHalfOpen: true });
		const balancer = new Balancer(server, port, places);
		await once(server.listen(port, "127.0.0.1"), "listening");
		return balancer;
	}

	async close(): Promise<void> {
		const closed = new Promise((resolve) => this.#server.close(resolve));
		for (const socket of this.#sockets) socket.destroy();
		await closed;
	}

	#accept(client: Socket): void {
		const ready = this.#places().filter(({ isReady }) => isReady);
		const place = ready[this.#turn++ % ready.length];
		if (!place) return void client.resetAndDestroy();
		const target = createConnection({ port: place.port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
		for (const [from, to] of [
			[client, target],
			[target, client],
		] as const) {
			this.#sockets.add(from);
			from.pipe(to);
			from.on("error", () => to.destroy());
			from.once("close", () => {
				this.#sockets.delete(from);
				// What it has sent before is still delivered.
				to.destroySoon();
			});
		}
	}
}
