import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

/** A screen's heading. It takes the focus when the screen appears, so that who does not see it hears where they are. */
export function Title({ children, app }: { readonly children: string; readonly app: string }) {
	const heading = useRef<HTMLHeadingElement>(null);
	useEffect(() => {
		document.title = `${children} · ${app}`;
	}, [children, app]);
	// Before anybody can have begun to type somewhere: later it would take the focus from them.
	useLayoutEffect(() => {
		heading.current?.focus({ preventScroll: true });
	}, []);
	return (
		<h1 ref={heading} tabIndex={-1}>
			{children}
		</h1>
	);
}
