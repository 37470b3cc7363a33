import { signal } from "@preact/signals";

type Said = { readonly id: number; readonly text: string; readonly look: "plain" | "danger" };

const STAYS_MS = 6_000;
/** The newest: several would cover what people look at. */
const said = signal<Said | null>(null);
const PAGE = "page";
/** Where it is said: in the dialog that was opened last, as beneath it nobody sees or hears anything. */
const places = signal<readonly string[]>([PAGE]);
let count = 0;

/** Says in passing that something was done, or not. What must not be missed stays on the screen instead. */
export function toast(text: string, look: Said["look"] = "plain"): void {
	const id = ++count;
	said.value = { id, text, look };
	setTimeout(() => {
		if (said.value?.id === id) hush();
	}, STAYS_MS);
}

/** Where a screen must be seen whole: what was said of something before is over. */
export function hush(): void {
	said.value = null;
}

/** From now on it is said in this dialog. @returns how to end that */
export function sayIn(dialog: string): () => void {
	places.value = [...places.value, dialog];
	return () => {
		places.value = places.value.filter((each) => each !== dialog);
	};
}

export function Toasts({ place = PAGE }: { readonly place?: string }) {
	const now = places.value.at(-1) === place ? said.value : null;
	return (
		<div class="toasts" role="status" aria-live="polite">
			{now && (
				<div key={now.id} class={`toast ${now.look}`}>
					{now.text}
				</div>
			)}
		</div>
	);
}
