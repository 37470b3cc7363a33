const LAST = 60;

/** What happened in a world: all of it as one number, the last of it in words. */
export class Trace {
	#hash = 0x811c9dc5;
	#count = 0;
	readonly #last: string[] = [];

	note(what: string): void {
		let hash = this.#hash;
		for (let at = 0; at < what.length; at++) hash = Math.imul(hash ^ what.charCodeAt(at), 0x01000193);
		this.#hash = hash;
		this.#last[this.#count++ % LAST] = what;
	}

	/** How much has happened. */
	get steps(): number {
		return this.#count;
	}
	/** Two runs with the same are the same run. */
	get hash(): string {
		return (this.#hash >>> 0).toString(16).padStart(8, "0");
	}
	/** Oldest first. */
	get last(): string[] {
		const at = this.#count % LAST;
		return this.#count < LAST ? [...this.#last] : [...this.#last.slice(at), ...this.#last.slice(0, at)];
	}
}
