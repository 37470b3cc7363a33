import { useEffect, useState } from "preact/hooks";

const TICK_MS = 250;

/** Whole seconds that are left, for a screen that counts them down. @param untilMs by the monotonic clock, which nobody sets */
export function useSecondsUntil(untilMs: number): number {
	const [nowMs, setNowMs] = useState(() => performance.now());
	useEffect(() => {
		const tick = () => setNowMs(performance.now());
		tick();
		const ticking = setInterval(tick, TICK_MS);
		return () => clearInterval(ticking);
	}, [untilMs]);
	return Math.max(0, Math.ceil((untilMs - nowMs) / 1_000));
}
