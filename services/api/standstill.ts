const BEAT_MS = 1_000;

/**
 * Whether this process stood still until a moment ago: frozen, asleep, or busy for so long. What it reads first then was sent in another time, by
 * clients who have asked somewhere else since, and gone; nothing in a request says when that was.
 */
export class Standstill {
	readonly #longMs: number;
	#beatAtMs = Date.now();
	readonly #beating: NodeJS.Timeout;

	/** @param longMs nobody waits so long for an answer */
	constructor(longMs: number) {
		this.#longMs = longMs;
		this.#beating = setInterval(() => {
			this.#beatAtMs = Date.now();
		}, BEAT_MS).unref();
	}

	/** Until the first beat after it. */
	get isJustOver(): boolean {
		return Date.now() - this.#beatAtMs > this.#longMs + BEAT_MS;
	}

	end(): void {
		clearInterval(this.#beating);
	}
}
