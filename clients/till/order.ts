import { computed, effect, signal } from "@preact/signals";
import {
	type Basket,
	type Change,
	changesBetween,
	emptyBasket,
	repriced,
	withOneMore,
	withQuantity,
} from "./basket.ts";
import { byId, isLoading } from "./shop.ts";

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

let isHeard = false;

effect(() => write(BASKET, basket.value));
effect(() => write(PARKED, parked.value));
effect(() => write(CHANGES, changes.value));
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
	if (product) basket.value = withOneMore(basket.value, product);
}

export function setQuantity(productId: string, quantity: number): void {
	basket.value = withQuantity(basket.value, productId, quantity);
}

export function clear(): void {
	basket.value = emptyBasket;
	changes.value = [];
}

/** Lets the next customer go first. */
export function park(): void {
	if (isEmpty.value) return;
	const order = { id: crypto.randomUUID(), atMs: Date.now(), basket: basket.value };
	parked.value = [order, ...parked.value].slice(0, PARKED_MAX);
	clear();
}

/** What is in the basket now is parked instead. */
export function resume(id: string): void {
	const order = parked.value.find((each) => each.id === id);
	if (!order) return;
	parked.value = parked.value.filter((each) => each.id !== id);
	park();
	take(order.basket, repriced(order.basket, byId.value));
}

export function discard(id: string): void {
	parked.value = parked.value.filter((each) => each.id !== id);
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
