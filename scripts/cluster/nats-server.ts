import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { partPath } from "../parts.ts";
import { endWithUs, freePorts } from "./processes.ts";

const START_TIMEOUT_MS = 10_000;
const USER = "hannip";
const PASSWORD = "what-processes-on-loopback-show";

/** Files, as PEM. */
export type Certificate = { readonly certFile: string; readonly keyFile: string };

/** Whoever knows the password may talk to the brokers of Hannip, and about nothing else. */
const config = (port: number, tls: Certificate | undefined) => `
listen: 127.0.0.1:${port}
${tls ? `tls { cert_file: "${tls.certFile}", key_file: "${tls.keyFile}" }` : ""}
authorization {
  users = [
    { user: ${USER}, password: "${PASSWORD}", permissions: { publish: "MOL-hannip.>", subscribe: "MOL-hannip.>" } }
  ]
}
`;

/** A real nats-server on loopback. */
export class NatsServer {
	readonly port: number;
	readonly #scheme: "nats" | "tls";
	readonly #folder = mkdtempSync(join(tmpdir(), "hannip-nats-"));
	#process: ChildProcess;

	private constructor(port: number, tls: Certificate | undefined) {
		this.port = port;
		this.#scheme = tls ? "tls" : "nats";
		writeFileSync(join(this.#folder, "nats.conf"), config(port, tls), { mode: 0o600 });
		this.#process = this.#spawn();
	}

	/** @throws when nats-server cannot be had, or does not start */
	static async start({ tls }: { readonly tls?: Certificate } = {}): Promise<NatsServer> {
		const [port = 0] = await freePorts(1);
		const server = new NatsServer(port, tls);
		await server.#answers();
		return server;
	}

	get uri(): string {
		return this.uriBy(this.port);
	}

	/** By another way to it. */
	uriBy(port: number): string {
		return `${this.#scheme}://${USER}:${PASSWORD}@127.0.0.1:${port}`;
	}

	get pid(): number {
		return Number(this.#process.pid);
	}

	#spawn(): ChildProcess {
		const child = spawn(partPath("nats-server"), ["-c", join(this.#folder, "nats.conf")], { stdio: "ignore" });
		endWithUs(child);
		return child;
	}

	async #answers(): Promise<void> {
		for (const endsAt = Date.now() + START_TIMEOUT_MS; Date.now() < endsAt; await sleep(20)) {
			const socket = createConnection({ port: this.port, host: "127.0.0.1" });
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
		this.#process.ref();
		this.#process.kill("SIGKILL");
		await exited;
	}

	async restart(): Promise<void> {
		this.#process = this.#spawn();
		await this.#answers();
	}

	async stop(): Promise<void> {
		if (this.#process.exitCode === null && this.#process.signalCode === null) await this.kill();
		rmSync(this.#folder, { recursive: true, force: true });
	}
}
