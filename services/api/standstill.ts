const BEAT_MS = 1_000;

/**
 * Whether this process stood still until a moment ago: frozen, asleep, or busy for so long. What it reads first then was sent in another time, by
 * clients who have asked somewhere else since, and gone; nothing in a request says when that was.
 */
export class Standstill {
	readonly #longMs: number;
	#beatAtMs = Date.now();
	/** What waited in the kernel, connections first and then what came over them, is read in several turns. */
	#readUpAtMs = 0;
	readonly #beating: NodeJS.Timeout;

	/** @param longMs nobody waits so long for an answer */
	constructor(longMs: number) {
		this.#longMs = longMs;
		this.#beating = setInterval(() => {
			const nowMs = Date.now();
			if (this.#isLate(nowMs)) this.#readUpAtMs = nowMs + BEAT_MS;
			this.#beatAtMs = nowMs;
		}, BEAT_MS).unref();
	}

	/** Until what was sent meanwhile has been read. */
	get isJustOver(): boolean {
		const nowMs = Date.now();
		return nowMs < this.#readUpAtMs || this.#isLate(nowMs);
	}

	#isLate(nowMs: number): boolean {
		return nowMs - this.#beatAtMs > this.#longMs + BEAT_MS;
	}

	end(): void {
		clearInterval(this.#beating);
	}
}
