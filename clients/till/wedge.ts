/** A hand scanner types faster than anybody, and ends with Enter. */
const PAUSE_MAX_MS = 60;
const CHARS_MIN = 4;

/** Where a keyboard has what a code is made of: with another layout or an input method, the characters themselves are others. */
const shifted: Readonly<Record<string, string>> = {
	Digit4: "$",
	Digit5: "%",
	Digit8: "*",
	Equal: "+",
	Semicolon: ":",
};
const plain: Readonly<Record<string, string>> = { Space: " ", Minus: "-", Period: ".", Slash: "/" };

type Key = Pick<KeyboardEvent, "key" | "code" | "shiftKey" | "timeStamp">;

/** The character that a scanner means by a key. */
export function charOf({ key, code, shiftKey }: Key): string | undefined {
	if (/^[\x20-\x7e]$/.test(key)) return key;
	const [, letter, digit] = /^Key([A-Z])$|^Digit(\d)$/.exec(code) ?? [];
	if (shiftKey && shifted[code]) return shifted[code];
	if (letter) return shiftKey ? letter : letter.toLowerCase();
	return digit ?? plain[code];
}

/** Puts together what comes as fast as from a scanner. */
export class Wedge {
	#text = "";
	#atMs = Number.NEGATIVE_INFINITY;

	/** @returns what was scanned, at its last key */
	press(key: Key): string | undefined {
		// Modifiers come between the characters and are none.
		if (/^(Shift|CapsLock|Process)$/.test(key.key) && !charOf(key)) return undefined;
		const isFast = key.timeStamp - this.#atMs <= PAUSE_MAX_MS;
		this.#atMs = key.timeStamp;
		if (key.key === "Enter" || key.code === "Enter") {
			const text = isFast ? this.#text : "";
			this.#text = "";
			return text.length >= CHARS_MIN ? text : undefined;
		}
		const char = charOf(key);
		this.#text = (isFast ? this.#text : "") + (char ?? "");
		return undefined;
	}
}

type Typed = { readonly field: HTMLInputElement; readonly before: string };

/** Hears a hand scanner wherever the focus is. What it typed into a field is taken back out of it. @returns how to stop */
export function hearScanner(onScan: (text: string) => void): () => void {
	const wedge = new Wedge();
	let typed: Typed | undefined;
	let quietMs = Number.NEGATIVE_INFINITY;
	const hear = (event: KeyboardEvent) => {
		if (event.timeStamp - quietMs > PAUSE_MAX_MS) {
			const { target } = event;
			typed = target instanceof HTMLInputElement ? { field: target, before: target.value } : undefined;
		}
		quietMs = event.timeStamp;
		const text = wedge.press(event);
		if (text === undefined) return;
		event.preventDefault();
		event.stopPropagation();
		if (typed) {
			typed.field.value = typed.before;
			typed.field.dispatchEvent(new Event("input", { bubbles: true }));
		}
		onScan(text);
	};
	addEventListener("keydown", hear, true);
	return () => removeEventListener("keydown", hear, true);
}
