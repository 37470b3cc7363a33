import { setImmediate } from "node:timers/promises";
import type { Collection as Described, Documents } from "../../mixins/database.ts";
import { isDuplicateKey } from "../../mixins/document-errors.ts";
import type { Params, Result } from "../actions.ts";
import { fail, failAt } from "../errors.ts";
import type { StoreEvent, WebhookEvent } from "./webhook-event.ts";
import type { Answered } from "./webhook-request.ts";

/** Longer than a request may take: whoever began it and does not end it has died, and another one begins it again. */
const LEASE_MS = 20_000;
const RETRY_AFTER_MAX_S = 3_600;
/** An owner looks at what went wrong within days; after that it is only in the statement. */
const KEPT_MS = 30 * 86_400_000;
const REPLAYS_MAX = 1_000;
/** Longer than one of so many takes. */
const REPLAY_MS = 60_000;
const FORGOTTEN_AT_ONCE = 50;

/** One event on its way to one webhook: at least once, whatever dies. */
export type Delivery = {
	/** `webhook.event`: nobody delivers the same twice because two have read the log. */
	readonly _id: string;
	readonly webhookId: string;
	readonly storeId: string;
	/** The store's. */
	readonly ownerId: string;
	readonly eventId: string;
	readonly type: WebhookEvent;
	readonly body: string;
	readonly state: "waiting" | "delivered" | "failed";
	readonly attempts: number;
	/** When it is to be sent, or, while somebody does, when they are given up. */
	readonly dueAtMs: number;
	readonly lastAtMs: number | null;
	readonly lastStatus: number | null;
	readonly lastError: string | null;
	readonly lastTookMs: number | null;
	readonly createdAtMs: number;
};

type Collection = Documents<Delivery>;

/** Of a busy shop there are a hundred thousand for one webhook: whichever of them are asked for, the index knows where they are. */
export const DELIVERIES: Described = {
	collection: "deliveries",
	indexes: [
		{ fields: ["state", "dueAtMs"] },
		{ fields: ["webhookId", "eventId"] },
		{ fields: ["webhookId", "state", "eventId"] },
		{ fields: ["webhookId", "state", "dueAtMs"] },
		{ fields: ["webhookId", "createdAtMs"] },
		{ fields: ["webhookId", "state", "createdAtMs"] },
		{ fields: ["createdAtMs"] },
	],
};

/** Done again it changes nothing. */
export async function enqueue(
	deliveries: Collection,
	event: StoreEvent,
	{ webhookId, ownerId, nowMs }: { webhookId: string; ownerId: string; nowMs: number },
): Promise<void> {
	const { id: eventId, type, storeId, body } = event;
	try {
		await deliveries.insert({
			_id: `${webhookId}.${eventId}`,
			...{ webhookId, storeId, ownerId, eventId, type, body },
			...{ state: "waiting", attempts: 0, dueAtMs: nowMs, createdAtMs: nowMs },
			...{ lastAtMs: null, lastStatus: null, lastError: null, lastTookMs: null },
		});
	} catch (error) {
		if (!isDuplicateKey(error)) throw error;
	}
}

/** In the order in which deliveries are due. */
export type Place = Pick<Delivery, "dueAtMs" | "_id">;

/** Those that are to be sent now and come behind a place, the longest due first. */
export async function dueAfter(
	deliveries: Collection,
	{ after: { dueAtMs, _id }, nowMs, limit }: { after: Place; nowMs: number; limit: number },
): Promise<Delivery[]> {
	// Two questions that each are a part of the index. With an "or" it would be read from its begin.
	const state = "waiting";
	const found = await deliveries.find({ query: { state, dueAtMs, _id: { $gt: _id } }, sort: "_id", limit });
	if (found.length === limit) return found;
	const query = { state, dueAtMs: { $gt: dueAtMs, $lte: nowMs } } as const;
	return [...found, ...(await deliveries.find({ query, sort: "dueAtMs", limit: limit - found.length }))];
}

/** Those of one webhook that are to be sent now, the longest due first. */
export const dueOf = (
	deliveries: Collection,
	{ webhookId, nowMs, limit }: { webhookId: string; nowMs: number; limit: number },
): Promise<Delivery[]> =>
	deliveries.find({ query: { webhookId, state: "waiting", dueAtMs: { $lte: nowMs } }, sort: "dueAtMs", limit });

/** @returns as it is then, or nothing when another process was faster */
export async function claim(deliveries: Collection, delivery: Delivery, nowMs: number): Promise<Delivery | undefined> {
	const { _id, dueAtMs, attempts } = delivery;
	const claimed = { dueAtMs: nowMs + LEASE_MS, attempts: attempts + 1 };
	const isOurs = (await deliveries.updateMany({ _id, dueAtMs, state: "waiting" }, { $set: claimed })) === 1;
	return isOurs ? { ...delivery, ...claimed } : undefined;
}

/**
 * Writes down what came of it: received, to be sent again, or given up.
 *
 * @param retriesS after how long it is tried again, for each failure; when there is none left it has failed
 */
export async function settle(
	deliveries: Collection,
	{ _id, dueAtMs, attempts }: Delivery,
	{ answered, retriesS, nowMs }: { answered: Answered; retriesS: readonly number[]; nowMs: number },
): Promise<void> {
	const { status, error, retryAfterS, tookMs } = answered;
	const said = { lastAtMs: nowMs, lastStatus: status, lastError: error, lastTookMs: tookMs };
	const nextS = retriesS[attempts - 1];
	const next =
		error === null
			? { state: "delivered" as const }
			: nextS === undefined || status === 410
				? { state: "failed" as const }
				: { dueAtMs: nowMs + spread(Math.max(nextS, Math.min(retryAfterS ?? 0, RETRY_AFTER_MAX_S))) };
	await deliveries.updateMany({ _id, dueAtMs }, { $set: { ...said, ...next } });
}

/** So that those which failed together do not come back together. */
const spread = (seconds: number): number => Math.round(seconds * 1_000 * (0.9 + Math.random() * 0.2));

/** It was broken off before anybody could answer: that is no attempt, and somebody else goes on at once. */
export async function putBack(
	deliveries: Collection,
	{ _id, dueAtMs, attempts }: Delivery,
	nowMs: number,
): Promise<void> {
	await deliveries.updateMany({ _id, dueAtMs }, { $set: { dueAtMs: nowMs, attempts: attempts - 1 } });
}

export async function listDeliveries(deliveries: Collection, asked: Params<"store.listDeliveries">) {
	const { webhookId, storeId, limit = 20, cursor, state } = asked;
	const before = cursor && eventIdIn(cursor);
	const query = { webhookId, storeId, ...(state && { state }), ...(before && { eventId: { $lt: before } }) };
	const found = await deliveries.find({ query, sort: "-eventId", limit: limit + 1 });
	const items = found.slice(0, limit).map(view);
	const last = found.length > limit ? items.at(-1) : undefined;
	return { items, nextCursor: last ? Buffer.from(last.id).toString("base64url") : null };
}

/** @throws validation_failed */
function eventIdIn(cursor: string): string {
	const eventId = Buffer.from(cursor, "base64url").toString();
	if (/^evt_\d{15}_\d{5}$/.test(eventId)) return eventId;
	throw failAt("cursor", "is not a cursor of ours");
}

/** Sends one again, whether it was received or not. @throws not_found */
export async function replay(
	deliveries: Collection,
	{ deliveryId, ...named }: Params<"store.replayDelivery">,
	nowMs: number,
) {
	const again = { $set: anew(nowMs) };
	const _id = `${named.webhookId}.${deliveryId}`;
	if ((await deliveries.updateMany({ _id, storeId: named.storeId }, again)) === 0) throw fail("not_found");
	const delivery = await deliveries.findById(_id);
	if (!delivery) throw fail("not_found");
	return view(delivery);
}

/**
 * Sends again what was written down since, oldest first. That is dated by whoever writes it, whose clocks may differ; so in the order of these dates, not in
 * the log's: whoever goes on from the last date has them all.
 *
 * @returns how many there are, and whether that was as many as go at once
 */
export async function replaySince(
	deliveries: Collection,
	{ webhookId, storeId, fromMs, state }: Params<"store.replayDeliveries">,
	nowMs: number,
) {
	// What is about to be forgotten may be gone when it is to be changed, and then nothing is.
	const keptFromMs = nowMs - KEPT_MS + REPLAY_MS;
	const createdAtMs = { $gte: Math.max(fromMs, keptFromMs) };
	const query = { webhookId, storeId, createdAtMs, ...(state && { state }) };
	const found = await deliveries.find({ query, sort: "createdAtMs", limit: REPLAYS_MAX });
	await deliveries.writeMany(found.map(({ _id }, index) => ({ update: { _id }, set: anew(nowMs + index) })));
	return { count: found.length, isAll: found.length < REPLAYS_MAX };
}

const anew = (nowMs: number) => ({ state: "waiting" as const, attempts: 0, dueAtMs: nowMs });

/** A few at a time: payments are written beside it. */
export async function forgetOld(deliveries: Collection, nowMs: number, isOver: () => boolean): Promise<void> {
	const query = { createdAtMs: { $lt: nowMs - KEPT_MS } };
	while (!isOver()) {
		const old = await deliveries.find({ query, sort: "createdAtMs", limit: FORGOTTEN_AT_ONCE });
		const last = old.at(-1);
		if (last) await deliveries.removeMany({ createdAtMs: { $lte: last.createdAtMs } });
		if (old.length < FORGOTTEN_AT_ONCE) return;
		// An embedded database answers without letting anybody else in.
		await setImmediate();
	}
}

function view(delivery: Delivery): Result<"store.listDeliveries">["items"][number] {
	const { eventId: id, type, state, attempts, dueAtMs, createdAtMs } = delivery;
	const { lastAtMs, lastStatus, lastError, lastTookMs, body } = delivery;
	const nextAtMs = state === "waiting" ? dueAtMs : null;
	return { id, type, state, attempts, nextAtMs, lastAtMs, lastStatus, lastError, lastTookMs, createdAtMs, body };
}
