import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServiceBroker } from "moleculer";
import { startPlatform } from "../main.ts";
import { documents } from "../mixins/database.ts";
import { readSettings } from "../moleculer.config.ts";
import { Client, OPERATOR_TOKEN, operatorAt, PUBLIC_ORIGIN } from "../tests/api/client.ts";
import { newPerson, newShop, type Person, type Shop } from "../tests/api/people.ts";
import { freePorts, secretsFor, unlimited } from "../tests/api/platform.ts";
import { checkInterrupted, own } from "./ending.ts";

// Two platforms in this process, one with little in it and one with much, and somebody who has most of it.

const AT_ONCE = 1_000;
const PAYERS = 1_000;
const PRODUCTS_MAX = 20_000;
const NOW_MS = Date.now();

export type Platform = { readonly broker: ServiceBroker; readonly anyone: Client; readonly operator: Client };
/** `busy` has a wallet with as many lines as the shop has sales. */
export type World = Platform & {
	readonly owner: Person;
	readonly shop: Shop;
	readonly busy: Person;
	readonly webhookId: string;
};

export async function startWith(lines: number, mongodbUri: string | undefined): Promise<World> {
	const platform = await start(mongodbUri);
	const { broker, anyone } = platform;
	const owner = await newPerson(anyone, { name: "Owner" });
	const busy = await newPerson(anyone, { name: "Busy", credit: 1 });
	const shop = await newShop(owner);
	await pay(broker, { shop, busy, lines });
	const event = { url: "https://192.0.2.1/", events: ["payout.posted" as const] };
	const { id: webhookId } = await owner.api.ok("store.createWebhook", { storeId: shop.id, ...event });
	await keep(broker, { shop, webhookId, lines });
	return { ...platform, owner, shop, busy, webhookId };
}

async function start(mongodbUri: string | undefined): Promise<Platform> {
	const dataDir = mkdtempSync(join(tmpdir(), "hannip-bench-"));
	await own(Promise.resolve(), () => rmSync(dataDir, { recursive: true, force: true }));
	const place = mongodbUri === undefined ? { DATA_DIR: dataDir } : { MONGODB_URI: mongodbUri };
	const env = { ...unlimited, ...freePorts, PUBLIC_ORIGIN, LOG_LEVEL: "error", ...secretsFor(place), ...place };
	const { broker, urls } = await own(startPlatform(readSettings(env)), ({ stop }) => stop());
	const operator = operatorAt(String(urls.internal), null, OPERATOR_TOKEN);
	return { broker, anyone: new Client(String(urls.public), null), operator };
}

/** Some at a time. */
async function inTurn(count: number, work: (from: number, count: number) => Promise<unknown>): Promise<void> {
	for (let from = 0; from < count; from += AT_ONCE) {
		checkInterrupted();
		await work(from, Math.min(AT_ONCE, count - from));
	}
}

type Paid = { readonly shop: Shop; readonly busy: Person; readonly lines: number };

/** Half of all lines are sales with five things each, and half go to somebody's wallet. */
async function pay(broker: ServiceBroker, { shop, busy, lines }: Paid): Promise<void> {
	const payers = Array.from({ length: PAYERS }, (_, n) => `wallet:u_${idAt(n)}`);
	const each = (count: number, work: (n: number) => Promise<unknown>) =>
		inTurn(count, (from, some) => Promise.all(Array.from({ length: some }, (_, n) => work(from + n))));
	const transfer = (parts: object) =>
		broker.call("credit.transfer", { id: `s_bench.${randomUUID()}`, fingerprint: "b".repeat(22), ...parts });
	await each(PAYERS, (n) => broker.call("credit.open", { accountId: payers[n], owner: "bench" }));
	const charge = { kind: "charge", debitAccountId: "system:funding", amount: 1_000_000_000, details: {} };
	await each(PAYERS, (n) => transfer({ ...charge, creditAccountId: payers[n] }));
	const item = { productId: String(shop.products[0]?.id), name: "Americano", unitPrice: 1, quantity: 1, amount: 1 };
	const receipt = { storeId: shop.id, storeName: "Shop", items: Array(5).fill(item), discount: 0, note: null };
	const sale = { kind: "sale", creditAccountId: shop.account, amount: 5, details: { ...receipt, soldBy: "bench" } };
	await each(lines, (n) => transfer({ ...sale, debitAccountId: payers[n % PAYERS] }));
	const gift = { kind: "p2p", creditAccountId: busy.wallet, amount: 1, details: { from: "A", to: "B", note: null } };
	await each(lines, (n) => transfer({ ...gift, debitAccountId: payers[n % PAYERS] }));
}

type Kept = { readonly shop: Shop; readonly webhookId: string; readonly lines: number };

async function keep(broker: ServiceBroker, { shop, webhookId, lines }: Kept): Promise<void> {
	const { id: storeId } = shop;
	const ownerId = shop.owner.userId;
	const into = (service: string, collection: string) =>
		documents<{ readonly _id: string }>(broker.getLocalService(service), collection);
	const fill = (service: string, collection: string, count: number, make: (n: number) => { readonly _id: string }) =>
		inTurn(count, (from, some) =>
			into(service, collection).insertMany(Array.from({ length: some }, (_, n) => make(from + n))),
		);
	const product = {
		storeId,
		name: "A product",
		category: "Things",
		price: 100,
		photoId: null,
		state: "active",
		version: 1,
	};
	const products = Math.min(PRODUCTS_MAX, lines) - 10;
	await fill("store", "products", products, (n) => ({ _id: `p_${idAt(n)}`, ...product, sku: `x${idAt(n)}` }));
	const sent = {
		storeId,
		ownerId,
		webhookId,
		type: "payout.posted",
		body: "x".repeat(600),
		state: "delivered",
		attempts: 1,
	};
	const last = { lastAtMs: NOW_MS, lastStatus: 200, lastError: null, lastTookMs: 5, dueAtMs: NOW_MS };
	await fill("store", "deliveries", lines / 2, (n) => {
		const eventId = `evt_${String(1e9 + n).padStart(15, "0")}_00000`;
		const createdAtMs = NOW_MS - 20 * 86_400_000 + n * 1_000;
		return { _id: `${webhookId}.${eventId}`, ...sent, ...last, eventId, createdAtMs };
	});
	const trust = { mayRefund: false, discountMaxPercent: 0 };
	const till = { storeId, name: "Till", publicJwk: {}, jkt: "", ...trust, pairedAtMs: 1, revokedAtMs: 2 };
	const devices = lines / 20;
	await fill("auth", "tills", devices, (n) => ({ _id: `t_${idAt(n)}`, ...till, pairing: `pairing ${n}` }));
	const invitation = { storeId, name: "Till", ...trust, expiresAtMs: NOW_MS + 600_000 };
	await fill("auth", "pairings", devices, (n) => ({ _id: `invitation ${n}`, ...invitation }));
}

const idAt = (n: number): string => String(n).padStart(16, "0");
