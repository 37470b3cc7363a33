import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

type Props = {
	readonly title: string;
	readonly onClose: () => void;
	readonly children: ComponentChildren;
};

/** Something to decide before all else. It is there as long as it is drawn; Escape closes it, unless `onClose` does not. */
export function Dialog({ title, onClose, children }: Props) {
	const id = useId();
	const element = useRef<HTMLDialogElement>(null);
	useEffect(() => {
		const before = document.activeElement;
		element.current?.showModal();
		// Whoever uses the keyboard goes on where they were.
		return () => {
			if (before instanceof HTMLElement && before.isConnected) before.focus();
		};
	}, []);
	return (
		<dialog
			ref={element}
			class="dialog"
			aria-labelledby={id}
			onCancel={(event) => {
				event.preventDefault();
				onClose();
			}}
			onClose={() => {
				// At the second Escape, or Android's second Back, a browser asks nobody.
				element.current?.showModal();
				onClose();
			}}
		>
			<div class="stack">
				<h2 id={id}>{title}</h2>
				{children}
			</div>
		</dialog>
	);
}
