import { effect, signal } from "@preact/signals";

export type Language = "ko" | "en";

const KEPT = "hannip.language";
const kept = localStorage.getItem(KEPT);

/** What the person chose; before that, what their browser asks for. */
export const language = signal<Language>(
	kept === "ko" || kept === "en" ? kept : navigator.languages.some((each) => each.startsWith("ko")) ? "ko" : "en",
);

effect(() => {
	document.documentElement.lang = language.value;
});

export function chooseLanguage(next: Language): void {
	localStorage.setItem(KEPT, next);
	language.value = next;
}

/**
 * The texts of an app in both languages, which the types hold to the same shape: `const t = dictionary({ ko, en })`, then `t().pay`. What
 * reads it is drawn again when the language changes. Texts with something in them are functions.
 */
export const dictionary =
	<Texts>(all: Readonly<Record<Language, Texts>>): (() => Texts) =>
	() =>
		all[language.value];
