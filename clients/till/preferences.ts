import { signal } from "@preact/signals";

/** On which side the basket is: where the hand is that works. */
export type Hand = "left" | "right";

const KEPT = "hannip.till.hand";

export const hand = signal<Hand>(localStorage.getItem(KEPT) === "left" ? "left" : "right");

export function chooseHand(next: Hand): void {
	localStorage.setItem(KEPT, next);
	hand.value = next;
}
