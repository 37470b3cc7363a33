import type { Documents } from "../../mixins/database.ts";
import { newId } from "../../mixins/new-id.ts";
import type { Params, Result } from "../actions.ts";
import { fail, failAt } from "../errors.ts";
import type { WebhookEvent } from "./webhook-event.ts";
import { secretOf } from "./webhook-request.ts";

const WEBHOOKS_PER_STORE_MAX = 10;
/** So long a receiver may go on with the secret before. */
const SECRET_OVERLAP_MS = 24 * 3_600_000;

export type Webhook = {
	readonly _id: string;
	readonly storeId: string;
	readonly url: string;
	readonly events: readonly WebhookEvent[];
	readonly description: string | null;
	readonly enabled: boolean;
	/** Why it was switched off, if that was not its owner. */
	readonly disabledBecause: string | null;
	/** Of its secret. */
	readonly generation: number;
	readonly rotatedAtMs: number;
	readonly createdAtMs: number;
};

type Collection = Documents<Webhook>;
type Named = { readonly storeId: string; readonly webhookId: string };

/** Whose secrets there are, and whom a webhook may reach. */
export type Policy = { readonly platformSecret: string; readonly anyTarget: boolean };

/** @throws validation_failed, too_many_webhooks */
export async function addWebhook(
	webhooks: Collection,
	{ storeId, url, events, description = null }: Params<"store.createWebhook">,
	{ platformSecret, anyTarget, nowMs }: Policy & { readonly nowMs: number },
): Promise<Result<"store.createWebhook">> {
	checkUrl(url, anyTarget);
	if ((await webhooks.count({ query: { storeId } })) >= WEBHOOKS_PER_STORE_MAX) throw fail("too_many_webhooks");
	const webhook = await webhooks.insert({
		_id: newId("w"),
		storeId,
		url,
		events: [...new Set(events)],
		description,
		enabled: true,
		disabledBecause: null,
		generation: 1,
		rotatedAtMs: 0,
		createdAtMs: nowMs,
	});
	return { ...view(webhook), secret: secretOf(platformSecret, webhook) };
}

export async function listWebhooks(webhooks: Collection, storeId: string) {
	const found = await webhooks.find({ query: { storeId }, sort: "createdAtMs", limit: WEBHOOKS_PER_STORE_MAX });
	return found.map(view);
}

/** @throws not_found */
export async function webhookIn(webhooks: Collection, { storeId, webhookId }: Named): Promise<Webhook> {
	const webhook = await webhooks.findOne({ _id: webhookId, storeId });
	if (!webhook) throw fail("not_found");
	return webhook;
}

/** One that is told of something. @throws not_found, webhook_off */
export async function webhookOn(webhooks: Collection, named: Named): Promise<void> {
	if (!(await webhookIn(webhooks, named)).enabled) throw fail("webhook_off");
}

/** @throws not_found, validation_failed */
export async function editWebhook(
	webhooks: Collection,
	{ storeId, webhookId, ...changes }: Params<"store.editWebhook">,
	{ anyTarget }: Policy,
) {
	if (changes.url !== undefined) checkUrl(changes.url, anyTarget);
	const { _id } = await webhookIn(webhooks, { storeId, webhookId });
	// Whoever switches it on again has mended what was wrong.
	const edited = await webhooks.updateById(_id, {
		$set: { ...changes, ...(changes.enabled !== undefined && { disabledBecause: null }) },
	});
	if (!edited) throw fail("not_found");
	return view(edited);
}

/** @throws not_found */
export async function removeWebhook(webhooks: Collection, named: Named): Promise<void> {
	const { _id } = await webhookIn(webhooks, named);
	await webhooks.removeById(_id);
}

/** A new secret; what is sent within the next day is signed with the one before as well. @throws not_found, secret_rotated_recently */
export async function rotateSecret(
	webhooks: Collection,
	named: Named,
	{ platformSecret, nowMs }: Policy & { readonly nowMs: number },
) {
	const { _id, generation, rotatedAtMs } = await webhookIn(webhooks, named);
	const untilMs = rotatedAtMs + SECRET_OVERLAP_MS;
	// A third one would end the first before its day was over.
	if (untilMs > nowMs) {
		const retryAfterS = Math.ceil((untilMs - nowMs) / 1_000);
		throw fail("secret_rotated_recently", undefined, { retryAfterS });
	}
	const next = { generation: generation + 1, rotatedAtMs: nowMs };
	if ((await webhooks.updateMany({ _id, generation }, { $set: next })) === 0)
		throw fail("secret_rotated_recently", undefined, { retryAfterS: SECRET_OVERLAP_MS / 1_000 });
	return {
		secret: secretOf(platformSecret, { _id, generation: next.generation }),
		previousUntilMs: nowMs + SECRET_OVERLAP_MS,
	};
}

/** With which what is sent now is signed: the newest first. */
export function secretsOf({ _id, generation, rotatedAtMs }: Webhook, platformSecret: string, nowMs: number): string[] {
	const isOverlap = rotatedAtMs + SECRET_OVERLAP_MS > nowMs;
	return (isOverlap ? [generation, generation - 1] : [generation]).map((each) =>
		secretOf(platformSecret, { _id, generation: each }),
	);
}

/** Whether its address is really one that may be called is found out when it is called. @throws validation_failed */
function checkUrl(text: string, anyTarget: boolean): void {
	const url = URL.canParse(text) ? new URL(text) : null;
	if (!url || !["https:", "http:"].includes(url.protocol))
		throw failAt("url", "is not an address such as https://shop.example/hook");
	if (url.protocol !== "https:" && !anyTarget) throw failAt("url", "must begin with https://");
	if (url.username || url.password) throw failAt("url", "must not have a name or password in it");
	if (url.hash) throw failAt("url", "must not have a # in it");
}

export const view = (webhook: Webhook): Result<"store.listWebhooks">["items"][number] => {
	const { _id: id, url, events, description, enabled, disabledBecause, createdAtMs } = webhook;
	return { id, url, events: [...events], description, enabled, disabledBecause, createdAtMs };
};
