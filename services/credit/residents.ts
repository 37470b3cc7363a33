/**
 * A cache in two generations, for values that must not be forgotten before the read model has them.
 *
 * Everything written since the last turn is in the young generation; at a turn it becomes the old one, which is dropped as a
 * whole once the read model has reached the sequence number of that turn. What is read moves back to the young one. So memory
 * stays at two generations, whatever the number of accounts, and no value carries a mark of its own.
 */
export class Residents<Key, Value> {
	#young = new Map<Key, Value>();
	#old = new Map<Key, Value>();
	/** The log's head when the old generation was closed: nothing in it is newer. */
	#oldHead = 0;
	readonly #sizeMax: number;

	/** @param sizeMax values a generation may have before it is turned (if the read model has kept up) */
	constructor(sizeMax: number) {
		this.#sizeMax = sizeMax;
	}

	get(key: Key): Value | undefined {
		const young = this.#young.get(key);
		if (young !== undefined) return young;
		const old = this.#old.get(key);
		if (old !== undefined) this.#young.set(key, old);
		return old;
	}

	set(key: Key, value: Value): void {
		// An older value in the old generation does no harm: the young one is asked first, and outlives it.
		this.#young.set(key, value);
	}

	/**
	 * @param head the log's last sequence number
	 * @param watermark what the read model has
	 */
	turn({ head, watermark }: { head: number; watermark: number }): void {
		if (this.#young.size <= this.#sizeMax || watermark < this.#oldHead) return;
		this.#old = this.#young;
		this.#young = new Map();
		this.#oldHead = head;
	}
}
