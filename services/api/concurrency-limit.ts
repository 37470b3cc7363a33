/** However fast it is: each costs memory. */
const LIMIT_MAX = 1_024;
const LIMIT_FIRST = 128;
/** What is left of a limit that was too high: as many are let in as before within seconds, whether the core is whole or a tenth. */
const BACKOFF = 0.5;
/** Of what was slow before nobody was turned away for so long nothing is left: the next crowd finds out anew. */
const FORGET_MS = 5_000;
/** For each answer in time: one slow moment is forgotten after the time of some seven answers. */
const MORE = 0.1;
/** Where even the fastest takes long, because something behind is slow and not because too many are there, so many times that is slow. */
const SLOW_TIMES = 4;
const SLOW_MAX_MS = 1_500;
/** How long the fastest counts, at the least. */
const FASTEST_FOR_MS = 10_000;

/**
 * How many requests may be under way at once without making each other wait too long: found out by trying, as TCP finds out how fast a
 * network is (slow start, careful increase, multiplicative decrease: Jacobson, "Congestion Avoidance and Control", 1988; for requests:
 * Netflix' concurrency-limits). It suits a laptop and a pod that is held to a tenth of a core, and needs no number from anybody.
 *
 * Beyond it a request is better refused at once: let in, it would only make all others later than their clients wait.
 */
export class ConcurrencyLimit {
	/** An answer that takes longer says that there is a queue somewhere. */
	readonly #slowMs: number;
	readonly #min: number;
	#limit = LIMIT_FIRST;
	#underWay = 0;
	/** When the limit was lowered last: what began before that says nothing about the lower one. */
	#loweredAtMs = Number.NEGATIVE_INFINITY;
	/** Of this window and of the one before it. */
	#fastest = { ms: Number.POSITIVE_INFINITY, beforeMs: Number.POSITIVE_INFINITY, sinceMs: 0 };
	/** When somebody was turned away, or the limit lowered. */
	#narrowAtMs = Number.NEGATIVE_INFINITY;

	/** @param options.min however slow it is, so many are always let in, or nobody would find out that it is fast again */
	constructor({ slowMs, min }: { readonly slowMs: number; readonly min: number }) {
		[this.#slowMs, this.#min] = [slowMs, min];
	}

	get limit(): number {
		return Math.floor(this.#limit);
	}

	get underWay(): number {
		return this.#underWay;
	}

	/** @param share of the limit that is there for requests of this kind: the rest is kept for more urgent ones */
	isFull(nowMs: number, share = 1): boolean {
		if (nowMs - this.#narrowAtMs > FORGET_MS) this.#limit = Math.max(this.#limit, LIMIT_FIRST);
		const isFull = this.#underWay >= Math.ceil(this.limit * share);
		if (isFull) this.#narrowAtMs = nowMs;
		return isFull;
	}

	/** @returns what to call when it is over; nothing when there are too many */
	enter(nowMs: number, share = 1): ((nowMs: number) => void) | undefined {
		if (this.isFull(nowMs, share)) return undefined;
		this.#underWay++;
		return (endMs) => this.#leave({ beganMs: nowMs, endMs, share });
	}

	#leave({ beganMs, endMs, share }: { beganMs: number; endMs: number; share: number }): void {
		const wasFull = this.#underWay >= Math.ceil(this.limit * share) - 1;
		this.#underWay--;
		const tookMs = endMs - beganMs;
		this.#remember(tookMs, endMs);
		if (tookMs > this.#tooSlowMs()) {
			if (beganMs < this.#loweredAtMs) return;
			this.#limit = Math.max(this.#min, this.#limit * BACKOFF);
			this.#loweredAtMs = endMs;
			this.#narrowAtMs = endMs;
		} else if (wasFull) {
			// Twice as many in the time of an answer, until it was too many once; then a tenth more.
			const more = this.#loweredAtMs === Number.NEGATIVE_INFINITY ? 1 : MORE;
			this.#limit = Math.min(LIMIT_MAX, this.#limit + more);
		}
	}

	#remember(tookMs: number, nowMs: number): void {
		const { ms, sinceMs } = this.#fastest;
		if (nowMs - sinceMs > FASTEST_FOR_MS) this.#fastest = { ms: tookMs, beforeMs: ms, sinceMs: nowMs };
		else if (tookMs < ms) this.#fastest.ms = tookMs;
	}

	#tooSlowMs(): number {
		const { ms, beforeMs } = this.#fastest;
		return Math.max(this.#slowMs, Math.min(SLOW_MAX_MS, Math.min(ms, beforeMs) * SLOW_TIMES));
	}
}
