/** Longer than anybody says again what may be done only once: see `natsByAction`. */
const KEPT_MS = 5_000;

/**
 * What this process was asked, by who asked and the question's id, for as long as it may be asked again: until it is answered, and where it may
 * not be done twice some seconds longer, with the answer. So nothing is done twice that should not be, and whoever has lost the answer gets it.
 * (At most once, by duplicate elimination: Birrell & Nelson, Implementing Remote Procedure Calls, ACM TOCS 2(1), 1984.)
 */
export class HeardLately<Answer> {
	/** What is being done, and whether it may be done again. */
	readonly #open = new Map<string, boolean>();
	/** Of the last seconds, and of those before. */
	#answers = new Map<string, Answer>();
	#before = new Map<string, Answer>();
	#sinceMs = 0;

	/** @returns whether it is to be done; if not, it is being done, or there is its answer */
	hear(key: string, isRepeatable: boolean, nowMs: number): { readonly isNew: boolean; readonly answer?: Answer } {
		this.#forget(nowMs);
		const answer = this.#answers.get(key) ?? this.#before.get(key);
		if (answer !== undefined) return { isNew: false, answer };
		const isNew = !this.#open.has(key);
		if (isNew) this.#open.set(key, isRepeatable);
		return { isNew };
	}

	answered(key: string, answer: Answer, nowMs: number): void {
		this.#forget(nowMs);
		if (this.#open.get(key) === false) this.#answers.set(key, answer);
		this.#open.delete(key);
	}

	#forget(nowMs: number): void {
		if (nowMs - this.#sinceMs <= KEPT_MS) return;
		[this.#before, this.#answers, this.#sinceMs] = [this.#answers, new Map(), nowMs];
	}
}
