import { signal } from "@preact/signals";

/** Not in every browser, and in no standard yet. */
type Installing = Event & { prompt(): Promise<unknown> };

/** How the wallet comes onto the home screen, where the browser lets a page ask for that. */
export const installing = signal<Installing | null>(null);

addEventListener("beforeinstallprompt", (event) => {
	event.preventDefault();
	installing.value = event as Installing;
});
addEventListener("appinstalled", () => {
	installing.value = null;
});
