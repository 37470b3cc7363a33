import { computed, effect, signal } from "@preact/signals";
import type { Result } from "../../services/actions.ts";
import { keep, kept } from "../sdk/key-cabinet.ts";
import type { Asking } from "../sdk/persistence.ts";
import type { Outcome, Problem } from "../sdk/problem.ts";
import type { Name, Said } from "../sdk/request.ts";
import { type Till, TillClient } from "../sdk/till-client.ts";
import type { Product } from "./basket.ts";

type Store = Result<"store.get">;
type Kept = { readonly store: Store; readonly products: readonly Product[] };

const CATALOGUE = "till.catalogue";
const TRY_EVERY_MS = 2_000;

let client: TillClient;
/** Which till this is; none until it is paired. */
export const till = signal<Till | null>(null);
/** The owner has ended it. */
export const isEnded = signal(false);
export const store = signal<Store | null>(null);
export const products = signal<readonly Product[]>([]);
/** Until the products were there once. */
export const isLoading = signal(true);
/** Whether the platform answered when it was last asked; what the browser knows of its network is where that begins. */
export const isOnline = signal(navigator.onLine);
export const byId = computed(() => new Map(products.value.map((product) => [product.id, product])));
export const categories = computed(() => [...new Set(products.value.map(({ category }) => category))]);

addEventListener("online", () => {
	isOnline.value = true;
	void load();
});
addEventListener("offline", () => {
	isOnline.value = false;
});
effect(() => {
	if (!isOnline.value && till.value) void untilReached();
});

let isTrying = false;

async function untilReached(): Promise<void> {
	if (isTrying) return;
	isTrying = true;
	while (!isOnline.value && till.value) {
		await new Promise((resolve) => setTimeout(resolve, TRY_EVERY_MS));
		await load();
	}
	isTrying = false;
}

export async function openTill(): Promise<void> {
	client = await TillClient.open();
	till.value = client.till;
	if (!till.value) return;
	const before = await kept<Kept>(CATALOGUE);
	if (before?.store.id === till.value.storeId) show(before);
	void load();
}

/** As `TillClient.call`, in this till's store. */
export async function call<N extends Name>(name: N, said: Said<N>, asking: Asking = {}): Promise<Outcome<Result<N>>> {
	const outcome = await client.call(name, said, asking);
	// What was given up here says nothing of the network.
	if (!asking.signal?.aborted) isOnline.value = isAnswer(outcome);
	if (!outcome.ok && outcome.problem.code === "unauthenticated") isEnded.value = true;
	if (till.value !== client.till) till.value = client.till;
	return outcome;
}

const isAnswer = (outcome: Outcome<unknown>): boolean => outcome.ok || outcome.problem.status > 0;

/** @returns why not */
export async function pair(pairingCode: string): Promise<Problem | null> {
	const outcome = await client.pair(pairingCode);
	isOnline.value = isAnswer(outcome);
	if (!outcome.ok) return outcome.problem;
	isEnded.value = false;
	till.value = outcome.value;
	void load();
	return null;
}

export async function unpair(): Promise<void> {
	await client.unpair();
	isEnded.value = false;
	till.value = null;
	store.value = null;
	products.value = [];
	isLoading.value = true;
}

/** Gets what the store sells; what was there before stays until it has come. @returns why not */
export async function load(): Promise<Problem | null> {
	const storeId = till.value?.storeId;
	if (!storeId) return null;
	const said = { storeId };
	const found = await call("store.get", said);
	if (!found.ok) return found.problem;
	const all: Product[] = [];
	const query = { ...said, state: "active" as const, limit: 100 };
	for (let cursor: string | null = ""; cursor !== null; ) {
		const asked: typeof query & { cursor?: string } = cursor ? { ...query, cursor } : query;
		const page: Outcome<Result<"store.listProducts">> = await call("store.listProducts", asked);
		if (!page.ok) return page.problem;
		all.push(...page.value.items);
		cursor = page.value.nextCursor;
	}
	show({ store: found.value, products: all });
	await keep(CATALOGUE, { store: found.value, products: all } satisfies Kept);
	return null;
}

function show(found: Kept): void {
	store.value = found.store;
	products.value = found.products;
	isLoading.value = false;
}
