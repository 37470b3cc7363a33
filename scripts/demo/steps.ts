import { inspect, isDeepStrictEqual } from "node:util";

export type Failure = { readonly what: string; readonly expected?: string; readonly came?: string };

/** What is known about a step once it was played. */
export type Played = {
	readonly title: string;
	readonly tookMs: number;
	/** One for each repetition; of a step without repetitions its whole time. */
	readonly timesMs: readonly number[];
	/** Parts that were timed by themselves, by name. */
	readonly laps: ReadonlyMap<string, readonly number[]>;
	readonly failures: readonly Failure[];
	readonly detail: string;
	/** Tables that belong under the step's line. */
	readonly shown: readonly string[];
};

/** What a scene gets to tell how it goes. */
export type Step = {
	/** Compares by value. A difference is printed and fails the step, which goes on. */
	expect(what: string, came: unknown, expected: unknown): void;
	/** Plays one after the other, each timed; one that throws fails the step, and the next begins. Gives what the others gave. */
	each<T, R>(items: readonly T[], play: (item: T, index: number) => Promise<R>): Promise<R[]>;
	/** Times a part of what is repeated. */
	lap<T>(name: string, play: () => Promise<T>): Promise<T>;
	/** A few words for the step's line. */
	say(detail: string): void;
	/** Lines to print under it. */
	show(lines: readonly string[]): void;
};

/** Where steps are shown while they are played. */
export type Screen = {
	progress(title: string, done?: { count: number; of: number }): void;
	played(step: Played): void;
	/** Takes back what `progress` left on the line. */
	clear(): void;
};

export type Steps = {
	/** null = it broke off; its failures say why. */
	play<T>(title: string, scene: (step: Step) => Promise<T>): Promise<T | null>;
	readonly played: readonly Played[];
};

export function createSteps(screen: Screen): Steps {
	const played: Played[] = [];
	return {
		played,
		play: async (title, scene) => {
			const record = { timesMs: [] as number[], laps: new Map<string, number[]>(), failures: [] as Failure[] };
			const words = { detail: "", shown: [] as string[] };
			const step = stepOf(record, words, (done) => screen.progress(title, done));
			screen.progress(title);
			const startedMs = performance.now();
			const result = await scene(step).catch((error: unknown) => {
				record.failures.push({ what: messageOf(error) });
				return null;
			});
			const tookMs = performance.now() - startedMs;
			if (record.timesMs.length === 0) record.timesMs.push(tookMs);
			played.push({ title, tookMs, ...record, ...words });
			screen.played({ title, tookMs, ...record, ...words });
			return result;
		},
	};
}

function stepOf(
	{ timesMs, laps, failures }: { timesMs: number[]; laps: Map<string, number[]>; failures: Failure[] },
	words: { detail: string; shown: string[] },
	progress: (done: { count: number; of: number }) => void,
): Step {
	return {
		expect: (what, came, expected) => {
			if (isDeepStrictEqual(came, expected)) return;
			failures.push({ what, expected: written(expected), came: written(came) });
		},
		each: async (items, play) => {
			const results = [];
			for (const [index, item] of items.entries()) {
				progress({ count: index, of: items.length });
				const startedMs = performance.now();
				try {
					results.push(await play(item, index));
				} catch (error) {
					failures.push({ what: `${index + 1} of ${items.length}: ${messageOf(error)}` });
				}
				timesMs.push(performance.now() - startedMs);
			}
			return results;
		},
		lap: async (name, play) => {
			const startedMs = performance.now();
			const result = await play();
			laps.set(name, [...(laps.get(name) ?? []), performance.now() - startedMs]);
			return result;
		},
		say: (detail) => {
			words.detail = detail;
		},
		show: (lines) => {
			words.shown.push(...lines);
		},
	};
}

/** Without what an earlier step should have given, a step cannot be played. @throws to say so */
export function need<T>(value: T | null | undefined, what: string): T {
	if (value === null || value === undefined) throw new Error(`not played: ${what}`);
	return value;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const written = (value: unknown): string =>
	typeof value === "string" ? value : inspect(value, { depth: 6, breakLength: 110 });
