import type { ComponentChildren } from "preact";

type Props = {
	readonly class?: string;
	/** What is wrong is said by the fields, not by the browser. */
	readonly noValidate?: boolean;
	readonly onSubmit: () => void;
	readonly children: ComponentChildren;
};

/** What is filled in and sent, without leaving the page. */
export function Form({ class: look = "stack", noValidate, onSubmit, children }: Props) {
	return (
		<form
			class={look}
			noValidate={noValidate}
			onSubmit={(event) => {
				event.preventDefault();
				onSubmit();
			}}
		>
			{children}
		</form>
	);
}
