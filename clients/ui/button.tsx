import type { ComponentChildren } from "preact";
import { useAction } from "./action.ts";
import { breakableIn } from "./format.tsx";

type Look = "plain" | "primary" | "danger" | "quiet";
type Props = {
	readonly look?: Look;
	/** More classes: `wide`, `large`, `round`. */
	readonly class?: string;
	/** What it says to who cannot see its icon. */
	readonly label?: string;
	/** It stays where it is, and presses do nothing. */
	readonly isDisabled?: boolean;
	readonly children: ComponentChildren;
};

/** Does something at a press. While that goes on it says so, and further presses do nothing. */
export function Button({
	look = "plain",
	label,
	isDisabled = false,
	children,
	onPress,
	...rest
}: Props & { readonly onPress: () => unknown }) {
	const [isBusy, start] = useAction(async () => void (await onPress()));
	return (
		<button
			type="button"
			class={`button ${look} ${rest.class ?? ""}`}
			aria-label={label}
			aria-busy={isBusy}
			aria-disabled={isBusy || isDisabled}
			onClick={isDisabled ? undefined : start}
		>
			{isBusy && <span class="spinner" />}
			{children}
		</button>
	);
}

type SubmitProps = { readonly isBusy: boolean; readonly look?: "primary" | "danger"; readonly children: string };

/** Sends the form that it stands in. */
export function Submit({ isBusy, look = "primary", children }: SubmitProps) {
	return (
		<button type="submit" class={`button ${look} wide large`} aria-busy={isBusy} aria-disabled={isBusy}>
			{isBusy && <span class="spinner" />}
			<span>{breakableIn(children)}</span>
		</button>
	);
}
