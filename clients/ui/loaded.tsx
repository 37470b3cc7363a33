import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Outcome, Problem } from "../sdk/problem.ts";
import { Trouble } from "./trouble.tsx";

export type Loading<T> = {
	readonly value: T | null;
	readonly problem: Problem | null;
	readonly again: () => Promise<void>;
};

/** What a screen shows of the platform. @param key loads anew when it changes */
export function useLoaded<T>(load: () => Promise<Outcome<T>>, key: string): Loading<T> {
	const [found, setFound] = useState<{ key: string; value: T | null; problem: Problem | null }>();
	const wanted = useRef(key);
	wanted.current = key;
	const again = useCallback(async () => {
		const outcome = await load();
		// What was asked for before may be answered last.
		if (wanted.current !== key) return;
		setFound((before) =>
			outcome.ok
				? { key, value: outcome.value, problem: null }
				: { key, value: before?.key === key ? before.value : null, problem: outcome.problem },
		);
	}, [key]);
	useEffect(() => void again(), [again]);
	const now = found?.key === key ? found : undefined;
	return { value: now?.value ?? null, problem: now?.problem ?? null, again };
}

/** What was loaded, or that it comes, or why it did not. */
export function Loaded<T>({
	of: { value, problem, again },
	children,
}: {
	readonly of: Loading<T>;
	readonly children: (value: T) => ComponentChildren;
}) {
	return (
		<>
			{problem && <Trouble problem={problem} again={again} />}
			{value !== null ? children(value) : !problem && <div class="skeleton tall" aria-busy="true" />}
		</>
	);
}
