const BEAT_MS = 1_000;

/**
 * Whether this process stood still until a moment ago: frozen, asleep, or busy for so long. What it reads first then was sent in another time, by
 * clients who have asked somewhere else since, and gone; nothing in a request says when that was.
 */
export class Standstill {
	readonly #longMs: number;
	#beatAtMs = Date.now();
	/**
	 * What waited in the kernel, connections first and then what came over them, is read in several turns. By the monotonic clock: a clock that is set
	 * forward looks like a standstill, and when that is put right the end of it must not be an hour away.
	 */
	#readUpAtMs = 0;
	readonly #beating: NodeJS.Timeout;

	/** @param longMs nobody waits so long for an answer */
	constructor(longMs: number) {
		this.#longMs = longMs;
		this.#beating = setInterval(() => {
			const nowMs = Date.now();
			if (this.#isLate(nowMs)) this.#readUpAtMs = performance.now() + BEAT_MS;
			this.#beatAtMs = nowMs;
		}, BEAT_MS).unref();
	}

	/** Until what was sent meanwhile has been read. */
	get isJustOver(): boolean {
		return performance.now() < this.#readUpAtMs || this.#isLate(Date.now());
	}

	#isLate(nowMs: number): boolean {
		return nowMs - this.#beatAtMs > this.#longMs + BEAT_MS;
	}

	end(): void {
		clearInterval(this.#beating);
	}
}
