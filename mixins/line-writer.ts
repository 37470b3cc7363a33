/** How long a line waits for others. Nobody reads that fast, and a write for each of them is half of what lines cost. */
const GATHER_MS = 20;
/** What is not written yet is in memory. */
const GATHERED_CHARS_MAX = 64_000;

/**
 * Writes lines to the standard output, several at once. What `isUrgent` is there before this returns, with all that came before; and all of it is
 * when the process ends, by itself, on a signal or by an exception that nobody caught. Only what kills it in an instant (SIGKILL, no memory)
 * takes the last few milliseconds along.
 */
export class LineWriter {
	readonly #write: (text: string) => void;
	#gathered = "";
	#timer: NodeJS.Timeout | undefined;

	constructor(write: (text: string) => void) {
		this.#write = write;
		process.once("exit", () => this.flush());
	}

	write(line: string, isUrgent: boolean): void {
		this.#gathered += `${line}\n`;
		if (isUrgent || this.#gathered.length > GATHERED_CHARS_MAX) this.flush();
		else this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
	}

	flush(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		const text = this.#gathered;
		this.#gathered = "";
		if (text) this.#write(text);
	}
}

let standard: LineWriter | undefined;

/** One for all brokers of a process. */
export function standardOutput(): LineWriter {
	standard ??= new LineWriter((text) => process.stdout.write(text));
	return standard;
}
