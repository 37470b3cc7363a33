import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

// What decides where a key goes is there with the screen, and gone with it. A passive effect (`useEffect`) begins, and since Preact 11 ends
// too, some frames later: who is quick would press a key for nothing, or for what is not shown any more.

/** @returns what takes the focus when it appears */
export function useFocus<Target extends HTMLElement>(how?: FocusOptions): RefObject<Target | null> {
	const target = useRef<Target>(null);
	useLayoutEffect(() => target.current?.focus(how), []);
	return target;
}

/** Hears the keys that are pressed anywhere, as long as this is shown. */
export function useKeys(press: (event: KeyboardEvent) => void): void {
	useLayoutEffect(() => {
		addEventListener("keydown", press);
		return () => removeEventListener("keydown", press);
	}, [press]);
}
