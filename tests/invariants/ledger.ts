import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { startPlatform } from "../../main.ts";
import { readSettings } from "../../moleculer.config.ts";
import { call } from "../../services/actions.ts";
import type { Question, Reply } from "./ledger-process.ts";
import { Reader } from "./reader.ts";
import type { Storage } from "./storage.ts";

type Options = { readonly timeoutMs?: number };

/** A process with the credit service in it. */
type Door = {
	call(name: string, params: object, options?: Options): Promise<unknown>;
	stop(): Promise<void>;
};

const settingsFor = ({ env }: Storage): NodeJS.ProcessEnv => ({
	SERVICES: "credit",
	PROBE_PORT: "0",
	LOG_LEVEL: "fatal",
	...env,
});

async function openHere(storage: Storage): Promise<Door> {
	const { broker, stop } = await startPlatform(readSettings(settingsFor(storage)));
	const call: Door["call"] = (name, params, { timeoutMs } = {}) =>
		broker.call(name, params, timeoutMs === undefined ? {} : { timeout: timeoutMs });
	return { call, stop };
}

class OtherProcess implements Door {
	readonly #child: ChildProcess;
	readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
	#asked = 0;

	private constructor(child: ChildProcess) {
		this.#child = child;
		child.on("message", ({ id, value, error }: Reply) => {
			const waiting = this.#waiting.get(id);
			this.#waiting.delete(id);
			if (error) waiting?.reject(Object.assign(new Error(error.message), { type: error.type }));
			else waiting?.resolve(value);
		});
		child.once("exit", (code) => {
			for (const { reject } of this.#waiting.values()) reject(new Error(`the process ended with ${code}`));
		});
	}

	static async open(storage: Storage): Promise<OtherProcess> {
		const file = join(import.meta.dirname, "ledger-process.ts");
		const [command, ...args] = [...storage.launcher, process.execPath, "--disable-warning=ExperimentalWarning", file];
		const child = spawn(String(command), args, {
			env: { PATH: process.env.PATH, ...settingsFor(storage) },
			stdio: ["ignore", "inherit", "inherit", "ipc"],
		});
		const [first] = await Promise.race([once(child, "message"), once(child, "exit")]);
		assert.equal(first, "up", "the other process did not start");
		return new OtherProcess(child);
	}

	get pid(): number {
		return this.#child.pid ?? assert.fail("the process was not started");
	}

	call(name: string, params: object, { timeoutMs }: Options = {}): Promise<unknown> {
		return new Promise((resolve, reject) => {
			const id = ++this.#asked;
			this.#waiting.set(id, { resolve, reject });
			this.#child.send({ id, name, params, timeoutMs } satisfies Question);
		});
	}

	async stop(): Promise<void> {
		const ended = once(this.#child, "exit");
		this.#child.disconnect();
		await ended;
	}
}

/** Which processes run the service: this one, one beside it, or both. */
export type Where = "here" | "beside" | "both";

/** The credit service on a storage. What is asked goes to each process in turn. */
export class Ledger {
	readonly storage: Storage;
	readonly #where: Where;
	#doors: readonly Door[] = [];
	#turn = 0;
	#ids = 0;

	private constructor(storage: Storage, where: Where) {
		this.storage = storage;
		this.#where = where;
	}

	static async start(storage: Storage, where: Where = "here"): Promise<Ledger> {
		const ledger = new Ledger(storage, where);
		await ledger.start();
		return ledger;
	}

	/** One for a while. */
	static async during(storage: Storage, work: (ledger: Ledger) => Promise<void>): Promise<void> {
		const ledger = await Ledger.start(storage);
		try {
			await work(ledger);
		} finally {
			await ledger.remove();
		}
	}

	/** Of the process beside this one. */
	get pid(): number {
		const [other] = this.#doors.filter((door) => door instanceof OtherProcess);
		return other?.pid ?? assert.fail("there is no other process");
	}

	async start(): Promise<void> {
		const here = this.#where === "beside" ? [] : [openHere(this.storage)];
		const beside = this.#where === "here" ? [] : [OtherProcess.open(this.storage)];
		this.#doors = await Promise.all([...here, ...beside]);
	}

	async stop(): Promise<void> {
		await Promise.all(this.#doors.map((door) => door.stop()));
		this.#doors = [];
	}

	async restart(): Promise<void> {
		await this.stop();
		await this.start();
	}

	async remove(): Promise<void> {
		await this.stop();
		await this.storage.remove();
	}

	call(name: string, params: object, options?: Options): Promise<unknown> {
		return this.#door(this.#turn++).call(name, params, options);
	}

	/** Whoever asks like this gets REQUEST_TIMEOUT, which is no answer of the ledger's, when the ledger's own comes later. */
	within(timeoutMs: number): Pick<Door, "call"> {
		return { call: (name, params) => this.call(name, params, { timeoutMs }) };
	}

	#door(turn: number): Door {
		return this.#doors[turn % this.#doors.length] ?? assert.fail("the ledger is stopped");
	}

	/** Never used before, in this ledger. */
	newId(): string {
		return `test.${++this.#ids}`;
	}

	/**
	 * Reads where everything is known that anybody was told. A process reads what another one has written when it writes itself, so it is
	 * made to, if there is another one.
	 */
	async reader(): Promise<Reader> {
		const door = this.#door(0);
		const nothing = { id: this.newId(), fingerprint: "", targetId: this.newId(), details: {} };
		if (this.#doors.length > 1) await call(door, "credit.cancel", nothing);
		return new Reader(door);
	}

	/** What was read while nothing was booked, and the log of that moment: a hold may expire at any time. */
	async atRest<T>(read: (reader: Reader) => Promise<T>) {
		for (let attempt = 0; attempt < 20; attempt++) {
			const reader = await this.reader();
			const knows = async () => (await call(reader, "credit.status", {})).sequence;
			const groups = await this.storage.groups();
			// Both sides of what is read: a process hears of what another one has written at any time, in between too.
			if ((await knows()) !== groups.length) continue;
			const value = await read(reader);
			// Nor may the log have more than this process has heard of: the audit reads the log itself.
			if ((await knows()) === groups.length && (await this.storage.groups()).length === groups.length)
				return { groups, value };
		}
		return assert.fail("the log never has as many groups as the service says");
	}
}
