/** How long a line waits for others. Nobody reads that fast, and a write for each of them is half of what lines cost. */
const GATHER_MS = 20;
/** What is not written yet is in memory; and half of what a pipe takes at once, so that the last of it is not cut off. */
const GATHERED_BYTES_MAX = 32_768;

/**
 * Writes lines to the standard output, several at once. What `isUrgent` is there before this returns, with all that came before; and all of it is
 * when the process ends by itself or by an exception that nobody caught. What kills it in an instant (SIGKILL, no memory, a signal that nobody
 * listens for) takes the last few milliseconds along; and so does a pipe that nobody reads, as ever.
 */
export class LineWriter {
	readonly #write: (text: string) => void;
	#gathered = "";
	#bytes = 0;
	#timer: NodeJS.Timeout | undefined;

	constructor(write: (text: string) => void) {
		this.#write = write;
		process.once("exit", () => this.flush());
	}

	write(line: string, isUrgent: boolean): void {
		const text = `${line}\n`;
		this.#gathered += text;
		this.#bytes += Buffer.byteLength(text);
		if (isUrgent || this.#bytes > GATHERED_BYTES_MAX) this.flush();
		else this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
	}

	flush(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		const text = this.#gathered;
		this.#gathered = "";
		this.#bytes = 0;
		if (text) this.#write(text);
	}
}

let standard: LineWriter | undefined;

/** One for all brokers of a process. */
export function standardOutput(): LineWriter {
	standard ??= new LineWriter((text) => process.stdout.write(text));
	return standard;
}
