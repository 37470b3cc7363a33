import { signal } from "@preact/signals";

type Said = { readonly id: number; readonly text: string; readonly look: "plain" | "danger" };

const STAYS_MS = 6_000;
const said = signal<readonly Said[]>([]);
let count = 0;

/** Says in passing that something was done, or not. What must not be missed stays on the screen instead. */
export function toast(text: string, look: Said["look"] = "plain"): void {
	const id = ++count;
	said.value = [...said.value.filter((other) => other.text !== text), { id, text, look }];
	setTimeout(() => {
		said.value = said.value.filter((other) => other.id !== id);
	}, STAYS_MS);
}

/** Where a screen must be seen whole: what was said of something before is over. */
export function hush(): void {
	said.value = [];
}

export function Toasts() {
	return (
		<div class="toasts" role="status" aria-live="polite">
			{said.value.map(({ id, text, look }) => (
				<div key={id} class={`toast ${look}`}>
					{text}
				</div>
			))}
		</div>
	);
}
