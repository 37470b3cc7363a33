import { computed, effect, signal } from "@preact/signals";
import { AMOUNT_MAX } from "../../services/amount.ts";
import { credit, number } from "../ui/format.tsx";
import { toast } from "../ui/toast.tsx";
import {
	type Basket,
	type Change,
	changesBetween,
	emptyBasket,
	LINES_MAX,
	QUANTITY_MAX,
	repriced,
	withOneMore,
	withQuantity,
} from "./basket.ts";
import { byId, isLoading } from "./shop.ts";
import { t } from "./texts.ts";

export type Parked = { readonly id: string; readonly atMs: number; readonly basket: Basket };

const BASKET = "hannip.till.basket";
const PARKED = "hannip.till.parked";
const CHANGES = "hannip.till.changes";
const PARKED_MAX = 30;

/** What the customer who stands here buys. It survives a reload. */
export const basket = signal<Basket>(read(BASKET) ?? emptyBasket);
export const parked = signal<readonly Parked[]>(read(PARKED) ?? []);
/** What became of the basket by itself, until somebody has read it: a total that is another one must not surprise the customer. */
export const changes = signal<readonly Change[]>(read(CHANGES) ?? []);
export const isEmpty = computed(() => basket.value.lines.length === 0);
/** What was thrown out of the basket, as long as it is empty. */
export const emptied = signal<Basket | null>(null);

let isHeard = false;

effect(() => write(BASKET, basket.value));
effect(() => write(PARKED, parked.value));
effect(() => write(CHANGES, changes.value));
effect(() => {
	if (!isEmpty.value) emptied.value = null;
});
// It is one till, also in two tabs.
addEventListener("storage", ({ key }) => {
	isHeard = true;
	if (key === null || key === BASKET) basket.value = read(BASKET) ?? emptyBasket;
	if (key === null || key === PARKED) parked.value = read(PARKED) ?? [];
	if (key === null || key === CHANGES) changes.value = read(CHANGES) ?? [];
	isHeard = false;
});
// The owner may have changed a price, here or since yesterday.
effect(() => {
	if (isLoading.value) return;
	const before = basket.peek();
	const now = repriced(before, byId.value);
	if (JSON.stringify(now) !== JSON.stringify(before)) take(before, now);
});

/** The basket as it is now, and what the person at the till has to know of that. */
function take(before: Basket, now: Basket): void {
	const fresh = changesBetween(before, now);
	const older = changes.peek().filter(({ productId }) => fresh.every((each) => each.productId !== productId));
	basket.value = now;
	changes.value = [...older, ...fresh];
}

export function add(productId: string): void {
	const product = byId.value.get(productId);
	if (!product) return;
	const quantity = basket.value.lines.find((line) => line.productId === productId)?.quantity ?? 0;
	put(withOneMore(basket.value, product), productId, quantity + 1);
}

export function setQuantity(productId: string, quantity: number): void {
	put(withQuantity(basket.value, productId, quantity), productId, quantity);
}

/** As much as the server takes; that it is less than what was wanted is said. */
function put(next: Basket, productId: string, wanted: number): void {
	const quantity = next.lines.find((line) => line.productId === productId)?.quantity ?? 0;
	if (quantity < wanted) toast(basketMaxText(), "danger");
	basket.value = next;
}

export const basketMaxText = (): string => t().basketMax(LINES_MAX, number(QUANTITY_MAX), credit(AMOUNT_MAX));

/** It is sold, or waits. */
export function clear(): void {
	basket.value = emptyBasket;
	changes.value = [];
}

/** Nobody wants it; until something else is put in it can be had back. */
export function empty(): void {
	const before = basket.value;
	clear();
	emptied.value = before;
}

export function restore(): void {
	const before = emptied.value;
	if (before && isEmpty.value) take(before, repriced(before, byId.value));
}

/** Lets the next customer go first, and says whether that could be done. */
export function park(): void {
	if (isEmpty.value) return;
	const isFull = parked.value.length >= PARKED_MAX;
	if (!isFull) setAside();
	toast(isFull ? t().parkedMax(PARKED_MAX) : t().parkedText, isFull ? "danger" : "plain");
}

function setAside(): void {
	if (isEmpty.value) return;
	parked.value = [{ id: crypto.randomUUID(), atMs: Date.now(), basket: basket.value }, ...parked.value];
	clear();
}

/** What is in the basket now is parked instead. */
export function resume(id: string): void {
	const order = parked.value.find((each) => each.id === id);
	if (!order) return;
	discard(id);
	setAside();
	take(order.basket, repriced(order.basket, byId.value));
}

export function discard(id: string): void {
	parked.value = parked.value.filter((each) => each.id !== id);
}

/** Where it was: the newest first. */
export function parkAgain(order: Parked): void {
	parked.value = [...parked.value, order].sort((one, other) => other.atMs - one.atMs);
}

/** What comes from another tab is written there already. */
function write(name: string, value: unknown): void {
	if (!isHeard) localStorage.setItem(name, JSON.stringify(value));
}

function read<T>(name: string): T | undefined {
	try {
		return JSON.parse(localStorage.getItem(name) ?? "") as T;
	} catch {
		return undefined;
	}
}
