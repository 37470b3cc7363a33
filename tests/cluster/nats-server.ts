import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createConnection } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { partPath } from "../../scripts/parts.ts";
import { freePorts } from "../api/process.ts";

const START_TIMEOUT_MS = 10_000;

/** A real nats-server on loopback. */
export class NatsServer {
	readonly #port: number;
	#process: ChildProcess;

	private constructor(port: number) {
		this.#port = port;
		this.#process = this.#spawn();
	}

	/** @throws when nats-server cannot be had, or does not start */
	static async start(): Promise<NatsServer> {
		const [port = 0] = await freePorts(1);
		const server = new NatsServer(port);
		await server.#answers();
		return server;
	}

	get uri(): string {
		return `nats://127.0.0.1:${this.#port}`;
	}

	get pid(): number {
		return Number(this.#process.pid);
	}

	#spawn(): ChildProcess {
		return spawn(partPath("nats-server"), ["-a", "127.0.0.1", "-p", String(this.#port)], { stdio: "ignore" });
	}

	async #answers(): Promise<void> {
		for (const endsAt = Date.now() + START_TIMEOUT_MS; Date.now() < endsAt; await sleep(20)) {
			const socket = createConnection({ port: this.#port, host: "127.0.0.1" });
			const isUp = await Promise.race([once(socket, "connect"), once(socket, "error")]).then(
				() => true,
				() => false,
			);
			socket.destroy();
			if (isUp) return;
		}
		throw new Error("nats-server does not answer");
	}

	/** With -9, as a machine that loses its power. */
	async kill(): Promise<void> {
		const exited = once(this.#process, "exit");
		this.#process.kill("SIGKILL");
		await exited;
	}

	async restart(): Promise<void> {
		this.#process = this.#spawn();
		await this.#answers();
	}

	async stop(): Promise<void> {
		if (this.#process.exitCode === null && this.#process.signalCode === null) await this.kill();
	}
}
