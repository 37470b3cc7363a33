import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ServiceName, serviceNames } from "../../moleculer.config.ts";
import { partPath } from "../parts.ts";
import { endWithUs, freePorts } from "./processes.ts";

const START_TIMEOUT_MS = 10_000;
const configs = join(import.meta.dirname, "../../k8s/base/nats");
const passwordOf = (user: NatsUser): string => `what-${user}-shows-on-loopback`;

/** Who may say and hear what is in `users.conf`; `anything`, who is there on loopback only, may everything: it runs several services at once. */
export type NatsUser = ServiceName | "operator" | "anything";
/** Files, as PEM. */
export type Certificate = { readonly certFile: string; readonly keyFile: string };

const passwords = [...serviceNames, "operator" as const, "anything" as const].map(
	(user) => `PASSWORD_${user.toUpperCase()}: "${passwordOf(user)}"`,
);

const withAnything = (conf: string): string =>
	conf.replace(
		"users: [",
		`users: [
  {
    user: anything
    password: $PASSWORD_ANYTHING
    permissions { publish: "MOL-hannip.>", subscribe: "MOL-hannip.>" }
  }`,
	);

/** With the same users and permissions as in Kubernetes. */
const config = (port: number, tls: Certificate | undefined) => `
include ./users.conf
listen: "127.0.0.1:${port}"
${tls ? `tls { cert_file: "${tls.certFile}", key_file: "${tls.keyFile}" }` : ""}
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
		writeFileSync(join(this.#folder, "passwords.conf"), passwords.join("\n"), { mode: 0o600 });
		writeFileSync(join(this.#folder, "users.conf"), withAnything(readFileSync(join(configs, "users.conf"), "utf8")));
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

	/** By another way to it, or as somebody who may less. */
	uriBy(port: number, user: NatsUser = "anything"): string {
		return `${this.#scheme}://${user}:${passwordOf(user)}@127.0.0.1:${port}`;
	}

	/** What it says about who did what they may not. */
	get violations(): string[] {
		const lines = readFileSync(join(this.#folder, "nats.log"), "utf8").split("\n");
		return lines.filter((line) => /violation|authentication error/i.test(line));
	}

	get pid(): number {
		return Number(this.#process.pid);
	}

	#spawn(): ChildProcess {
		const child = spawn(
			partPath("nats-server"),
			["-c", join(this.#folder, "nats.conf"), "-l", join(this.#folder, "nats.log")],
			{ stdio: "ignore" },
		);
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

	/** With -9 it is as a machine that loses its power. */
	async kill(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
		const exited = once(this.#process, "exit");
		this.#process.ref();
		this.#process.kill(signal);
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
