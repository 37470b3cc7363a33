/** An answer that takes longer says that there is a queue somewhere; half of what a client waits. */
const SLOW_MS = 1_500;
/** However slow it is: so many are always let in, or nobody would find out that it is fast again. */
const LIMIT_MIN = 4;
/** However fast it is: each costs memory. */
const LIMIT_MAX = 1_024;
/** What is left of a limit that was too high: as many are let in as before within seconds, whether the core is whole or a tenth. */
const BACKOFF = 0.5;

/**
 * How many requests may be under way at once without making each other wait too long: found out by trying, as TCP finds out how fast a
 * network is (additive increase, multiplicative decrease: Jacobson, "Congestion Avoidance and Control", 1988; for requests: Netflix'
 * concurrency-limits). It suits a laptop and a pod that is held to a tenth of a core, and needs no number from anybody.
 *
 * Beyond it a request is better refused at once: let in, it would only make all others later than their clients wait.
 */
export class ConcurrencyLimit {
	#limit = 256;
	#underWay = 0;
	/** When the limit was lowered last: what began before that says nothing about the lower one. */
	#loweredAtMs = Number.NEGATIVE_INFINITY;

	get limit(): number {
		return Math.floor(this.#limit);
	}

	get underWay(): number {
		return this.#underWay;
	}

	/**
	 * @param share of the limit that is there for requests of this kind: the rest is kept for more urgent ones
	 * @returns what to call when it is over; nothing when there are too many
	 */
	enter(nowMs: number, share = 1): ((nowMs: number) => void) | undefined {
		const max = Math.ceil(this.limit * share);
		if (this.#underWay >= max) return undefined;
		this.#underWay++;
		return (endMs) => this.#leave({ beganMs: nowMs, endMs, share });
	}

	#leave({ beganMs, endMs, share }: { beganMs: number; endMs: number; share: number }): void {
		const wasFull = this.#underWay >= Math.ceil(this.limit * share) - 1;
		this.#underWay--;
		if (endMs - beganMs > SLOW_MS) {
			if (beganMs < this.#loweredAtMs) return;
			this.#limit = Math.max(LIMIT_MIN, this.#limit * BACKOFF);
			this.#loweredAtMs = endMs;
		} else if (wasFull) this.#limit = Math.min(LIMIT_MAX, this.#limit + 1 / this.#limit);
	}
}
