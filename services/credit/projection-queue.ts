import { setTimeout as sleep } from "node:timers/promises";
import { fail } from "../errors.ts";
import type { Group, Head } from "./journal.ts";

export type ProjectionLimits = {
	/** Written at once: the more, the cheaper each, and the longer a reader waits who comes in the middle of it. */
	readonly batchGroups: number;
	readonly batchBytes: number;
	/** How long groups gather before they are written, while no reader waits for them. */
	readonly gatherMs: number;
	/** Bytes of log that may wait in memory before the ledger is held back. */
	readonly backlogBytesMax: number;
	/** How long a reader waits for its own writes. */
	readonly reachTimeoutMs: number;
};

export type ProjectionQueueParts = {
	readonly head: Head;
	/**
	 * Writes the groups down, all or the first ones, and says how far the read model is then. That may be further than this, or no
	 * further than before: other processes write as well.
	 */
	readonly write: (groups: readonly Group[]) => Promise<Head>;
	readonly limits: ProjectionLimits;
};

/** Another process is writing the same groups just now. */
const OVERTAKEN_MS = 20;

type Waiting = { readonly sequence: number; readonly resolve: () => void };

/** The groups that a read model has not written down yet, and who waits for them. Bounded: see `notTooFarBehind`. */
export class ProjectionQueue {
	readonly #write: ProjectionQueueParts["write"];
	readonly #limits: ProjectionLimits;
	#head: Head;
	#backlog: Group[] = [];
	#backlogBytes = 0;
	#running: Promise<void> | null = null;
	/** Why nothing is being written although there is a backlog. The next group, or the next who waits, tries again. */
	#failure: unknown = null;
	#hurry: () => void = () => {};
	readonly #waiting = new Set<Waiting>();
	#closed = false;

	constructor({ head, write, limits }: ProjectionQueueParts) {
		this.#head = head;
		this.#write = write;
		this.#limits = limits;
	}

	/** The last group that is written down. */
	get head(): Head {
		return this.#head;
	}
	/** Bytes of log that are not written down yet. */
	get backlogBytes(): number {
		return this.#backlogBytes;
	}

	/** Takes a group, in order; those it has already are ignored. */
	project(group: Group): void {
		if (this.#closed || group.sequence <= (this.#backlog.at(-1)?.sequence ?? this.#head.sequence)) return;
		this.#backlog.push(group);
		this.#backlogBytes += group.body.length;
		this.#start();
	}

	/** The read model was made empty, or another one was found in its place. */
	restart(head: Head): void {
		this.#backlog = [];
		this.#backlogBytes = 0;
		this.#failure = null;
		this.#head = head;
	}

	/** Resolves as soon as so little waits that memory stays bounded: payments wait for it. @throws why nothing can be written */
	async notTooFarBehind(): Promise<void> {
		for (let [oldest] = this.#backlog; oldest && this.#isTooFarBehind; [oldest] = this.#backlog) {
			await this.#until(oldest.sequence, this.#stopped());
		}
	}

	get #isTooFarBehind(): boolean {
		return this.#backlogBytes > this.#limits.backlogBytesMax;
	}

	/** Resolves when everything that was given to `project` is written down. @throws why it cannot be */
	async drained(): Promise<void> {
		const last = this.#backlog.at(-1);
		if (last) await this.#until(last.sequence, this.#stopped());
	}

	/** @throws read_model_behind */
	async reached(sequence: number): Promise<void> {
		if (sequence <= this.#head.sequence) return;
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<never>((_, reject) => {
			const tooLate = () => reject(fail("read_model_behind", undefined, { retryAfterS: 1 }));
			timer = setTimeout(tooLate, this.#limits.reachTimeoutMs);
		});
		await this.#until(sequence, late).finally(() => clearTimeout(timer));
	}

	/** Writes what waits, if that is possible, and takes nothing more. */
	async close(): Promise<void> {
		this.#closed = true;
		this.#hurry();
		await this.#running;
	}

	async #until(sequence: number, givenUp: Promise<void>): Promise<void> {
		let waiting: Waiting | undefined;
		const written = new Promise<void>((resolve) => {
			waiting = { sequence, resolve };
			this.#waiting.add(waiting);
		});
		this.#hurry();
		if (this.#backlog.length > 0) this.#start();
		try {
			await Promise.race([written, givenUp]);
		} finally {
			if (waiting) this.#waiting.delete(waiting);
		}
	}

	/** Resolves when nothing waits any more. @throws when nothing goes on although something waits */
	async #stopped(): Promise<void> {
		this.#start();
		while (this.#running) await this.#running;
		if (this.#failure) throw this.#failure;
	}

	#start(): void {
		this.#running ??= this.#run();
	}

	async #run(): Promise<void> {
		try {
			while (this.#backlog.length > 0) {
				await this.#gather();
				await this.#advance(await this.#write(this.#nextBatch()));
			}
		} catch (error) {
			this.#failure = error;
		} finally {
			this.#running = null;
		}
	}

	async #advance(head: Head): Promise<void> {
		if (head.sequence <= this.#head.sequence) return sleep(OVERTAKEN_MS);
		this.#head = head;
		this.#failure = null;
		const left = this.#backlog.findIndex(({ sequence }) => sequence > head.sequence);
		const done = this.#backlog.splice(0, left === -1 ? this.#backlog.length : left);
		for (const { body } of done) this.#backlogBytes -= body.length;
		for (const { sequence, resolve } of this.#waiting) if (sequence <= head.sequence) resolve();
	}

	/** Groups that touch the same accounts and hours are cheaper together. */
	#gather(): Promise<void> | undefined {
		const { batchBytes, gatherMs } = this.#limits;
		if (this.#closed || this.#waiting.size > 0 || this.#backlogBytes > batchBytes) return undefined;
		return new Promise((resolve) => {
			const timer = setTimeout(resolve, gatherMs);
			this.#hurry = () => {
				clearTimeout(timer);
				resolve();
			};
		});
	}

	#nextBatch(): readonly Group[] {
		const { batchGroups, batchBytes } = this.#limits;
		let bytes = 0;
		const end = this.#backlog.findIndex((group, index) => {
			bytes += group.body.length;
			return index === batchGroups || bytes > batchBytes;
		});
		return this.#backlog.slice(0, end === -1 ? undefined : Math.max(end, 1));
	}
}

/** What every read model leaves to the queue before it. */
export abstract class QueuedReadModel {
	protected abstract readonly queue: ProjectionQueue;

	get head(): Head {
		return this.queue.head;
	}
	get watermark(): number {
		return this.queue.head.sequence;
	}
	get backlogBytes(): number {
		return this.queue.backlogBytes;
	}

	project(group: Group): void {
		this.queue.project(group);
	}
	notTooFarBehind(): Promise<void> {
		return this.queue.notTooFarBehind();
	}
	drained(): Promise<void> {
		return this.queue.drained();
	}
	reached(sequence: number): Promise<void> {
		return this.queue.reached(sequence);
	}
}
