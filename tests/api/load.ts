import assert from "node:assert/strict";
import { Client, newKey } from "./client.ts";
import type { Answer } from "./contract.ts";
import { newCode, newPerson, newShop, type Person, type Shop } from "./people.ts";

/** What a client made up its mind to do, written down before the first byte is sent. */
export type Intent = {
	readonly kind: "charge" | "send" | "sale";
	readonly key: string;
	readonly amount: number;
	/** The accounts in the ledger. */
	readonly from: string;
	readonly to: string;
	/** The request, ready to be repeated. */
	readonly send: (at: Clients) => Promise<Answer<unknown>>;
	/** Where to ask what became of it. */
	readonly ask: (at: Clients) => Promise<Answer<unknown>>;
	/** The answer, if one came. */
	answer?: Answer<unknown>;
};

/** Two people and a shop, as seen by clients of the process that runs now. */
export type Clients = { readonly ada: Person; readonly bob: Person; readonly shop: Shop };

/** A generator of numbers from 0 to 1 that a seed repeats (mulberry32). */
export function randomOf(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
	};
}

export async function newClients(publicUrl: string): Promise<Clients> {
	const anyone = new Client(publicUrl, null);
	const ada = await newPerson(anyone, { name: "Ada", credit: 1_000_000 });
	const bob = await newPerson(anyone, { name: "Bob", credit: 1_000_000 });
	return { ada, bob, shop: await newShop(ada, { prices: [7] }) };
}

/** The same people and tokens at another address. */
export function movedTo(publicUrl: string, { ada, bob, shop }: Clients): Clients {
	ada.api.close();
	const anyone = new Client(publicUrl, null);
	const moved = (person: Person): Person => ({
		...person,
		api: anyone.from(person.prover, person.accessToken),
	});
	const owner = moved(ada);
	return { ada: owner, bob: moved(bob), shop: { ...shop, owner } };
}

function newCharge({ bob }: Clients, amount: number): Intent {
	const key = newKey();
	return {
		...{ kind: "charge", key, amount, from: "system:funding", to: bob.wallet },
		send: (at) => at.bob.api.call("user.charge", { idempotencyKey: key, amount }),
		ask: (at) => at.bob.api.call("user.getCharge", { id: key }),
	};
}

function newTransfer({ ada, bob }: Clients, amount: number): Intent {
	const key = newKey();
	return {
		...{ kind: "send", key, amount, from: bob.wallet, to: ada.wallet },
		send: (at) => at.bob.api.call("user.send", { idempotencyKey: key, to: ada.handle, amount }),
		ask: (at) => at.bob.api.call("user.getTransfer", { id: key }),
	};
}

async function newSale({ bob, shop }: Clients, quantity: number): Promise<Intent> {
	const key = newKey();
	const productId = shop.products[0]?.id ?? assert.fail();
	const said = { storeId: shop.id, idempotencyKey: key, code: await newCode(bob), items: [{ productId, quantity }] };
	return {
		...{ kind: "sale", key, amount: 7 * quantity, from: bob.wallet, to: shop.account },
		send: (at) => at.shop.owner.api.call("store.sell", said),
		ask: (at) => at.shop.owner.api.call("store.getSale", { storeId: shop.id, saleId: key }),
	};
}

async function nextIntent(clients: Clients, random: () => number): Promise<Intent> {
	const amount = 1 + Math.floor(random() * 50);
	const kind = random();
	if (kind < 0.35) return newCharge(clients, amount);
	return kind < 0.65 ? newTransfer(clients, amount) : newSale(clients, 1 + (amount % 5));
}

/**
 * Charges, sends and sells until a request is not answered: then the process is gone, or going. Every intent is in the list
 * before it is sent.
 */
export async function work(clients: Clients, intents: Intent[], random: () => number): Promise<void> {
	for (;;) {
		try {
			const intent = await nextIntent(clients, random);
			intents.push(intent);
			intent.answer = await intent.send(clients);
			if (intent.answer.status >= 500) return;
		} catch (error) {
			if (error instanceof assert.AssertionError && (error.actual as number) < 500) throw error;
			return;
		}
	}
}

type Booking = { readonly state: string; readonly transferId: string; readonly createdAtMs: number };
const bookingIn = ({ body }: Answer<unknown>) => body as Booking & { amount?: number; total?: number };

/** @throws AssertionError unless it is there as it was acknowledged */
export async function assertBooked(intent: Intent, at: Clients): Promise<void> {
	const what = `${intent.kind} ${intent.key} of ${intent.amount}`;
	const found = await intent.ask(at);
	assert.equal(found.status, 200, `${what} was acknowledged and is lost: ${found.text}`);
	const { state, transferId, createdAtMs, amount, total } = bookingIn(found);
	assert.deepEqual({ state, amount: amount ?? total }, { state: "posted", amount: intent.amount }, what);
	const acknowledged = intent.answer && bookingIn(intent.answer);
	if (!acknowledged) return;
	assert.deepEqual([transferId, createdAtMs], [acknowledged.transferId, acknowledged.createdAtMs], what);
}

/** Finds out what became of a request that was not answered; if it never arrived, sends it again. */
export async function resolve(intent: Intent, at: Clients): Promise<"had arrived" | "sent again"> {
	const found = await intent.ask(at);
	const had = found.status === 200;
	const what = `${intent.kind} ${intent.key} of ${intent.amount}`;
	assert.ok(had || found.status === 404, `${what}: ${found.status} ${found.text}`);
	const first = await intent.send(at);
	assert.equal(first.status, 201, `${what} sent again: ${first.text}`);
	assert.equal(first.headers["idempotent-replayed"], had ? "true" : undefined, what);
	const second = await intent.send(at);
	assert.deepEqual([second.status, second.body], [201, first.body], what);
	assert.equal(second.headers["idempotent-replayed"], "true", what);
	intent.answer = first;
	return had ? "had arrived" : "sent again";
}

/** What the accounts hold if exactly these were booked. */
export function balancesOf(intents: readonly Intent[]): Map<string, number> {
	const balances = new Map<string, number>();
	for (const { from, to, amount } of intents) {
		balances.set(from, (balances.get(from) ?? 0) - amount);
		balances.set(to, (balances.get(to) ?? 0) + amount);
	}
	return balances;
}

/** Does something for each, so many at a time. */
export async function forEach<T>(items: readonly T[], at: number, task: (item: T) => Promise<unknown>): Promise<void> {
	const left = items.values();
	const worker = async () => {
		for (const item of left) await task(item);
	};
	await Promise.all(Array.from({ length: at }, worker));
}
