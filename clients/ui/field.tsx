import { useId, useLayoutEffect, useRef } from "preact/hooks";

type Input = {
	readonly type?: "text" | "password" | "search" | "date" | "month";
	readonly name?: string;
	readonly value?: string;
	readonly autoComplete?: string;
	readonly inputMode?: "text" | "numeric" | "search";
	readonly autoCapitalize?: "none";
	readonly minLength?: number;
	readonly maxLength?: number;
	readonly min?: string;
	readonly max?: string;
	readonly placeholder?: string;
	readonly required?: boolean;
	readonly disabled?: boolean;
};
type Props = Input & {
	readonly label: string;
	readonly hint?: string | undefined;
	/** What is wrong with what stands in it. */
	readonly error?: string | undefined;
	readonly onText?: (text: string) => void;
};

/** A line to write in. What is wrong with it is said beside it, and it takes the focus. */
export function Field({ label, hint, error, onText, ...input }: Props) {
	const id = useId();
	const element = useRef<HTMLInputElement>(null);
	useLayoutEffect(() => {
		// Of several that are wrong, the first one.
		const first = element.current?.form?.querySelector<HTMLElement>("[aria-invalid]") ?? element.current;
		if (error) first?.focus();
	}, [error]);
	const told = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
	return (
		<div class={`field ${error ? "wrong" : ""}`}>
			<label for={id}>{label}</label>
			<input
				{...(input as object)}
				id={id}
				ref={element}
				aria-invalid={error ? true : undefined}
				aria-describedby={told || undefined}
				onInput={({ currentTarget }) => onText?.(currentTarget.value)}
			/>
			{hint && (
				<span class="hint" id={`${id}-hint`}>
					{hint}
				</span>
			)}
			{error && (
				<span class="error" id={`${id}-error`} role="alert">
					{error}
				</span>
			)}
		</div>
	);
}
