import { syncBuiltinESMExports } from "node:module";
import timersPromises from "node:timers/promises";

type Task = { readonly atMs: number; readonly order: number; run: (() => void) | null };

/** Without an end of its own, a loop that waits for nothing would look like a world that is busy. */
const STEPS_AT_ONCE_MAX = 1_000_000;

export class Standstill extends Error {}

/**
 * Time that goes on only when nobody has anything left to do, in an order that is always the same.
 *
 * While a world runs, the timers that the ledger uses are these. All that is left for the engine to order are the continuations of
 * promises, and it orders them as they came. So nothing in a world depends on the machine, and nothing in the ledger knows.
 */
export class VirtualTime {
	nowMs = 1_700_000_000_000;
	readonly #tasks: Task[] = [];
	#order = 0;
	#stepsAtOnce = 0;

	/** Runs this, and everything that it starts, until it is settled. @throws Standstill when it never will be */
	async run<T>(main: () => Promise<T>): Promise<T> {
		const restore = this.#install();
		try {
			let isSettled = false;
			const result = main().finally(() => {
				isSettled = true;
			});
			result.catch(() => {});
			for (;;) {
				await continuations();
				if (isSettled) return await result;
				this.#step();
			}
		} finally {
			restore();
		}
	}

	after(delayMs: number, run: () => void): Task {
		const task = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, run };
		this.#push(task);
		return task;
	}

	sleep(delayMs: number): Promise<void> {
		return new Promise((resolve) => this.after(delayMs, resolve));
	}

	#step(): void {
		const task = this.#pop();
		if (!task) throw new Standstill("everybody waits, and nothing will ever happen");
		this.#stepsAtOnce = task.atMs === this.nowMs ? this.#stepsAtOnce + 1 : 0;
		if (this.#stepsAtOnce > STEPS_AT_ONCE_MAX) throw new Standstill("time does not go on: somebody waits for nothing");
		this.nowMs = task.atMs;
		task.run?.();
	}

	#install(): () => void {
		const { setTimeout, clearTimeout, setImmediate } = globalThis;
		const { setTimeout: sleep } = timersPromises;
		Object.assign(globalThis, {
			setTimeout: (run: () => void, delayMs = 0) => this.after(delayMs, run),
			clearTimeout: (task?: Task) => {
				if (task) task.run = null;
			},
			setImmediate: (run: () => void) => this.after(0, run),
		});
		replaceSleep((delayMs: number) => this.sleep(delayMs));
		return () => {
			Object.assign(globalThis, { setTimeout, clearTimeout, setImmediate });
			replaceSleep(sleep);
		};
	}

	/** A binary heap: the earliest task is the first, and of two at the same time the one that came first. */
	#push(task: Task): void {
		const tasks = this.#tasks;
		let at = tasks.push(task) - 1;
		while (at > 0) {
			const parent = (at - 1) >> 1;
			if (!isBefore(task, tasks[parent] as Task)) break;
			tasks[at] = tasks[parent] as Task;
			at = parent;
		}
		tasks[at] = task;
	}

	#pop(): Task | undefined {
		const tasks = this.#tasks;
		const first = tasks[0];
		const last = tasks.pop();
		if (!last || tasks.length === 0) return first;
		let at = 0;
		for (;;) {
			let child = 2 * at + 1;
			if (child + 1 < tasks.length && isBefore(tasks[child + 1] as Task, tasks[child] as Task)) child++;
			if (child >= tasks.length || !isBefore(tasks[child] as Task, last)) break;
			tasks[at] = tasks[child] as Task;
			at = child;
		}
		tasks[at] = last;
		return first;
	}
}

const isBefore = (left: Task, right: Task): boolean =>
	left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);

/** A tick comes when no promise has a continuation left that could run, and costs a fifth of a microsecond. */
const continuations = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

/** Those who imported it get the new one: imports of Node's own modules are live. */
function replaceSleep(sleep: unknown): void {
	Object.assign(timersPromises, { setTimeout: sleep });
	syncBuiltinESMExports();
}
