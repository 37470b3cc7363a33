import { useEffect } from "preact/hooks";
import { useFocus } from "./effects.ts";

/** A screen's heading. It takes the focus when the screen appears, so that who does not see it hears where they are. */
export function Title({ children, app }: { readonly children: string; readonly app: string }) {
	const heading = useFocus<HTMLHeadingElement>({ preventScroll: true });
	useEffect(() => {
		document.title = `${children} · ${app}`;
	}, [children, app]);
	return (
		<h1 ref={heading} tabIndex={-1}>
			{children}
		</h1>
	);
}
