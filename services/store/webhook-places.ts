import type { Delivery } from "./webhook-delivery.ts";

/** On their way from one process. */
const PLACES = 256;
/** Of one webhook, and of one store: who answers slowly shall not be in everybody's way. */
const OF_WEBHOOK_MAX = 4;
const OF_STORE_MAX = 8;
/** Whoever owns the stores has at most so large a part of the places that are free. */
const OF_OWNER_PART = 16;

type Sent = Pick<Delivery, "_id" | "webhookId" | "storeId" | "ownerId">;

/**
 * Who may send at the same time. A bound for each owner alone would let a few of them who never answer take all; a bound by what is free
 * shrinks while they come, and leaves a place to whoever has none: "dynamic thresholds", Choudhury and Hahne 1998.
 */
export class Places {
	readonly #taken = new Set<string>();
	readonly #counts = new Map<string, number>();

	get free(): number {
		return PLACES - this.#taken.size;
	}

	/** How many more of this webhook's deliveries may go. */
	roomFor(sent: Omit<Sent, "_id">): number {
		const [webhook, store, owner] = keysOf(sent);
		const room = Math.min(
			OF_WEBHOOK_MAX - this.#count(webhook),
			OF_STORE_MAX - this.#count(store),
			Math.ceil(this.free / OF_OWNER_PART) - this.#count(owner),
		);
		return Math.max(0, room);
	}

	/** @returns whether it has a place now, and had none before */
	take(sent: Sent): boolean {
		if (this.#taken.has(sent._id) || this.roomFor(sent) === 0) return false;
		this.#taken.add(sent._id);
		for (const key of keysOf(sent)) this.#counts.set(key, this.#count(key) + 1);
		return true;
	}

	giveBack(sent: Sent): void {
		if (!this.#taken.delete(sent._id)) return;
		for (const key of keysOf(sent)) {
			const left = this.#count(key) - 1;
			if (left > 0) this.#counts.set(key, left);
			else this.#counts.delete(key);
		}
	}

	#count(key: string): number {
		return this.#counts.get(key) ?? 0;
	}
}

const keysOf = ({ webhookId, storeId, ownerId }: Omit<Sent, "_id">) =>
	[`webhook ${webhookId}`, `store ${storeId}`, `owner ${ownerId}`] as const;
