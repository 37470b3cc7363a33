import type { Count, Counted, ShortLived } from "./short-lived.ts";

/** So long what was counted here alone may be unknown to the other processes. */
const TELL_MS = 200;
/** Up to this share of what is allowed nobody has to know at once. */
const ALONE = 0.5;
/** And no more than this share of it may be untold. */
const UNTOLD = 1 / 64;
const TOLD_AT_ONCE = 1_000;
const SWEEP_MS = 60_000;

export type RateCount = Count & {
	/** More than that is too often. */
	readonly countMax: number;
};

type Window = {
	/** What all processes have counted, as far as it was heard here. */
	known: number;
	/** Counted here, and not told yet. */
	untold: number;
	untilMs: number;
};

/**
 * How often somebody came in their window of time, counted over all processes. Whoever is far from what they may do, as nearly all are, is counted
 * here, and what was counted is told together a little later: a write that all members of a replica set copy, for each request, would be a fifth of
 * all that they do. From half of it on each one is asked for at once. So nobody comes more often than they may but by what is untold, which is little
 * of that for each process, and nothing where they may come a few times only.
 */
export class RateCounts {
	readonly #store: Pick<ShortLived, "add">;
	readonly #windows = new Map<string, Window>();
	readonly #untold = new Set<string>();
	#nowMs = 0;
	#sweepAtMs = 0;
	#isClosed = false;
	#timer: NodeJS.Timeout | undefined;
	#telling: Promise<void> = Promise.resolve();

	constructor(store: Pick<ShortLived, "add">) {
		this.#store = store;
	}

	/** @returns for each what its counter holds now, as far as it is known here. @throws service_unavailable where it must be asked for, and cannot be */
	async add(counts: readonly RateCount[]): Promise<Counted[]> {
		const askedFor = new Set<string>();
		const alone = counts.map((count) => {
			// What comes behind one that is asked for is counted behind it.
			const counted = askedFor.has(count.key) ? undefined : this.#addAlone(count);
			if (!counted) askedFor.add(count.key);
			return counted;
		});
		const asked = counts.filter((_, index) => !alone[index]);
		const told = (asked.length > 0 ? await this.#ask(asked) : []).values();
		return alone.map((counted) => counted ?? (told.next().value as Counted));
	}

	/** Tells what is untold, one time after the other. What could not be told is told later: meanwhile, whoever is near what they may do is refused. */
	tell(): Promise<void> {
		clearTimeout(this.#timer);
		this.#telling = this.#telling.then(() => this.#tellAll()).catch(() => undefined);
		return this.#telling;
	}

	async close(): Promise<void> {
		this.#isClosed = true;
		await this.tell();
	}

	/** @returns nothing when it has to be asked for */
	#addAlone({ key, amount, nowMs, untilMs, countMax }: RateCount): Counted | undefined {
		this.#nowMs = nowMs;
		const window = this.#windowOf(key, { nowMs, untilMs });
		const untold = window.untold + amount;
		const count = window.known + untold;
		if (amount > 0 && (count > countMax * ALONE || untold > countMax * UNTOLD)) return undefined;
		window.untold = untold;
		if (amount > 0) this.#tellSoon(key);
		return { count, untilMs: window.untilMs };
	}

	/** Together with what of them is untold. */
	async #ask(counts: readonly RateCount[]): Promise<Counted[]> {
		const untold = counts.map(({ key }) => this.#take(key));
		return this.#send(
			counts.map(({ countMax: _, ...count }, index) => ({ ...count, amount: count.amount + (untold[index] ?? 0) })),
			untold,
		);
	}

	/** @param untold how much of each is untold again when nobody hears of it */
	async #send(counts: readonly Count[], untold: readonly number[]): Promise<Counted[]> {
		const windows = counts.map(({ key }) => this.#windows.get(key));
		// One that is over by then, and another one in its place, has nothing to do with this.
		const still = counts.map(
			({ key }, index) =>
				() =>
					this.#windows.get(key) === windows[index] ? windows[index] : undefined,
		);
		try {
			const told = await this.#store.add(counts);
			for (const [index, window] of still.entries()) hear(window(), told[index] as Counted);
			return told;
		} catch (error) {
			for (const [index, { key }] of counts.entries()) this.#giveBack(key, still[index]?.(), untold[index] ?? 0);
			throw error;
		}
	}

	/** @returns how much was untold */
	#take(key: string): number {
		const window = this.#windows.get(key);
		if (!window || !this.#untold.delete(key)) return 0;
		const { untold } = window;
		window.known += untold;
		window.untold = 0;
		return untold;
	}

	#giveBack(key: string, window: Window | undefined, untold: number): void {
		if (!window || untold === 0) return;
		window.known -= untold;
		window.untold += untold;
		this.#tellSoon(key);
	}

	#windowOf(key: string, { nowMs, untilMs }: Pick<Count, "nowMs" | "untilMs">): Window {
		const known = this.#windows.get(key);
		if (known && known.untilMs > nowMs) return known;
		const window = { known: 0, untold: 0, untilMs };
		this.#windows.set(key, window);
		this.#untold.delete(key);
		return window;
	}

	#tellSoon(key: string): void {
		this.#untold.add(key);
		if (!this.#isClosed) this.#timer ??= setTimeout(() => this.tell(), TELL_MS).unref();
	}

	async #tellAll(): Promise<void> {
		this.#timer = undefined;
		this.#sweep();
		const keys = [...this.#untold];
		for (let from = 0; from < keys.length; from += TOLD_AT_ONCE) {
			const nowMs = this.#nowMs;
			const some = keys.slice(from, from + TOLD_AT_ONCE);
			const counts = some.flatMap((key) => {
				const { untilMs = 0 } = this.#windows.get(key) ?? {};
				const amount = this.#take(key);
				return untilMs > nowMs && amount > 0 ? [{ key, amount, nowMs, untilMs }] : [];
			});
			const amounts = counts.map(({ amount }) => amount);
			if (counts.length > 0) await this.#send(counts, amounts);
		}
	}

	#sweep(): void {
		if (this.#nowMs < this.#sweepAtMs) return;
		this.#sweepAtMs = this.#nowMs + SWEEP_MS;
		for (const [key, { untilMs }] of this.#windows) if (untilMs <= this.#nowMs) this.#windows.delete(key);
	}
}

function hear(window: Window | undefined, { count, untilMs }: Counted): void {
	if (!window) return;
	// An answer may be overtaken by a later one.
	window.known = window.untilMs === untilMs ? Math.max(window.known, count) : count;
	window.untilMs = untilMs;
}
