import { effect, signal } from "@preact/signals";

/** `system`: as the device is set. */
export type Theme = "system" | "light" | "dark";

const KEPT = "hannip.theme";
const kept = localStorage.getItem(KEPT);

export const theme = signal<Theme>(kept === "light" || kept === "dark" ? kept : "system");

effect(() => {
	if (theme.value === "system") delete document.documentElement.dataset.theme;
	else document.documentElement.dataset.theme = theme.value;
});

export function chooseTheme(next: Theme): void {
	localStorage.setItem(KEPT, next);
	theme.value = next;
}
