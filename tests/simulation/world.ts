import type { Group } from "../../services/credit/journal.ts";
import type { Command } from "../../services/credit/model.ts";
import { MemoryLog } from "../ledger/memory-journal.ts";
import { type Random, seeded } from "../ledger/random-log.ts";
import { Bookkeeper } from "./bookkeeper.ts";
import { Client } from "./client.ts";
import { Commands } from "./commands.ts";
import { mustPassAudit } from "./copies.ts";
import { Faults } from "./faults.ts";
import { Fleet } from "./fleet.ts";
import { type Invariant, must, wordsOf } from "./invariants.ts";
import { Orders } from "./orders.ts";
import { Trace } from "./trace.ts";
import { VirtualTime } from "./virtual-time.ts";

export type WorldOptions = {
	readonly seed: number;
	/** It ends when so many were made. */
	readonly transfers: number;
};

export type Report = {
	readonly seed: number;
	/** How many transfers were to be made, and how many there are. */
	readonly wanted: number;
	readonly transfers: number;
	readonly groups: number;
	readonly entries: number;
	readonly faults: Readonly<Record<string, number>>;
	/** What clients heard. */
	readonly heard: Readonly<Record<string, number>>;
	/** Appends that the log did not take. */
	readonly refused: Readonly<Record<string, number>>;
	/** Of everything that happened. */
	readonly traceHash: string;
	readonly violation: {
		readonly invariant: Invariant;
		readonly message: string;
		readonly step: number;
		readonly last: readonly string[];
	} | null;
};

const MOMENT_MS = 100;
/** Every process looks after itself so often; sooner than a real one, so that more of it happens. */
const SECOND_MS = 200;
/** Longer than anything takes that ever ends. */
const PATIENCE_MS = 120_000;
/** Longer than anything that was sent is on its way. */
const CALM_MS = 12_000;

/**
 * Several processes of the ledger on one log, each of which believes to be the writer, and clients who ask them, in a time of their own;
 * everything goes wrong that may. One generator decides all of it, so that a seed is always the same story.
 */
export class World {
	readonly random: Random;
	readonly time = new VirtualTime();
	readonly log = new MemoryLog();
	readonly trace = new Trace();
	readonly faults: Faults;
	readonly commands: Commands;
	readonly orders: Orders;
	readonly book: Bookkeeper;
	readonly fleet: Fleet;
	/** Everything that was ever asked. */
	readonly asked: Command[] = [];
	readonly #options: WorldOptions;
	readonly #clients: number;
	#isAtRest = false;
	#lastGroupAtMs = this.time.nowMs;
	#violation: unknown = null;
	#stop: () => void = () => {};

	constructor(options: WorldOptions) {
		const random = seeded(options.seed);
		this.random = random;
		this.#options = options;
		this.faults = new Faults(random, (fault) => this.note(fault));
		this.commands = new Commands(random, {
			wallets: random.pick([2, 5, 40, 300]),
			stores: random.pick([1, 2, 10, 50]),
		});
		this.orders = new Orders(() => this.book);
		this.book = new Bookkeeper((entry) => this.orders.commandOf(entry));
		this.#clients = random.pick([8, 30, 100, 250]);
		this.fleet = new Fleet(this);
		this.log.onAppended = (group) => this.#appended(group);
	}

	get isOver(): boolean {
		return this.book.transferCount >= this.#options.transfers || this.#violation !== null;
	}

	async run(): Promise<Report> {
		const stopped = new Promise<void>((resolve) => {
			this.#stop = resolve;
		});
		const story = () => Promise.race([stopped, this.#story().catch((error: unknown) => this.#broken(error))]);
		await this.time.run(story).catch((error: unknown) => this.#broken(error));
		return this.#report();
	}

	note(what: string): void {
		this.trace.note(`${this.time.nowMs % 1e8} ${what}`);
	}

	/** Everything ends with the first violation, wherever it is found. */
	readonly check = (work: () => void): void => {
		try {
			work();
		} catch (error) {
			this.#broken(error);
		}
	};

	#broken(error: unknown): void {
		this.#violation ??= error;
		this.#stop();
	}

	async #story(): Promise<void> {
		this.fleet.start();
		void this.#troubles().catch((error: unknown) => this.#broken(error));
		void this.#expiries().catch((error: unknown) => this.#broken(error));
		const opener = new Client(this, "o");
		await Promise.all(this.commands.opening().map((command) => opener.settle(command, { patience: 1_000 })));
		const clients = Array.from({ length: this.#clients }, (_, n) => new Client(this, `c${n}`).run());
		await Promise.all(clients);
		await this.#comeToRest();
	}

	/** Time goes on, and processes are killed, stand still, or have the wrong time. */
	async #troubles(): Promise<void> {
		while (!this.#isAtRest) {
			await this.time.sleep(MOMENT_MS);
			this.orders.mustBeYoungerThan(this.time.nowMs - PATIENCE_MS);
			const isMoving = this.isOver || this.time.nowMs - this.#lastGroupAtMs < PATIENCE_MS;
			must("alive", isMoving, () => "nothing is booked any more");
			this.fleet.moment();
		}
	}

	async #expiries(): Promise<void> {
		while (!this.#isAtRest) {
			await this.time.sleep(SECOND_MS);
			this.fleet.everySecond();
		}
	}

	#appended(group: Group): void {
		this.#lastGroupAtMs = this.time.nowMs;
		this.note(`group ${group.sequence} ${group.hash.slice(0, 8)}`);
		this.check(() => this.book.take(group));
		this.fleet.announce(group);
	}

	/** Nothing fails any more: everything is answered, everybody catches up, and all of it adds up. */
	async #comeToRest(): Promise<void> {
		const { orders, faults, book, time, fleet } = this;
		faults.isCalm = true;
		const deadlineMs = time.nowMs + PATIENCE_MS;
		do {
			must("alive", time.nowMs < deadlineMs, () => "a process does not start any more");
			await time.sleep(CALM_MS);
		} while (!fleet.areRunning);
		must("alive", orders.openCount === 0, () => `${orders.openCount} commands are not answered`);
		// Nobody asks anything any more: they find the end of the log by themselves, and end the holds whose time is over.
		await time.sleep(CALM_MS);
		must("alive", book.pending().length === 0, () => `${book.pending()[0]?.id} does not expire`);
		await time.sleep(CALM_MS);
		await fleet.mustBeAtRest();
		this.#isAtRest = true;
		mustPassAudit(book, this.log.groups);
	}

	#report(): Report {
		const { book, faults, orders, trace } = this;
		return {
			seed: this.#options.seed,
			wanted: this.#options.transfers,
			transfers: book.transferCount,
			groups: book.head.sequence,
			entries: book.entries.size,
			faults: faults.counts,
			heard: orders.heard,
			refused: this.log.refused,
			traceHash: trace.hash,
			violation: this.#violation === null ? null : { ...wordsOf(this.#violation), step: trace.steps, last: trace.last },
		};
	}
}
