import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Mutation } from "./mutate.ts";
import type { Report, WorldOptions } from "./world.ts";

/** A world takes a few seconds; one that takes so long is busy with nothing, and cannot say so itself. */
const WORLD_TIMEOUT_MS = 60_000;

export type Run = {
	readonly worlds: Iterable<WorldOptions>;
	/** Called for each, in the order in which they end. @returns whether there is to be another one */
	readonly onReport: (report: Report) => boolean;
	readonly mutation?: Mutation;
	readonly threads?: number;
};

/** Runs worlds on several threads, each of them one after the other. @throws when a thread fails, or a world does not end */
export async function runWorlds({ worlds, onReport, mutation, threads = availableParallelism() }: Run): Promise<void> {
	const waiting = worlds[Symbol.iterator]();
	let isOver = false;
	const next = (): WorldOptions | undefined => {
		const { done, value } = isOver ? { done: true, value: undefined } : waiting.next();
		return done ? undefined : value;
	};
	const take = (report: Report) => {
		if (!onReport(report)) isOver = true;
	};
	await Promise.all(Array.from({ length: threads }, () => thread({ next, take, mutation })));
}

type Thread = {
	readonly next: () => WorldOptions | undefined;
	readonly take: (report: Report) => void;
	readonly mutation: Mutation | undefined;
};

async function thread({ next, take, mutation }: Thread): Promise<void> {
	const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: { mutation } });
	try {
		for (let options = next(); options; options = next()) take(await ask(worker, options));
	} finally {
		await worker.terminate();
	}
}

function ask(worker: Worker, options: WorldOptions): Promise<Report> {
	const { promise, resolve, reject } = Promise.withResolvers<Report>();
	const tooLate = () => reject(new Error(`the world of the seed ${options.seed} does not end`));
	const timer = setTimeout(tooLate, WORLD_TIMEOUT_MS);
	worker.once("message", resolve);
	worker.once("error", reject);
	worker.postMessage(options);
	return promise.finally(() => {
		clearTimeout(timer);
		worker.off("message", resolve);
		worker.off("error", reject);
	});
}
