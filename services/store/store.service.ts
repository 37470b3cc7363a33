import { join } from "node:path";
import type { ActionParams, Context, Service, ServiceSchema } from "moleculer";
import type { Static } from "typebox";
import { bookingOf } from "../../mixins/booking.ts";
import { commandOf, transferIdOf } from "../../mixins/command-id.ts";
import { database, documents } from "../../mixins/database.ts";
import { CLOCKS_DIFFER_MS } from "../../mixins/deadline.ts";
import { keyring, keyringOf } from "../../mixins/keyring.ts";
import { metricsOf } from "../../mixins/metrics.ts";
import { clockOf } from "../../mixins/mongo.ts";
import { newId } from "../../mixins/new-id.ts";
import { drawLink } from "../../mixins/qr-image.ts";
import { lastingSecretAt } from "../../mixins/secret-file.ts";
import type { Settings } from "../../moleculer.config.ts";
import { action, afterBooking, call, callerOf, type Meta, type Params, whoAsks } from "../actions.ts";
import { fail, problemOf, problems } from "../errors.ts";
import { LedgerAppended } from "../events.ts";
import { discountMaxPercentOf, mayDo } from "../rights.ts";
import { APPROVAL_TTL_MS, APPROVALS_MAX, checkDecision, openApprovals } from "./approval.ts";
import { priceBasket } from "./basket.ts";
import { checkStoreRoom, type Entered, enterStore, MEMBERS, type Member, type Store } from "./counter.ts";
import { checkTimeZone, dayRange, rangeOf, wholeHours } from "./day.ts";
import { type Photo, setPhoto } from "./photo.ts";
import { addProduct, editProduct, listProducts, type Product, productView } from "./product.ts";
import { readProductCsv } from "./product-csv.ts";
import { ImportsInTurn, importProducts } from "./product-import.ts";
import { reportOf } from "./report.ts";
import { type Receipt, refundOf, saleOf, saleOutcome } from "./sale.ts";
import { saleLine, salesCsvOf } from "./sales.ts";
import { addStaff, listStaff, removeStaff } from "./staff.ts";
import { storeActions } from "./store.actions.ts";
import type { Policy, Webhook } from "./webhook.ts";
import { webhookActions } from "./webhook-actions.ts";
import { DELIVERIES, type Delivery } from "./webhook-delivery.ts";
import { measureWebhooks } from "./webhook-metrics.ts";
import { type Outbox, WebhookOutbox } from "./webhook-outbox.ts";

/** A sale that is decided so long after it was asked for must not happen any more: the till has given up. */
const SALE_DEADLINE_MS = 3_000;

const STORES_MAX = 1_000;
/** So long after a sale everybody who may sell may also undo it: it ends the doubt about a payment whose answer was lost. */
const DOUBT_MS = 10 * 60_000;

const storesOf = (service: Service) => documents<Store>(service, "stores");
const membersOf = (service: Service) => documents<Member>(service, "members");
const productsOf = (service: Service) => documents<Product>(service, "products");
const photosOf = (service: Service) => documents<Photo>(service, "photos");
const accountOf = (storeId: string): string => `store:${storeId}`;

/** Stores, their products, and the sales, which are the ledger's. */
export default (settings: Settings): ServiceSchema => ({
	name: "store",
	mixins: [
		keyring(),
		database(
			settings,
			{ collection: "stores", indexes: [{ fields: ["ownerId", "createdAtMs"] }] },
			MEMBERS,
			{ collection: "products", indexes: [{ fields: ["storeId", "sku"], unique: true }] },
			{ collection: "photos", indexes: [{ fields: ["productId"] }] },
			{ collection: "webhooks", indexes: [{ fields: ["storeId"] }, { fields: ["enabled"] }] },
			DELIVERIES,
			{ collection: "outbox" },
		),
	],
	dependencies: ["auth", "user", "credit"],

	actions: {
		create: action("published", storeActions.create, async function (ctx) {
			const { name, timeZone = "Asia/Seoul" } = ctx.params;
			checkTimeZone(timeZone);
			const { userId: ownerId } = callerOf(ctx);
			await checkStoreRoom(storesOf(this), ownerId);
			const forReceipts = { registration: null, place: null };
			const store = { _id: newId("s"), ownerId, name, timeZone, ...forReceipts, createdAtMs: Date.now() };
			// The account comes first: a store without one could not be paid; an account without a store is nobody's.
			await call(ctx, "credit.open", { accountId: accountOf(store._id), owner: ownerId });
			return view(await storesOf(this).insert(store));
		}),

		identify: action("public", storeActions.identify, async function (ctx) {
			const store = await storesOf(this).findById(ctx.params.storeId);
			if (!store) throw fail("not_found");
			return { storeId: store._id, name: store.name, ownerId: store.ownerId };
		}),

		list: action("published", storeActions.list, async function (ctx) {
			const { userId } = callerOf(ctx);
			const memberships = await membersOf(this).find({ query: { userId }, limit: STORES_MAX });
			const [own, others] = await Promise.all([
				storesOf(this).find({ query: { ownerId: userId }, sort: "createdAtMs", limit: STORES_MAX }),
				storesOf(this).findByIds(memberships.map(({ storeId }) => storeId)),
			]);
			const as = (role: "owner" | "staff") => (store: Store) => ({ ...view(store), role });
			return { items: [...own.map(as("owner")), ...others.map(as("staff"))] };
		}),

		get: action("published", storeActions.get, async function (ctx) {
			const { store, role } = await enter(this, ctx);
			// What a shop takes in is for its owner to know.
			if (role !== "owner") return { ...view(store), balance: null, available: null };
			const { balance, available } = await call(ctx, "credit.account", { accountId: accountOf(store._id) });
			return { ...view(store), balance, available };
		}),

		edit: action("published", storeActions.edit, async function (ctx) {
			const { storeId, ...changes } = ctx.params;
			if (changes.timeZone) checkTimeZone(changes.timeZone);
			await enter(this, ctx);
			return view((await storesOf(this).updateById(storeId, { $set: changes })) as Store);
		}),

		createPairing: action("published", storeActions.createPairing, async function (ctx) {
			const { storeId, name, mayRefund = false, discountMaxPercent = 0 } = ctx.params;
			await enter(this, ctx);
			const invitation = { storeId, name, mayRefund, discountMaxPercent };
			const { pairingCode, expiresAtMs } = await call(ctx, "auth.invite", invitation);
			const link = `${settings.publicOrigin}/till#pair=${pairingCode}`;
			return {
				pairingCode,
				link,
				image: drawLink(link),
				expiresAtMs,
				expiresInMs: Math.max(0, expiresAtMs - Date.now()),
			};
		}),

		listTills: action("published", storeActions.listTills, async function (ctx) {
			await enter(this, ctx);
			return call(ctx, "auth.listTills", ctx.params);
		}),

		revokeTill: action("published", storeActions.revokeTill, async function (ctx) {
			await enter(this, ctx);
			return call(ctx, "auth.revokeTill", ctx.params);
		}),

		listApprovals: action("published", storeActions.listApprovals, async function (ctx) {
			const asked = { kind: "sale", accountId: `wallet:${callerOf(ctx).userId}`, limit: APPROVALS_MAX } as const;
			const { items } = await call(ctx, "credit.listHolds", asked);
			return { items: openApprovals(items, nowIn(this)) };
		}),

		decide: action("published", storeActions.decide, async (ctx) => {
			const { decision, id: transferId, storeId, total } = ctx.params;
			const { userId } = callerOf(ctx);
			checkDecision(await call(ctx, "credit.outcome", { id: transferId }), { storeId, total, userId });
			const decided = await call(ctx, decision === "confirm" ? "credit.post" : "credit.void", {
				...commandOf({ scope: userId, action: "store.decide" }, ctx.params),
				transferId,
			});
			ctx.meta.replayed = decided.replayed;
			return { id: decided.id, state: decided.state as "posted" | "voided", total: decided.amount };
		}),

		addStaff: action("published", storeActions.addStaff, async function (ctx) {
			const { store } = await enter(this, ctx);
			return addStaff(membersOf(this), store, await call(ctx, "user.identify", { handle: ctx.params.handle }));
		}),

		listStaff: action("published", storeActions.listStaff, async function (ctx) {
			const { store } = await enter(this, ctx);
			return { items: await listStaff(membersOf(this), store) };
		}),

		removeStaff: action("published", storeActions.removeStaff, async function (ctx) {
			const { store } = await enter(this, ctx);
			await removeStaff(membersOf(this), store, ctx.params.handle);
			return {};
		}),

		createProduct: action("published", storeActions.createProduct, async function (ctx) {
			await enter(this, ctx);
			return productView(await addProduct(productsOf(this), ctx.params));
		}),

		listProducts: action("published", storeActions.listProducts, async function (ctx) {
			await enter(this, ctx);
			return listProducts(productsOf(this), ctx.params);
		}),

		getProduct: action("published", storeActions.getProduct, async function (ctx) {
			const { storeId, productId: _id } = ctx.params;
			await enter(this, ctx);
			const product = await productsOf(this).findOne({ _id, storeId });
			if (!product) throw fail("not_found");
			return productView(product);
		}),

		editProduct: action("published", storeActions.editProduct, async function (ctx) {
			await enter(this, ctx);
			return productView(await editProduct(productsOf(this), ctx.params));
		}),

		setPhoto: action("published", storeActions.setPhoto, async function (ctx) {
			await enter(this, ctx);
			return productView(await setPhoto({ products: productsOf(this), photos: photosOf(this) }, ctx.params));
		}),

		getPhoto: action("published", storeActions.getPhoto, async function (ctx) {
			const photo = await photosOf(this).findById(ctx.params.photoId);
			if (!photo) throw fail("not_found");
			return photo.jpeg;
		}),

		importProducts: action("published", storeActions.importProducts, async function (ctx) {
			const { storeId, csv } = ctx.params;
			await enter(this, ctx);
			const { imports } = this as unknown as StoreService;
			const work = async () => importProducts(productsOf(this), storeId, await readProductCsv(csv));
			return imports.run(callerOf(ctx).userId, work);
		}),

		sell: action("published", storeActions.sell, async function (ctx) {
			const entered = await enter(this, ctx);
			const command = commandOf({ scope: ctx.params.storeId, action: "store.sell" }, ctx.params);
			const prepared = await prepareSale(this, ctx, entered).catch((error: unknown) => error as Error);
			// What cannot be sold now may have been sold before: this is a retry, and the catalogue has changed since.
			if (prepared instanceof Error) return soldBefore(this, ctx, { ...command, reason: prepared });
			const { transfer, replayed } = await call(ctx, "credit.transfer", { ...command, ...prepared });
			ctx.meta.replayed = replayed;
			return saleOf(transfer, nowIn(this));
		}),

		getSale: action("published", storeActions.getSale, async function (ctx) {
			await enter(this, ctx);
			return currentSale(this, ctx);
		}),

		cancelSale: action("published", storeActions.cancelSale, async function (ctx) {
			const { storeId, saleId, reason = null } = ctx.params;
			const { store, role } = await enter(this, ctx);
			if (!mayDo(role, "store.refundSale")) await refuseLateUndoing(this, ctx, transferIdOf(storeId, saleId));
			const { effect, replayed } = await call(ctx, "credit.cancel", {
				...commandOf({ scope: storeId, action: "store.cancelSale" }, ctx.params),
				targetId: transferIdOf(storeId, saleId),
				details: { reason, storeName: store.name },
			});
			ctx.meta.replayed = replayed;
			return { effect, sale: await afterBooking(() => currentSale(this, ctx)) };
		}),

		refundSale: action("published", storeActions.refundSale, async function (ctx) {
			const { storeId, saleId, amount, reason = null } = ctx.params;
			const { store } = await enter(this, ctx);
			const { transfer, replayed } = await call(ctx, "credit.refund", {
				...commandOf({ scope: storeId, action: "store.refundSale" }, ctx.params),
				transferId: transferIdOf(storeId, saleId),
				...(amount !== undefined && { amount }),
				details: { reason, storeName: store.name },
			});
			ctx.meta.replayed = replayed;
			return { refund: refundOf(transfer), sale: await afterBooking(() => currentSale(this, ctx)) };
		}),

		listSales: action("published", storeActions.listSales, async function (ctx) {
			const { storeId, limit = 20, cursor, ...said } = ctx.params;
			const { store } = await enter(this, ctx);
			const query = {
				...rangeOf(said, store.timeZone),
				...(cursor && { cursor }),
				accountId: accountOf(storeId),
				limit,
			};
			const { items, nextCursor } = await call(ctx, "credit.statement", { ...query, kinds: ["sale"] });
			return { items: items.map(saleLine), nextCursor };
		}),

		report: action("published", storeActions.report, async function (ctx) {
			const { date } = ctx.params;
			const { _id, timeZone } = (await enter(this, ctx)).store;
			const range = wholeHours(dayRange(date, timeZone));
			const totals = await call(ctx, "credit.totals", { accountId: accountOf(_id), ...range });
			return { date, timeZone, ...range, ...reportOf(totals) };
		}),

		exportSales: action("published", storeActions.exportSales, async function (ctx) {
			const { storeId, cursor, ...said } = ctx.params;
			const { store } = await enter(this, ctx);
			const range = rangeOf(said, store.timeZone);
			const query = { ...range, accountId: accountOf(storeId), limit: 100, ...(cursor && { cursor }) };
			const page = await call(ctx, "credit.statement", { ...query, kinds: ["sale"], order: "oldest first" });
			return salesCsvOf(page, cursor === null);
		}),

		getRefund: action("published", storeActions.getRefund, async function (ctx) {
			await enter(this, ctx);
			return booking(ctx, "refund");
		}),

		getPayout: action("published", storeActions.getPayout, async function (ctx) {
			await enter(this, ctx);
			return booking(ctx, "payout");
		}),

		payOut: action("published", storeActions.payOut, async function (ctx) {
			const { storeId, amount } = ctx.params;
			await enter(this, ctx);
			const { transfer, debitBalance, replayed } = await call(ctx, "credit.transfer", {
				...commandOf({ scope: storeId, action: "store.payOut" }, ctx.params),
				kind: "payout",
				debitAccountId: accountOf(storeId),
				creditAccountId: "system:settlement",
				amount,
				details: {},
			});
			ctx.meta.replayed = replayed;
			return { transferId: transfer.id, amount, balanceAfter: debitBalance, createdAtMs: transfer.createdAtMs };
		}),

		...webhookActions(enter, (service) => service as StoreService),
	},

	events: {
		"ledger.appended": {
			params: LedgerAppended as object as ActionParams,
			handler(ctx: Context<Static<typeof LedgerAppended>>) {
				(this as unknown as StoreService).outbox?.hear(ctx.params.accountIds);
			},
		},
	},

	created() {
		Object.assign(this, { imports: new ImportsInTurn(), clock: clockOf(settings) });
	},

	async started() {
		const webhooks = documents<Webhook>(this, "webhooks");
		const { secret } = lastingSecretAt(
			{ setting: "WEBHOOK_SECRET", given: settings.webhookSecret, path: join(settings.dataDir, "webhook.secret") },
			{ isInUse: (await webhooks.count()) > 0, without: "no receiver would believe a webhook" },
		);
		this.policy = { platformSecret: secret, anyTarget: settings.webhookTargets === "any" };
		this.outbox = await WebhookOutbox.open({
			stores: storesOf(this),
			webhooks,
			deliveries: documents<Delivery>(this, "deliveries"),
			outbox: documents<Outbox>(this, "outbox"),
			broker: this.broker,
			policy: this.policy,
			retriesS: settings.webhookRetriesS,
			clock: this.clock,
			onFailed: (error) => this.logger.warn("Webhooks could not be told of something; it is tried again.", error),
		});
		const metrics = metricsOf(this.broker);
		if (metrics) measureWebhooks(metrics, documents<Delivery>(this, "deliveries"), this.clock);
	},

	async stopped() {
		await (this as unknown as Partial<StoreService>).outbox?.stop();
	},
});

type StoreService = Service & { clock: () => number; policy: Policy; outbox: WebhookOutbox; imports: ImportsInTurn };

/** By the clock that the ledger goes by: what it dated, and until when it is good, is judged by no other. */
const nowIn = (service: Service): number => (service as StoreService).clock();

/** See `enterStore`. */
const enter = (service: Service, ctx: Context<{ storeId: string }, Meta>): Promise<Entered> =>
	enterStore(ctx, { stores: storesOf(service), members: membersOf(service) });

/** What was undone already is only said once more. @throws forbidden */
async function refuseLateUndoing(service: Service, ctx: Context<unknown, Meta>, id: string): Promise<void> {
	const { transfer } = await call(ctx, "credit.outcome", { id });
	if (!transfer) return;
	const isUndone = transfer.state === "posted" ? transfer.refunded >= transfer.amount : transfer.state !== "pending";
	if (!isUndone && nowIn(service) - transfer.createdAtMs > DOUBT_MS) throw fail("forbidden", "Ask for a refund");
}

function idOfWhoAsks(ctx: Context<unknown, Meta>): string {
	const caller = whoAsks(ctx);
	return caller.kind === "till" ? caller.tillId : caller.userId;
}

/** @throws code_invalid, code_expired, code_too_early, own_store, product_unavailable, price_changed, amount_out_of_range, forbidden, discount_too_large */
async function prepareSale(service: Service, ctx: Context<Params<"store.sell">, Meta>, { store, role }: Entered) {
	const { code, items, discount, expectedTotal, note = null } = ctx.params;
	const { caller } = ctx.meta;
	const maxPercent = discountMaxPercentOf(role, caller?.kind === "till" ? caller : undefined);
	if (discount && maxPercent === 0) throw fail("forbidden");
	const claims = await keyringOf(service).readCode(code);
	if (!claims) throw fail("code_invalid");
	// The ledger says so as well; nothing need be looked up for it.
	if (claims.expiresAtMs <= nowIn(service)) throw fail("code_expired");
	if (claims.issuedAtMs > nowIn(service) + CLOCKS_DIFFER_MS) throw fail("code_too_early");
	if (claims.userId === store.ownerId) throw fail("own_store");
	const products = await productsOf(service).findByIds([...new Set(items.map(({ productId }) => productId))]);
	const ours = products.filter(({ storeId }) => storeId === store._id);
	const byId = new Map(ours.map((product) => [product._id, product]));
	const basket = priceBasket(items, byId, { discount, maxPercent });
	if (expectedTotal !== undefined && expectedTotal !== basket.total) {
		throw fail("price_changed", `The basket costs ${basket.total} now`);
	}
	const receipt: Receipt = {
		storeId: store._id,
		storeName: store.name,
		items: basket.items,
		discount: basket.discount,
		note,
		soldBy: idOfWhoAsks(ctx),
	};
	const { jti, expiresAtMs, cap } = claims;
	// What is above the cap of the code is not taken, but held until the customer confirms it.
	const isHeld = basket.total > cap;
	return {
		kind: "sale" as const,
		debitAccountId: `wallet:${claims.userId}`,
		creditAccountId: accountOf(store._id),
		amount: basket.total,
		details: receipt,
		redeem: { jti, expiresAtMs, cap: isHeld ? basket.total : cap },
		...(isHeld && { hold: { ttlMs: APPROVAL_TTL_MS } }),
		deadlineMs: nowIn(service) + SALE_DEADLINE_MS,
	};
}

/** What was decided, and will not be decided otherwise. */
const isFinal = (error: unknown): boolean => problems[problemOf(error)].status < 500;

/**
 * Another process may be about to sell the same, by prices of a moment ago, for somebody who asked there first: no answer is given that it could
 * belie. So a sale is refused in the ledger, as a payment is.
 *
 * @throws the reason why it cannot be sold, unless it was sold before
 */
async function soldBefore(
	service: Service,
	ctx: Context<unknown, Meta>,
	{ reason, ...command }: { id: string; fingerprint: string; reason: Error },
) {
	const refusal = problemOf(reason) as Params<"credit.refuse">["refusal"];
	const made = isFinal(reason)
		? await call(ctx, "credit.refuse", { ...command, kind: "sale", refusal })
		: await call(ctx, "credit.recall", command);
	if (!made) throw reason;
	ctx.meta.replayed = true;
	return saleOf(made.transfer, nowIn(service));
}

async function booking(ctx: Context<{ storeId: string; id: string }, Meta>, kind: "refund" | "payout") {
	const id = transferIdOf(ctx.params.storeId, ctx.params.id);
	return bookingOf(kind, id, await call(ctx, "credit.outcome", { id }));
}

async function currentSale(service: Service, ctx: Context<{ storeId: string; saleId: string }, Meta>) {
	const { storeId, saleId } = ctx.params;
	const transferId = transferIdOf(storeId, saleId);
	const outcome = await call(ctx, "credit.outcome", { id: transferId });
	return saleOutcome({ storeId, transferId, nowMs: nowIn(service) }, outcome);
}

const view = ({ _id: id, name, timeZone, registration, place, createdAtMs }: Store) => ({
	id,
	name,
	timeZone,
	registration,
	place,
	createdAtMs,
});
