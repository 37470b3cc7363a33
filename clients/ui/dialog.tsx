import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { sayIn, Toasts } from "./toast.tsx";

type Props = {
	readonly title: string;
	/** What it was asked for is on its way: closed now, it would look as if nothing had been sent. */
	readonly isBusy?: boolean;
	readonly onClose: () => void;
	readonly children: ComponentChildren;
};

/** Something to decide before all else. It is there as long as it is drawn; Escape closes it, unless it is busy, or `onClose` does not. */
export function Dialog({ title, isBusy = false, onClose, children }: Props) {
	const id = useId();
	const close = isBusy ? () => {} : onClose;
	const element = useRef<HTMLDialogElement>(null);
	// As with `useFocus`: it is open when it is drawn, and what it covered has the focus when it is gone.
	useLayoutEffect(() => {
		const before = document.activeElement;
		const hushHere = sayIn(id);
		element.current?.showModal();
		// Whoever uses the keyboard goes on where they were; where that is gone, at the top of the page. It may go as the dialog does: a moment later.
		return () => {
			hushHere();
			queueMicrotask(() => {
				// Another screen may have taken it meanwhile, and knows better.
				if (!before?.isConnected && document.activeElement !== document.body) return;
				const place = before?.isConnected ? before : document.querySelector("h1");
				if (place instanceof HTMLElement) place.focus({ preventScroll: place !== before });
			});
		};
	}, []);
	return (
		<dialog
			ref={element}
			class="dialog"
			aria-labelledby={id}
			onCancel={(event) => {
				event.preventDefault();
				close();
			}}
			onClose={() => {
				// At the second Escape, or Android's second Back, a browser asks nobody.
				element.current?.showModal();
				close();
			}}
		>
			<div class="stack">
				<h2 id={id}>{title}</h2>
				{children}
			</div>
			<Toasts place={id} />
		</dialog>
	);
}
