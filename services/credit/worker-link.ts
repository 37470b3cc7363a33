import { parentPort, Worker } from "node:worker_threads";

/** Synchronous functions that run on a worker thread: SQLite waits for the disk there and not on the event loop. */
export type Handlers = { readonly [name: string]: (argument: never) => unknown };

type Argument<Handler> = Handler extends (argument: infer A) => unknown ? A : never;
type Result<Handler> = Handler extends (argument: never) => infer R ? R : never;

type Call = { id: number; name: string; argument: unknown };
/** An error's own fields are lost between threads, so the one that callers tell errors apart by travels beside it. */
type Reply = { id: number; result?: unknown; error?: unknown; errorType?: unknown };

/** In the worker: answers calls, one after the other. */
export function serve<H extends Handlers>(handlers: H): void {
	parentPort?.on("message", ({ id, name, argument }: Call) => {
		let reply: Reply;
		try {
			reply = { id, result: handlers[name]?.(argument as never) };
		} catch (error) {
			reply = { id, error, errorType: (error as { type?: unknown }).type };
		}
		parentPort?.postMessage(reply);
	});
}

/** On the main thread: calls what the worker serves. A worker that dies rejects what waits, and all that is asked later. */
export class WorkerLink<H extends Handlers> {
	readonly #worker: Worker;
	readonly #waiting = new Map<number, { resolve: (result: never) => void; reject: (error: unknown) => void }>();
	#lastId = 0;
	#death: Error | null = null;

	constructor(file: URL, workerData: unknown) {
		this.#worker = new Worker(file, { workerData });
		this.#worker.on("message", ({ id, result, error, errorType }: Reply) => {
			const waiting = this.#waiting.get(id);
			this.#waiting.delete(id);
			if (error === undefined) waiting?.resolve(result as never);
			else waiting?.reject(Object.assign(error as Error, { type: errorType }));
		});
		this.#worker.on("error", (error) => this.#die(error as Error));
		this.#worker.on("exit", (code) => this.#die(new Error(`the worker ${file.pathname} ended with code ${code}`)));
	}

	call<Name extends keyof H & string>(name: Name, argument: Argument<H[Name]>): Promise<Result<H[Name]>> {
		if (this.#death) return Promise.reject(this.#death);
		return new Promise((resolve, reject) => {
			const id = ++this.#lastId;
			this.#waiting.set(id, { resolve: resolve as (result: never) => void, reject });
			this.#worker.postMessage({ id, name, argument } satisfies Call);
		});
	}

	async close(): Promise<void> {
		await this.#worker.terminate();
	}

	#die(error: Error): void {
		this.#death ??= error;
		for (const { reject } of this.#waiting.values()) reject(error);
		this.#waiting.clear();
	}
}
