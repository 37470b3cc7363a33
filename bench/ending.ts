/** What has to be ended, the latest first, however a bench ends. */
const owned: (() => Promise<unknown>)[] = [];
let ending: Promise<void> = Promise.resolve();
let isInterrupted = false;

/** Takes note of it before it has started, so that what is half started when somebody loses patience is ended as well. */
export function own<T>(starting: Promise<T>, end: (started: T) => unknown): Promise<T> {
	owned.push(() => starting.then(end, () => {}));
	return starting;
}

/** Ends all that is owned now; whoever asks again meanwhile waits for the same. */
export function endAll(): Promise<void> {
	ending = ending.then(async () => {
		for (let end = owned.pop(); end; end = owned.pop()) await end().catch(console.error);
	});
	return ending;
}

/** For loops that would go on: there is nothing left to measure. */
export function checkInterrupted(): void {
	if (isInterrupted) throw new Error("interrupted");
}

/** Runs a bench and leaves nothing behind: no process and no folder, also when it fails or is interrupted. */
export async function runBench(bench: () => Promise<void>): Promise<void> {
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
		process.on(signal, () => {
			isInterrupted = true;
			endAll().finally(() => process.exit(1));
		});
	}
	try {
		await bench();
	} catch (error) {
		if (!isInterrupted) console.error(error);
		process.exitCode = 1;
	} finally {
		await endAll();
	}
}
