import { signal } from "@preact/signals";
import type { ComponentChildren, ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

/** Where the app is, from the address behind `#`: any static server can serve it, and Back does what people expect. */
export const path = signal(pathNow());

function pathNow(): string {
	return location.hash.slice(1) || "/";
}

/** A browser tells of a new address some time after it has it: who is quick would still be on the old screen, and lose what they write there. */
function follow(): void {
	const now = pathNow();
	if (now === path.value) return;
	path.value = now;
	scrollTo(0, 0);
}

addEventListener("hashchange", follow);

/** @param how `replace` leaves no step back */
export function go(to: string, how: "push" | "replace" = "push"): void {
	if (how === "replace") location.replace(`#${to}`);
	else location.hash = to;
	follow();
}

/**
 * For a screen whose work takes a while: leads away from it when that is done, unless whoever waited for it has left it meanwhile.
 *
 * @returns what to call then; it leaves no step back
 */
export function useLeaving(): (to: string) => void {
	const [here] = useState(pathNow);
	return (to) => {
		if (pathNow() === here) go(to, "replace");
	};
}

/** What stands in the path behind the screen's own name: `/receipts/u_1.k` has `u_1.k`. */
export const pathPart = (index: number): string =>
	decodeURIComponent(path.value.split("?")[0]?.split("/")[index + 1] ?? "");

type Props = {
	readonly to: string;
	readonly class?: string;
	readonly label?: string;
	readonly children: ComponentChildren;
};

export function Link({ to, label, children, ...rest }: Props) {
	const press = (event: MouseEvent) => {
		// Into another tab or window, as the browser does it.
		if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
		event.preventDefault();
		go(to);
	};
	return (
		<a
			href={`#${to}`}
			aria-label={label}
			aria-current={path.value === to ? "page" : undefined}
			onClick={press}
			{...rest}
		>
			{children}
		</a>
	);
}

/** A screen that is fetched when it is first shown. */
export function later(load: () => Promise<{ default: ComponentType }>): ComponentType {
	let Loaded: ComponentType | undefined;
	return function Later() {
		const [, redraw] = useState(0);
		useEffect(() => {
			if (Loaded) return;
			load().then(
				(module) => {
					Loaded = module.default;
					redraw(1);
				},
				// A new version has replaced the files of this one.
				() => location.reload(),
			);
		}, []);
		return Loaded ? <Loaded /> : null;
	};
}
