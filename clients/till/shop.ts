import { computed, effect, signal } from "@preact/signals";
import type { Answered, Result } from "../../services/actions.ts";
import { forget, keep, kept } from "../sdk/key-cabinet.ts";
import { pause } from "../sdk/pause.ts";
import type { Asking } from "../sdk/persistence.ts";
import type { Outcome, Problem } from "../sdk/problem.ts";
import type { Name, Said } from "../sdk/request.ts";
import { type Till, TillClient } from "../sdk/till-client.ts";
import type { WalletClient } from "../sdk/wallet-client.ts";
import type { Product } from "./basket.ts";

/** Who sells here: a paired till, or a person who works in the store. */
export type Seller = Pick<Till, "storeId" | "name" | "mayRefund" | "discountMaxPercent"> & {
	readonly storeName?: string;
};
type Store = Result<"store.get">;
type Kept = { readonly store: Store; readonly products: readonly Product[] };

const CATALOGUE = "till.catalogue";
const STAFF = "till.staff";
const TRY_EVERY_MS = 2_000;

let client: TillClient;
let person: WalletClient | undefined;
/** Who sells; nobody until a till is paired or somebody is logged in. */
export const till = signal<Seller | null>(null);
/** Sold by a person. */
export const isPerson = signal(false);
/** The owner has ended it, or the log-in is over. */
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
		await pause(TRY_EVERY_MS);
		await load();
	}
	isTrying = false;
}

export async function openTill(): Promise<void> {
	client = await TillClient.open();
	const staff = client.till ? undefined : await kept<Seller>(STAFF);
	if (staff) person = await openedPerson();
	isPerson.value = staff !== undefined;
	till.value = staff ?? client.till;
	if (!till.value) return;
	const before = await kept<Kept>(CATALOGUE);
	if (before?.store.id === till.value.storeId) show(before);
	void load();
}

/** As `TillClient.call`, in this till's store. */
export async function call<N extends Name>(name: N, said: Said<N>, asking: Asking = {}): Promise<Outcome<Answered<N>>> {
	const outcome = await (isPerson.value && person ? person : client).call(name, said, asking);
	// What was given up here says nothing of the network.
	if (!asking.signal?.aborted) isOnline.value = isAnswer(outcome);
	if (!outcome.ok && isEnd(outcome.problem)) isEnded.value = true;
	if (!isPerson.value && till.value !== client.till) till.value = client.till;
	return outcome;
}

/** What time it is for the platform: this device's own clock may be wrong. */
export const nowMs = (): number => (isPerson.value && person ? person : client).nowMs;

const isEnd = ({ code }: Problem): boolean => code === "unauthenticated" || code === "session_ended";

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

async function openedPerson(): Promise<WalletClient> {
	const { openPerson } = await import("./person.ts");
	return openPerson();
}

/** @returns the stores in which this person may sell */
export async function logInHere(said: Said<"auth.login">): Promise<Outcome<readonly Seller[]>> {
	person ??= await openedPerson();
	const { logIn } = await import("./person.ts");
	return logIn(person, said);
}

export async function sellAs(seller: Seller): Promise<void> {
	await keep(STAFF, seller);
	isEnded.value = false;
	isPerson.value = true;
	till.value = seller;
	void load();
}

/** Forgets who sold here. @returns why a person could not be logged out: then nothing is forgotten, and the wallet here is still open */
export async function unpair(): Promise<Problem | null> {
	const problem = isPerson.value && person ? await logOut(person) : null;
	if (problem) return problem;
	person = undefined;
	isPerson.value = false;
	await forget(STAFF);
	await client.unpair();
	isEnded.value = false;
	till.value = null;
	store.value = null;
	products.value = [];
	isLoading.value = true;
	return null;
}

async function logOut(somebody: WalletClient): Promise<Problem | null> {
	const outcome = await somebody.call("auth.logout", {});
	isOnline.value = isAnswer(outcome);
	if (outcome.ok) return null;
	if (!isEnd(outcome.problem)) return outcome.problem;
	// Whoever could not renew their token is refused in the same words as who has no session any more.
	const session = await somebody.resume();
	if (!session.ok) return session.problem;
	return session.value ? outcome.problem : null;
}

/** Gets what the store sells; what was there before stays until it has come. @returns why not */
export async function load(): Promise<Problem | null> {
	const storeId = till.value?.storeId;
	if (!storeId) return null;
	const said = { storeId };
	const found = await call("store.get", said);
	// Who does not work here any more is told so in these words.
	if (!found.ok && found.problem.code === "not_found") isEnded.value = true;
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
