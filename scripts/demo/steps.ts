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
	/** Compares by value. A difference is printed and fails the step, which goes on. @returns whether they are equal */
	expect(what: string, came: unknown, expected: unknown): boolean;
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
	/** null = it broke off; its failures say why. @throws what stops the day */
	play<T>(title: string, scene: (step: Step) => Promise<T>): Promise<T | null>;
	readonly played: readonly Played[];
};

/** @param stopsTheDay after which errors it makes no sense to go on */
export function createSteps(screen: Screen, stopsTheDay: (error: unknown) => boolean): Steps {
	const played: Played[] = [];
	return {
		played,
		play: async (title, scene) => {
			const record: Recording = { timesMs: [], laps: new Map(), failures: [], detail: "", shown: [] };
			screen.progress(title);
			const startedMs = performance.now();
			const finish = () => {
				const tookMs = performance.now() - startedMs;
				if (record.timesMs.length === 0) record.timesMs.push(tookMs);
				const step = { title, tookMs, ...record };
				played.push(step);
				screen.played(step);
			};
			try {
				return await scene(stepOf(record, { progress: (done) => screen.progress(title, done), stopsTheDay }));
			} catch (error) {
				record.failures.push({ what: messageOf(error) });
				if (stopsTheDay(error)) throw error;
				return null;
			} finally {
				finish();
			}
		},
	};
}

/** A step while it is played. */
type Recording = {
	readonly timesMs: number[];
	readonly laps: Map<string, number[]>;
	readonly failures: Failure[];
	readonly shown: string[];
	detail: string;
};

type Around = {
	readonly progress: (done: { count: number; of: number }) => void;
	readonly stopsTheDay: (error: unknown) => boolean;
};

function stepOf(record: Recording, { progress, stopsTheDay }: Around): Step {
	const { timesMs, laps, failures, shown } = record;
	return {
		expect: (what, came, expected) => {
			const equal = isDeepStrictEqual(came, expected);
			if (!equal) failures.push({ what, expected: written(expected), came: written(came) });
			return equal;
		},
		each: async (items, play) => {
			const results = [];
			for (const [index, item] of items.entries()) {
				progress({ count: index, of: items.length });
				const startedMs = performance.now();
				try {
					results.push(await play(item, index));
				} catch (error) {
					if (stopsTheDay(error)) throw error;
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
			record.detail = detail;
		},
		show: (lines) => {
			shown.push(...lines);
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
