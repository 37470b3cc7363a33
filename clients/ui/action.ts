import { useRef, useState } from "preact/hooks";

/**
 * Something that a person starts and waits for. While it goes on it cannot be started again: a second tap is the same intention.
 *
 * @returns whether it goes on, and how to start it
 */
export function useAction<Args extends readonly unknown[]>(
	work: (...args: Args) => Promise<void>,
): readonly [isBusy: boolean, start: (...args: Args) => void] {
	const running = useRef(false);
	const [isBusy, setBusy] = useState(false);
	const start = (...args: Args) => {
		if (running.current) return;
		running.current = true;
		setBusy(true);
		work(...args).finally(() => {
			running.current = false;
			setBusy(false);
		});
	};
	return [isBusy, start];
}
