/** So many of the last heartbeats count. There is one every two seconds, and in ten no two clocks drift apart by more than a millisecond. */
const HEARTBEATS = 5;

/**
 * What time it is at MongoDB's primary, by its heartbeats: one clock for all processes, whatever their own ones say.
 *
 * A heartbeat is late by its way here, and by what this process was busy with; it is never early. So of some of them the one that says the latest
 * time is the nearest. From one to the next time passes as this process's monotonic clock says, which nobody sets. What comes of it is behind
 * the primary's by a way through the network; it is ahead only after that one was put back, until the heartbeats from before are forgotten.
 */
export class PrimaryClock {
	#primary: string | null = null;
	/** Of the last heartbeats: what the primary's clock said, less what the monotonic one said when it came. */
	#offsetsMs: readonly number[] = [];

	/**
	 * Another primary has another clock. While two believe that they are it, the one that was heard last counts.
	 *
	 * @param said ms since 1970
	 * @param atMs when that came, by `performance.now()`
	 */
	heard(primary: string, said: number, atMs = performance.now()): void {
		const before = primary === this.#primary ? this.#offsetsMs : [];
		this.#primary = primary;
		this.#offsetsMs = [...before, said - atMs].slice(-HEARTBEATS);
	}

	/** Whole ms since 1970; this process's own clock as long as no primary was heard. While there is none, it goes on as the last one's. */
	nowMs(atMs = performance.now()): number {
		return this.#primary === null ? Date.now() : Math.floor(Math.max(...this.#offsetsMs) + atMs);
	}

	/** By how many ms this process's own clock is ahead of the primary's; null as long as none was heard. */
	get aheadMs(): number | null {
		return this.#primary === null ? null : Date.now() - this.nowMs();
	}
}
