import { randomUUID } from "node:crypto";
import type { ActionSchema, Context, Service } from "moleculer";
import { documents } from "../../mixins/database.ts";
import { action, type Meta } from "../actions.ts";
import type { Entered } from "./counter.ts";
import { storeActions } from "./store.actions.ts";
import {
	addWebhook,
	editWebhook,
	listWebhooks,
	type Policy,
	removeWebhook,
	rotateSecret,
	secretsOf,
	type Webhook,
	webhookIn,
	webhookOn,
} from "./webhook.ts";
import { type Delivery, listDeliveries, replay, replaySince } from "./webhook-delivery.ts";
import type { WebhookOutbox } from "./webhook-outbox.ts";
import { send } from "./webhook-request.ts";

/** Somebody waits for it at a screen, and the gateway for three seconds. */
const PING_TIMEOUT_MS = 2_000;

const webhooksOf = (service: Service) => documents<Webhook>(service, "webhooks");
const deliveriesOf = (service: Service) => documents<Delivery>(service, "deliveries");

type Enter = (service: Service, ctx: Context<{ storeId: string }, Meta>) => Promise<Entered>;
type Parts = { readonly policy: Policy; readonly outbox: WebhookOutbox; readonly clock: () => number };

/** What the owner of a store can do with its webhooks. */
export const webhookActions = (enter: Enter, partsOf: (service: Service) => Parts): Record<string, ActionSchema> => ({
	createWebhook: action("published", storeActions.createWebhook, async function (ctx) {
		await enter(this, ctx);
		const { policy, outbox, clock } = partsOf(this);
		const made = await addWebhook(webhooksOf(this), ctx.params, { ...policy, nowMs: clock() });
		outbox.look();
		return made;
	}),

	listWebhooks: action("published", storeActions.listWebhooks, async function (ctx) {
		await enter(this, ctx);
		return { items: await listWebhooks(webhooksOf(this), ctx.params.storeId) };
	}),

	editWebhook: action("published", storeActions.editWebhook, async function (ctx) {
		await enter(this, ctx);
		return editWebhook(webhooksOf(this), ctx.params, partsOf(this).policy);
	}),

	removeWebhook: action("published", storeActions.removeWebhook, async function (ctx) {
		await enter(this, ctx);
		await removeWebhook(webhooksOf(this), ctx.params);
		return {};
	}),

	rotateWebhookSecret: action("published", storeActions.rotateWebhookSecret, async function (ctx) {
		await enter(this, ctx);
		const { policy, clock } = partsOf(this);
		return rotateSecret(webhooksOf(this), ctx.params, { ...policy, nowMs: clock() });
	}),

	pingWebhook: action("published", storeActions.pingWebhook, async function (ctx) {
		await enter(this, ctx);
		const { storeId } = ctx.params;
		const webhook = await webhookIn(webhooksOf(this), ctx.params);
		const { policy, clock } = partsOf(this);
		const { platformSecret, anyTarget } = policy;
		const nowMs = clock();
		const id = `ping_${randomUUID()}`;
		const { status, error, tookMs } = await send({
			url: webhook.url,
			id,
			body: JSON.stringify({ id, type: "ping", occurredAtMs: nowMs, storeId, data: {} }),
			secrets: secretsOf(webhook, platformSecret, nowMs),
			anyTarget,
			signal: new AbortController().signal,
			timeoutMs: PING_TIMEOUT_MS,
		});
		return { status, error, tookMs };
	}),

	listDeliveries: action("published", storeActions.listDeliveries, async function (ctx) {
		await enter(this, ctx);
		await webhookIn(webhooksOf(this), ctx.params);
		return listDeliveries(deliveriesOf(this), ctx.params);
	}),

	replayDelivery: action("published", storeActions.replayDelivery, async function (ctx) {
		await enter(this, ctx);
		await webhookOn(webhooksOf(this), ctx.params);
		const { outbox, clock } = partsOf(this);
		const delivery = await replay(deliveriesOf(this), ctx.params, clock());
		outbox.look();
		return delivery;
	}),

	replayDeliveries: action("published", storeActions.replayDeliveries, async function (ctx) {
		await enter(this, ctx);
		await webhookOn(webhooksOf(this), ctx.params);
		const { outbox, clock } = partsOf(this);
		const replayed = await replaySince(deliveriesOf(this), ctx.params, clock());
		outbox.look();
		return replayed;
	}),
});
