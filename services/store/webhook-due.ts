import { setImmediate } from "node:timers/promises";
import type { Documents } from "../../mixins/database.ts";
import { type Delivery, dueAfter, dueOf, type Place } from "./webhook-delivery.ts";
import type { Places } from "./webhook-places.ts";

const PAGE = 100;
/** What is written late, or by a slower clock, is not overlooked. */
const LATE_MS = 10_000;
/** A page of what was passed is looked at again so often: what was overlooked for a reason that nobody has thought of is found as well. */
const AGAIN_EVERY_MS = 1_000;
const TOP: Place = { dueAtMs: 0, _id: "" };

/**
 * Finds what is due and has a place, and does not read again and again what has none: of a receiver that is silent for a day a hundred
 * thousand deliveries may be due. Each of them is passed once, in the order in which they are due; whose there were among them is known,
 * and theirs are asked for when they have a place.
 */
export class DueDeliveries {
	readonly #deliveries: Documents<Delivery>;
	readonly #places: Places;
	readonly #behind = new Map<string, Pick<Delivery, "webhookId" | "storeId" | "ownerId">>();
	#passed = TOP;
	#again = TOP;
	#againAtMs = 0;

	constructor(deliveries: Documents<Delivery>, places: Places) {
		this.#deliveries = deliveries;
		this.#places = places;
	}

	/** Those that are to be sent now. Each has taken its place, which whoever sends it gives back. */
	async *next(nowMs: number): AsyncGenerator<Delivery> {
		yield* this.#fromBehind(nowMs);
		if (this.#passed.dueAtMs > nowMs - LATE_MS) this.#passed = { dueAtMs: nowMs - LATE_MS, _id: "" };
		for (let isAll = false; !isAll && this.#places.free > 0; ) {
			const page = await dueAfter(this.#deliveries, { after: this.#passed, nowMs, limit: PAGE });
			for (const delivery of page) {
				this.#passed = delivery;
				yield* this.#placed(delivery);
			}
			isAll = page.length < PAGE;
			// An embedded database answers without letting anybody else in.
			await setImmediate();
		}
		yield* this.#overlooked(nowMs);
	}

	async *#overlooked(nowMs: number): AsyncGenerator<Delivery> {
		if (nowMs - this.#againAtMs < AGAIN_EVERY_MS) return;
		this.#againAtMs = nowMs;
		const page = await dueAfter(this.#deliveries, { after: this.#again, nowMs, limit: PAGE });
		this.#again = (page.length === PAGE && page.at(-1)) || TOP;
		for (const delivery of page) yield* this.#placed(delivery);
	}

	*#placed(delivery: Delivery): Generator<Delivery> {
		if (this.#places.take(delivery)) yield delivery;
		else this.#leaveBehind(delivery);
	}

	async *#fromBehind(nowMs: number): AsyncGenerator<Delivery> {
		for (const named of [...this.#behind.values()]) {
			const limit = this.#places.roomFor(named);
			if (limit === 0) continue;
			const due = await dueOf(this.#deliveries, { webhookId: named.webhookId, nowMs, limit });
			// Behind the others now, so that all have their turn.
			this.#behind.delete(named.webhookId);
			if (due.length > 0) this.#leaveBehind(named);
			for (const delivery of due) if (this.#places.take(delivery)) yield delivery;
		}
	}

	#leaveBehind({ webhookId, storeId, ownerId }: Pick<Delivery, "webhookId" | "storeId" | "ownerId">): void {
		if (!this.#behind.has(webhookId)) this.#behind.set(webhookId, { webhookId, storeId, ownerId });
	}
}
