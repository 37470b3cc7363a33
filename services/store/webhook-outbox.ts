import { LRUCache } from "lru-cache";
import type { ServiceBroker } from "moleculer";
import type { Documents } from "../../mixins/database.ts";
import { call, type Result } from "../actions.ts";
import type { Store } from "./counter.ts";
import { type Policy, secretsOf, type Webhook } from "./webhook.ts";
import { claim, type Delivery, enqueue, forgetOld, putBack, settle } from "./webhook-delivery.ts";
import { DueDeliveries } from "./webhook-due.ts";
import { eventOf, type StoreEvent, storeIn } from "./webhook-event.ts";
import { Places } from "./webhook-places.ts";
import { send } from "./webhook-request.ts";

/** So many stores a process knows to have webhooks: it is a matter of a second, see `hear`. */
const FOLLOWED_MAX = 10_000;
/** How long one process goes on reading the log before another one may. */
const LEASE_MS = 5_000;
const LOOK_MS = 1_000;
const CLEAN_EVERY_MS = 3_600_000;

/** How far the log is read, and who reads it. There is one. */
export type Outbox = {
	readonly _id: "webhooks";
	readonly cursor: string;
	readonly reader: string;
	readonly leaseUntilMs: number;
};

export type OutboxParts = {
	readonly stores: Documents<Store>;
	readonly webhooks: Documents<Webhook>;
	readonly deliveries: Documents<Delivery>;
	readonly outbox: Documents<Outbox>;
	readonly broker: ServiceBroker;
	readonly policy: Policy;
	readonly retriesS: readonly number[];
	/** One for all processes: when a delivery is due, and until when somebody has taken it on, is said by one and judged by another. */
	readonly clock: () => number;
	readonly onFailed: (error: unknown) => void;
};

/**
 * Tells webhooks what happens, from the ledger's log. One process at a time reads the log and writes a delivery for each webhook that is to
 * be told, then how far it has read; all send what is due. Whoever dies after any step leaves what another one can go on from: the
 * deliveries' ids come from the log, so reading a part of it again makes none twice, and a delivery whose sender is silent is sent again.
 * So a receiver hears everything at least once, and knows by the id what it has heard.
 */
export class WebhookOutbox {
	readonly #parts: OutboxParts;
	readonly #stopping = new AbortController();
	readonly #sending = new Set<Promise<void>>();
	readonly #places = new Places();
	readonly #due: DueDeliveries;
	readonly #timer: NodeJS.Timeout;
	/** Accounts of stores that somebody is told of, as the last pages showed it. */
	readonly #followed = new LRUCache<string, true>({ max: FOLLOWED_MAX });
	/** Whether anybody is told of anything at all. */
	#isNeeded = false;
	#working: Promise<void> | null = null;
	#isAgain = false;
	#cleanedAtMs = 0;
	#cleaning = Promise.resolve();

	private constructor(parts: OutboxParts) {
		this.#parts = parts;
		this.#due = new DueDeliveries(parts.deliveries, this.#places);
		this.#timer = setInterval(() => this.look(), LOOK_MS);
	}

	/** Before the first webhook can be made it is known from where on the log is read. */
	static async open(parts: OutboxParts): Promise<WebhookOutbox> {
		const { outbox, broker } = parts;
		if (!(await outbox.findById("webhooks"))) {
			const { cursor } = await call(broker, "credit.feed", {});
			const first = { _id: "webhooks" as const, cursor, reader: broker.nodeID, leaseUntilMs: 0 };
			await outbox.insert(first).catch(async (error: unknown) => {
				if (!(await outbox.findById("webhooks"))) throw error;
			});
		}
		return new WebhookOutbox(parts);
	}

	/** Something happened on these accounts: where somebody is told of it, that is done at once; what is not known here is seen within `LOOK_MS`. */
	hear(accountIds: readonly string[]): void {
		if (accountIds.some((id) => this.#followed.has(id))) this.look();
	}

	/** Looks for what is to be told and sent. */
	look(): void {
		this.#isAgain = true;
		this.#working ??= this.#work().finally(() => {
			this.#working = null;
		});
	}

	/** Breaks off what is on its way: others send it. */
	async stop(): Promise<void> {
		clearInterval(this.#timer);
		this.#stopping.abort();
		await this.#working;
		await this.#cleaning;
		await Promise.all(this.#sending);
	}

	async #work(): Promise<void> {
		while (this.#isAgain && !this.#stopping.signal.aborted) {
			this.#isAgain = false;
			try {
				await this.#follow();
				await this.#send();
			} catch (error) {
				this.#parts.onFailed(error);
			}
		}
	}

	/** Reads on in the log, if it is this process' turn. */
	async #follow(): Promise<void> {
		const { broker, webhooks, deliveries, onFailed } = this.#parts;
		for (let known = await this.#lease(); known; ) {
			const isRead = this.#isNeeded;
			// While nobody is told of anything, nothing is read: only where the log ends.
			const page = await call(broker, "credit.feed", isRead ? { after: known.cursor } : {});
			// After the page: a webhook that is made from now on is told of what comes after it, and nothing in between is left out.
			this.#isNeeded = (await webhooks.findOne({ enabled: true })) !== null;
			if (this.#isNeeded && !isRead) continue;
			await this.#enqueue(page.items);
			known = await this.#moveOn(known, page.cursor);
			if (page.isAll) break;
		}
		const nowMs = this.#parts.clock();
		if (nowMs - this.#cleanedAtMs < CLEAN_EVERY_MS) return;
		this.#cleanedAtMs = nowMs;
		// Beside the telling, which does not wait for it; the one before may be still at it.
		this.#cleaning = this.#cleaning
			.then(() => forgetOld(deliveries, nowMs, () => this.#stopping.signal.aborted))
			.catch(onFailed);
	}

	async #enqueue(items: Result<"credit.feed">["items"]): Promise<void> {
		const nowMs = this.#parts.clock();
		const hooksOf = await this.#enabledIn(new Set(items.flatMap((item) => storeIn(item) ?? [])));
		const stores = hooksOf.size > 0 ? await this.#parts.stores.findByIds([...hooksOf.keys()]) : [];
		const ownerOf = new Map(stores.map(({ _id, ownerId }) => [_id, ownerId]));
		await Promise.all(
			items.flatMap((item) => {
				const hooks = hooksOf.get(storeIn(item) ?? "");
				const event = hooks && eventOf(item);
				const told = (event && hooks.filter(({ events }) => events.includes(event.type))) ?? [];
				return told.map(({ _id: webhookId, storeId }) => {
					const to = { webhookId, ownerId: ownerOf.get(storeId) as string, nowMs };
					return enqueue(this.#parts.deliveries, event as StoreEvent, to);
				});
			}),
		);
	}

	/** By store. Only of those that a page names: all together may be more than fit into any list. */
	async #enabledIn(storeIds: ReadonlySet<string>): Promise<Map<string, Webhook[]>> {
		if (storeIds.size === 0) return new Map();
		const found = await this.#parts.webhooks.find({ query: { storeId: { $in: [...storeIds] } } });
		// Here and not in the query, whose index would be that of all which are enabled.
		const hooksOf = Map.groupBy(
			found.filter(({ enabled }) => enabled),
			({ storeId }) => storeId,
		);
		for (const storeId of storeIds) {
			if (hooksOf.has(storeId)) this.#followed.set(`store:${storeId}`, true);
			else this.#followed.delete(`store:${storeId}`);
		}
		return hooksOf;
	}

	/** @returns how far it was read, if it is this process that reads on */
	async #lease(): Promise<Outbox | undefined> {
		const { outbox, broker } = this.#parts;
		const nowMs = this.#parts.clock();
		const lease = { reader: broker.nodeID, leaseUntilMs: nowMs + LEASE_MS };
		const known = await outbox.findById("webhooks");
		if (!known) throw new Error("how far the log was read for webhooks is not known any more");
		const { reader, leaseUntilMs } = known;
		// One for longer than any is by a clock that is wrong, and whoever had that may be gone.
		const isHeld = leaseUntilMs > nowMs && leaseUntilMs <= nowMs + 2 * LEASE_MS;
		if (reader !== broker.nodeID && isHeld) return undefined;
		// Its own is renewed before it ends.
		if (reader === broker.nodeID && leaseUntilMs - nowMs > LEASE_MS / 2) return known;
		const isOurs = (await outbox.updateMany({ _id: "webhooks", reader, leaseUntilMs }, { $set: lease })) === 1;
		return isOurs ? { ...known, ...lease } : undefined;
	}

	/** @returns nothing when somebody else has read on meanwhile */
	async #moveOn(known: Outbox, cursor: string): Promise<Outbox | undefined> {
		if (cursor === known.cursor) return known;
		const { _id, cursor: before, reader } = known;
		const isOurs = (await this.#parts.outbox.updateMany({ _id, cursor: before, reader }, { $set: { cursor } })) === 1;
		return isOurs ? { ...known, cursor } : undefined;
	}

	/** Begins to send what is due; does not wait for the answers. */
	async #send(): Promise<void> {
		for await (const delivery of this.#due.next(this.#parts.clock())) {
			if (this.#stopping.signal.aborted) break;
			this.#begin(delivery);
		}
	}

	#begin(delivery: Delivery): void {
		const sending: Promise<void> = this.#deliver(delivery)
			.catch(this.#parts.onFailed)
			.finally(() => {
				this.#sending.delete(sending);
				this.#places.giveBack(delivery);
				// Others may have waited for this one.
				if (!this.#stopping.signal.aborted) this.look();
			});
		this.#sending.add(sending);
	}

	async #deliver(delivery: Delivery): Promise<void> {
		const { deliveries, webhooks, policy, retriesS, clock } = this.#parts;
		const webhook = await webhooks.findById(delivery.webhookId);
		const claimed = await claim(deliveries, delivery, clock());
		if (!claimed) return;
		if (!webhook?.enabled) {
			const answered = { status: null, error: "was switched off", retryAfterS: null, tookMs: 0 };
			return settle(deliveries, claimed, { answered, retriesS: [], nowMs: clock() });
		}
		const { signal } = this.#stopping;
		const { url } = webhook;
		const { eventId: id, body } = delivery;
		const secrets = secretsOf(webhook, policy.platformSecret, clock());
		const answered = await send({ url, id, body, secrets, signal, anyTarget: policy.anyTarget });
		if (signal.aborted && answered.error) return putBack(deliveries, claimed, clock());
		await settle(deliveries, claimed, { answered, retriesS, nowMs: clock() });
		if (answered.status !== 410) return;
		// Gone: nobody is there any more, says Standard Webhooks. Of another address that its owner has given it meanwhile that says nothing.
		const off = { enabled: false, disabledBecause: "answered 410" };
		await webhooks.updateMany({ _id: webhook._id, url, enabled: true }, { $set: off });
	}
}
