/** What something was at every group of the log that changed it. */
export class History<T> {
	readonly #sequences: number[] = [];
	readonly #values: T[] = [];

	get now(): T {
		return this.#values.at(-1) as T;
	}

	put(sequence: number, value: T): void {
		// Within a group only the last one can ever be seen by anybody.
		const index = this.#sequences.at(-1) === sequence ? this.#values.length - 1 : this.#values.length;
		this.#sequences[index] = sequence;
		this.#values[index] = value;
	}

	/** What it was after this group; undefined: it was not there yet. */
	at(sequence: number): T | undefined {
		return this.#values[this.#indexAt(sequence)];
	}

	/** Whether it was so after this group, or after a later one. */
	wasSince(sequence: number, isSo: (value: T) => boolean): boolean {
		return this.#values.slice(Math.max(0, this.#indexAt(sequence))).some(isSo);
	}

	#indexAt(sequence: number): number {
		let [low, high] = [0, this.#sequences.length];
		while (low < high) {
			const middle = (low + high) >> 1;
			if ((this.#sequences[middle] as number) <= sequence) low = middle + 1;
			else high = middle;
		}
		return low - 1;
	}
}

/** Field by field; what a transfer has in its details is compared as text. */
export function isAlike<T extends object>(left: T, right: T | undefined): boolean {
	if (left === right) return true;
	if (!right) return false;
	for (const field of Object.keys(left) as (keyof T)[]) {
		const [one, other] = [left[field], right[field]];
		if (one !== other && (typeof one !== "object" || JSON.stringify(one) !== JSON.stringify(other))) return false;
	}
	return true;
}
