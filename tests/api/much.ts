import assert from "node:assert/strict";
import type { Documents } from "../../mixins/database.ts";
import { newKey } from "./client.ts";
import { newPerson, newShop, type Person, type Shop, sell } from "./people.ts";
import { isApart, type TestPlatform } from "./platform.ts";

// Somebody with much of everything, and every way to read of it: for tests of what is looked at for it.

/** Of everything, of one person and one store. */
const MANY = 300;
/** A page of a statement of one kind of transfers. */
const PAGE_LOOKS_AT = 1_000;
const OLD_MS = 1_700_000_000_000;
const LONG_AGO = { fromMs: 1, toMs: 2 };

export type Asked = {
	readonly name: string;
	readonly ask: () => Promise<unknown>;
	/** Where the index does not know all that is asked for, a page looks at so many and no more. */
	readonly lookedMax?: number;
};

export type World = Awaited<ReturnType<typeof fill>>;

export async function fill({ broker, anyone, operator }: TestPlatform) {
	assert.ok(!isApart);
	const ada = await newPerson(anyone, { name: "Ada" });
	const bob = await newPerson(anyone, { name: "Bob", credit: 1_000_000 });
	const shop = await newShop(ada);
	const sale = await sell(shop, bob, newKey());
	await fillLedger(broker, { bob, shop });
	const otherShop = await newShop(ada);
	const refunded = await sell(otherShop, bob, newKey());
	await fillRefunds(broker, refunded);
	await fillDocuments(broker, { ada, bob, shop });
	const made = { url: "https://192.0.2.1/", events: ["payout.posted"] } as const;
	const { id: webhookId } = await ada.api.ok("store.createWebhook", {
		storeId: shop.id,
		...made,
		events: [...made.events],
	});
	await documentsOf(broker, "store", "deliveries").insertMany(
		many((n) => ({
			...delivery(n),
			_id: `${webhookId}.${eventId(n)}`,
			webhookId,
			storeId: shop.id,
			ownerId: ada.userId,
		})),
	);
	for (const _ of many(() => 0).slice(0, 20))
		await operator.ok("operator.adjust", { accountId: bob.wallet, direction: "give", amount: 1, reason: "a test" });
	return { ada, bob, shop, sale, refunded, webhookId };
}

const many = <T>(make: (n: number) => T): T[] => Array.from({ length: MANY }, (_, n) => make(n));
const id = (n: number): string => String(n).padStart(16, "0");
const eventId = (n: number): string => `evt_${String(1_000_000 + n).padStart(15, "0")}_00000`;

type Broker = TestPlatform["broker"];
type Named = { readonly _id: string };

function documentsOf(broker: Broker, service: string, collection: string): Documents<Named> {
	const { collections } = broker.getLocalService(service).schema as unknown as {
		readonly collections: ReadonlyMap<string, Documents<Named>>;
	};
	return collections.get(collection) ?? assert.fail(collection);
}

async function fillLedger(broker: Broker, { bob, shop }: { bob: Person; shop: Shop }): Promise<void> {
	const transfer = (parts: object) =>
		broker.call("credit.transfer", { id: `s_reads.${newKey()}`, fingerprint: "r".repeat(22), amount: 1, ...parts });
	const details = {
		storeId: shop.id,
		storeName: "Ada's",
		items: [],
		discount: 0,
		note: null,
		soldBy: shop.owner.userId,
	};
	const [debitAccountId, creditAccountId] = [bob.wallet, shop.account];
	const sales = Array.from({ length: PAGE_LOOKS_AT + MANY }, () =>
		transfer({ kind: "sale", debitAccountId, creditAccountId, details }),
	);
	await Promise.all(sales);
	const hold = { ttlMs: 3_600_000 };
	await Promise.all(many(() => transfer({ kind: "sale", debitAccountId, creditAccountId, details, hold })));
	await new Promise((resolve) => setTimeout(resolve, 5));
}

async function fillRefunds(broker: Broker, { transferId }: { transferId: string }): Promise<void> {
	const refund = () => ({ id: `s_reads.${newKey()}`, fingerprint: "r".repeat(22), transferId, amount: 1, details: {} });
	await Promise.all(many(() => broker.call("credit.refund", refund())));
}

async function fillDocuments(
	broker: Broker,
	{ ada, bob, shop }: { ada: Person; bob: Person; shop: Shop },
): Promise<void> {
	const nowMs = Date.now();
	const { userId } = bob;
	const storeId = shop.id;
	const product = { storeId, category: "Things", price: 1, photoId: null, state: "active", version: 1 };
	const session = {
		refreshHash: "",
		previousHash: null,
		usedAtMs: nowMs,
		createdAtMs: nowMs,
		userAgent: "test",
		jkt: "",
	};
	const forReceipts = { registration: null, place: null };
	const trust = { mayRefund: false, discountMaxPercent: 0 };
	const till = { storeId, name: "Counter", publicJwk: {}, jkt: "", ...trust, pairedAtMs: 1, revokedAtMs: 2 };
	const rows: readonly [service: string, collection: string, make: (n: number) => object][] = [
		["store", "products", (n) => ({ ...product, _id: `p_${id(n)}`, sku: `x${id(n)}`, name: `Product ${n}` })],
		["store", "photos", (n) => ({ productId: `p_${id(n)}`, jpeg: "" })],
		["store", "members", (n) => ({ storeId, userId: `u_${id(n)}`, handle: `staff.${n}`, addedAtMs: n })],
		["store", "members", (n) => ({ storeId: `s_${id(n)}`, userId, handle: bob.handle, addedAtMs: n })],
		[
			"store",
			"stores",
			(n) => ({
				_id: `s_${id(n)}`,
				ownerId: ada.userId,
				name: "Other",
				timeZone: "UTC",
				...forReceipts,
				createdAtMs: n,
			}),
		],
		["auth", "tills", (n) => ({ ...till, pairing: `pairing-${n}` })],
		["auth", "pairings", (n) => ({ storeId, name: "Counter", ...trust, expiresAtMs: nowMs + 600_000 + n })],
		["auth", "sessions", (n) => ({ ...session, userId, expiresAtMs: OLD_MS + n })],
		["auth", "devices", (n) => ({ userId, usedAtMs: n })],
	];
	for (const [service, collection, make] of rows)
		await documentsOf(broker, service, collection).insertMany(many(make) as Named[]);
}

const delivery = (n: number) => ({
	...{ eventId: eventId(n), type: "payout.posted", body: "{}", state: "delivered", attempts: 1, dueAtMs: OLD_MS },
	...{ lastAtMs: OLD_MS, lastStatus: 200, lastError: null, lastTookMs: 1, createdAtMs: Date.now() - 4 * 3_600_000 },
});

/** Each route, and where it takes some, what finds little among much. */
export function readsOf(
	{ operator, anyone }: TestPlatform,
	{ ada, bob, shop, sale, refunded, webhookId }: World,
): readonly Asked[] {
	const storeId = shop.id;
	const [day, otherDay] = ["2020-01-01", "2040-01-01"];
	const reads: Asked[] = [];
	const read = (name: string, ask: () => Promise<unknown>, lookedMax = 0) => reads.push({ name, ask, lookedMax });
	read("user.find", () => bob.api.ok("user.find", { handle: ada.handle }));
	read("user.me", () => bob.api.ok("user.me", {}));
	read("user.getCharge", () => bob.api.refused("user.getCharge", { id: newKey() }, "not_found"));
	read("user.getTransfer", () => bob.api.refused("user.getTransfer", { id: newKey() }, "not_found"));
	read("user.listTransactions", () => bob.api.ok("user.listTransactions", { limit: 100 }));
	read("user.listTransactions of a kind", () => bob.api.ok("user.listTransactions", { kind: "charge" }), PAGE_LOOKS_AT);
	read("user.listTransactions of a time", () => bob.api.ok("user.listTransactions", LONG_AGO));
	read("user.listTransactions from a time", () => bob.api.ok("user.listTransactions", { fromMs: Date.now() }));
	read("user.listEvents", () => bob.api.ok("user.listEvents", {}));
	read("user.exportTransactions", () => bob.api.ok("user.exportTransactions", LONG_AGO));
	read("auth.listSessions", () => bob.api.ok("auth.listSessions", {}));
	read("store.listApprovals", () => bob.api.ok("store.listApprovals", {}));
	read("store.list", () => ada.api.ok("store.list", {}));
	read("store.list of who sells for others", () => bob.api.ok("store.list", {}));
	read("store.get", () => ada.api.ok("store.get", { storeId }));
	read("store.listTills", () => ada.api.ok("store.listTills", { storeId }));
	read("store.listStaff", () => ada.api.ok("store.listStaff", { storeId }));
	read("store.listProducts", () => ada.api.ok("store.listProducts", { storeId, limit: 100 }));
	read("store.listProducts of a category", () => ada.api.ok("store.listProducts", { storeId, category: "None" }));
	read("store.listProducts in a state", () => ada.api.ok("store.listProducts", { storeId, state: "archived" }));
	read("store.getProduct", () => ada.api.ok("store.getProduct", { storeId, productId: String(shop.products[0]?.id) }));
	read("store.getPhoto", () => anyone.refused("store.getPhoto", { photoId: `f_${id(1)}` }, "not_found"));
	read("store.listSales", () => ada.api.ok("store.listSales", { storeId, limit: 100 }));
	for (const date of [day, otherDay]) {
		read(`store.listSales of ${date}`, () => ada.api.ok("store.listSales", { storeId, date }));
		read(`store.exportSales of ${date}`, () => ada.api.ok("store.exportSales", { storeId, date }));
		read(`store.report of ${date}`, () => ada.api.ok("store.report", { storeId, date }));
	}
	read("store.getSale", () => ada.api.ok("store.getSale", { storeId, saleId: sale.id }));
	read("store.getSale with refunds", () =>
		ada.api.ok("store.getSale", { storeId: refunded.storeId, saleId: refunded.id }),
	);
	read("store.getRefund", () => ada.api.refused("store.getRefund", { storeId, id: newKey() }, "not_found"));
	read("store.getPayout", () => ada.api.refused("store.getPayout", { storeId, id: newKey() }, "not_found"));
	read("store.listWebhooks", () => ada.api.ok("store.listWebhooks", { storeId }));
	read("store.listDeliveries", () => ada.api.ok("store.listDeliveries", { storeId, webhookId, limit: 100 }));
	read("store.listDeliveries that failed", () =>
		ada.api.ok("store.listDeliveries", { storeId, webhookId, state: "failed" }),
	);
	read("credit.status", () => operator.ok("credit.status", {}));
	read("credit.account", () => operator.ok("credit.account", { accountId: bob.wallet }));
	read("credit.outcome", () => operator.ok("credit.outcome", { id: sale.transferId }));
	read("credit.statement", () => operator.ok("credit.statement", { accountId: shop.account }));
	read("credit.listHolds", () => operator.ok("credit.listHolds", { limit: 100 }));
	read("credit.listHolds of a kind", () => operator.ok("credit.listHolds", { kind: "sale" }));
	read("operator.account", () => operator.ok("operator.account", { id: bob.handle }));
	read("operator.payment", () => operator.ok("operator.payment", { id: sale.transferId }));
	read("operator.listAdjustments", () => operator.ok("operator.listAdjustments", {}));
	read("operator.listOperations", () => operator.ok("operator.listOperations", {}));
	return reads;
}

/** What looks for something to change, and for what is over. */
export function writesOf({ ada, shop, webhookId }: World): readonly Asked[] {
	const storeId = shop.id;
	return [
		{ name: "createPairing", ask: () => ada.api.ok("store.createPairing", { storeId, name: "Counter" }) },
		{ name: "removeStaff", ask: () => ada.api.ok("store.removeStaff", { storeId, handle: "staff.7" }) },
		{
			name: "replayDeliveries",
			ask: () => ada.api.ok("store.replayDeliveries", { storeId, webhookId, fromMs: Date.now() }),
		},
		{
			name: "createProduct",
			ask: () => ada.api.ok("store.createProduct", { storeId, sku: "new", name: "New", category: "New", price: 1 }),
		},
	];
}
