import { Type } from "typebox";
import {
	Amount,
	Booking,
	Count,
	Cursor,
	closed,
	empty,
	FileCursor,
	FilePage,
	FromMs,
	Handle,
	IdempotencyKey,
	nullable,
	PageLimit,
	Percent,
	PercentOrNone,
	PhotoId,
	ProductId,
	page,
	StoreId,
	Sum,
	TillId,
	TimeMs,
	ToMs,
	TransferId,
	text,
	UserId,
	WebhookId,
} from "../schema.ts";
import { PHOTO_BYTES_MAX } from "./photo.ts";
import { Item, ProductName, Refund, Sale } from "./sale-schema.ts";
import { EventId, WebhookBody } from "./webhook-body.ts";
import { webhookEvents } from "./webhook-event.ts";

const StoreName = text(60, "What customers read on their receipt", "Café Nip");
const TimeZone = Type.String({
	pattern: "^[A-Za-z0-9_+/-]{1,40}$",
	description: "IANA name; the store's days begin at its midnight",
	examples: ["Asia/Seoul"],
});
const Registration = nullable(text(40, "The number under which the shop is registered, for receipts", "123-45-67890"));
const Place = nullable(text(120, "Where the shop is, for receipts", "12 Toegye-ro, Seoul"));
const Store = closed({
	id: StoreId,
	name: StoreName,
	timeZone: TimeZone,
	registration: Registration,
	place: Place,
	createdAtMs: TimeMs,
});

const StaffMember = closed({ handle: Handle, addedAtMs: TimeMs });

const Sku = Type.String({
	pattern: "^[A-Za-z0-9._-]{1,40}$",
	description: "The store's own number for it, unique in the store",
	"x-rule": "1 to 40 of A-Z, a-z, 0-9, dot, underscore and hyphen",
	examples: ["latte"],
});
const Category = text(40, "Category", "Coffee");
const Product = closed({
	id: ProductId,
	sku: Sku,
	name: ProductName,
	category: Category,
	price: Amount,
	/** Null: it has none. See `/v1/photos/{photoId}`. */
	photoId: nullable(PhotoId),
	state: Type.Enum(["active", "archived"]),
	/** Send it back with an edit: the edit is refused if someone else was faster. */
	version: Count,
});

const Approval = closed({
	id: TransferId,
	storeId: StoreId,
	storeName: StoreName,
	total: Amount,
	discount: Count,
	items: Type.Array(Item),
	expiresAtMs: TimeMs,
	expiresInMs: Count,
});
const Effect = Type.Enum(["refunded", "voided", "kept_out", "none"], {
	description:
		"`refunded`: it was paid, and all that was left of it is given back. `voided`: it waited for its customer, and does no longer. `kept_out`: it had not " +
		"arrived, and will be refused (`cancelled`) when it does. `none`: it had no effect before, and has none",
});
const Day = Type.String({
	pattern: "^\\d{4}-\\d{2}-\\d{2}$",
	description: "A day in the store's time zone",
	examples: ["2027-01-15"],
});
/** One or the other. */
const dayOrPart = { date: Type.Optional(Day), fromMs: Type.Optional(FromMs), toMs: Type.Optional(ToMs) };
const Volume = closed({ count: Count, amount: Sum });
const Reason = text(140, "Why", "it was cold");
const Code = Type.String({
	minLength: 1,
	maxLength: 200,
	description: "The payment code as scanned",
	examples: ["C1:…"],
});
const inStore = { storeId: StoreId };
const ofWebhook = { ...inStore, webhookId: WebhookId };
const outcomeByKey = { params: closed({ ...inStore, id: IdempotencyKey }), returns: Booking };
const ofSale = { ...inStore, saleId: IdempotencyKey };

const WebhookUrl = Type.String({
	minLength: 1,
	maxLength: 500,
	description: "Where to send to, such as https://shop.example/hook",
	examples: ["https://shop.example/hook"],
});
const WebhookEvents = Type.Array(Type.Enum([...webhookEvents]), {
	minItems: 1,
	maxItems: 20,
	description: "What to be told of",
});
const WebhookDescription = nullable(text(100, "For its owner to know what it is for", "The kitchen's display"));
const webhook = {
	id: WebhookId,
	url: WebhookUrl,
	events: WebhookEvents,
	description: WebhookDescription,
	enabled: Type.Boolean(),
	disabledBecause: nullable(Type.String({ description: "Why it was switched off, if that was not its owner" })),
	createdAtMs: TimeMs,
};
const WebhookSecret = Type.String({
	description: "Signs what is sent, as standardwebhooks.com says. It is shown this once.",
});
const DeliveryState = Type.Enum(["waiting", "delivered", "failed"]);
const Delivery = closed({
	id: EventId,
	type: Type.Enum([...webhookEvents]),
	state: DeliveryState,
	attempts: Count,
	nextAtMs: nullable(TimeMs),
	lastAtMs: nullable(TimeMs),
	/** Null: there was no answer. */
	lastStatus: nullable(Count),
	/** Null: it was received. */
	lastError: nullable(Type.String()),
	lastTookMs: nullable(Count),
	createdAtMs: TimeMs,
	body: Type.String({
		description: "What is sent: JSON, see `webhooks`",
		contentMediaType: "application/json",
		contentSchema: WebhookBody,
	}),
});

export const storeActions = {
	create: {
		params: closed({ name: StoreName, timeZone: Type.Optional(TimeZone) }),
		returns: Store,
	},
	/** For operators: which store that is. */
	identify: {
		params: closed({ storeId: StoreId }),
		returns: closed({ storeId: StoreId, name: Type.String(), ownerId: UserId }),
	},
	/** Own ones, and those where the person works. */
	list: {
		params: empty,
		returns: closed({ items: Type.Array(closed({ ...Store.properties, role: Type.Enum(["owner", "staff"]) })) }),
	},
	/** What it has taken in is said to its owner only. */
	get: {
		params: closed(inStore),
		returns: closed({ ...Store.properties, balance: nullable(Sum), available: nullable(Sum) }),
	},
	edit: {
		params: closed({
			...inStore,
			name: Type.Optional(StoreName),
			timeZone: Type.Optional(TimeZone),
			registration: Type.Optional(Registration),
			place: Type.Optional(Place),
		}),
		returns: Store,
	},

	/** Sales above what the customer's code pays by itself. */
	listApprovals: { params: empty, returns: closed({ items: Type.Array(Approval) }) },
	decide: {
		params: closed({
			idempotencyKey: IdempotencyKey,
			id: TransferId,
			/** What the person was shown: the decision covers nothing else. */
			storeId: StoreId,
			total: Amount,
			decision: Type.Enum(["confirm", "decline"]),
		}),
		returns: closed({ id: TransferId, state: Type.Enum(["posted", "voided"]), total: Amount }),
	},

	/** A code by which a till joins the store: typed in there, or scanned. */
	createPairing: {
		params: closed({
			...inStore,
			name: text(40, "What the owner calls the till", "Counter 1"),
			mayRefund: Type.Optional(Type.Boolean()),
			discountMaxPercent: Type.Optional(PercentOrNone),
		}),
		returns: closed({
			pairingCode: Type.String(),
			/** The till's page, with the code in its fragment, which browsers do not send to anybody. */
			link: Type.String(),
			/** The link as a QR code, in a data URL. */
			image: Type.String(),
			expiresAtMs: TimeMs,
			expiresInMs: Count,
		}),
	},
	listTills: {
		params: closed(inStore),
		returns: closed({
			items: Type.Array(
				closed({
					id: TillId,
					name: Type.String(),
					mayRefund: Type.Boolean(),
					discountMaxPercent: PercentOrNone,
					pairedAtMs: TimeMs,
				}),
			),
		}),
	},
	/** At once: its next request is refused. */
	revokeTill: { params: closed({ ...inStore, tillId: TillId }), returns: empty },

	/** People who may sell in the store, and no more than that. Adding one again changes nothing. */
	addStaff: { params: closed({ ...inStore, handle: Handle }), returns: StaffMember },
	listStaff: { params: closed(inStore), returns: closed({ items: Type.Array(StaffMember) }) },
	removeStaff: { params: closed({ ...inStore, handle: Handle }), returns: empty },

	createProduct: {
		params: closed({ ...inStore, sku: Sku, name: ProductName, category: Category, price: Amount }),
		returns: Product,
	},
	listProducts: {
		params: closed({
			...inStore,
			category: Type.Optional(Category),
			state: Type.Optional(Type.Enum(["active", "archived"])),
			limit: Type.Optional(PageLimit),
			cursor: Type.Optional(Cursor),
		}),
		returns: page(Product),
	},
	getProduct: { params: closed({ ...inStore, productId: ProductId }), returns: Product },
	editProduct: {
		params: closed({
			...inStore,
			productId: ProductId,
			version: Count,
			sku: Type.Optional(Sku),
			name: Type.Optional(ProductName),
			category: Type.Optional(Category),
			price: Type.Optional(Amount),
			state: Type.Optional(Type.Enum(["active", "archived"])),
		}),
		returns: Product,
	},
	setPhoto: {
		params: closed({
			...inStore,
			productId: ProductId,
			/** What is in it beside the picture, such as where it was taken, is left away. */
			photo: nullable(
				Type.String({
					pattern: "^[A-Za-z0-9+/]+={0,2}$",
					minLength: 4,
					maxLength: Math.ceil(PHOTO_BYTES_MAX / 3) * 4,
					description: "A JPEG of at most 100 kB and 1,024 × 1,024 points, as base64; null takes it away",
					examples: ["/9j/4AAQSkZJRg=="],
				}),
			),
		}),
		returns: Product,
	},
	/** For whoever knows its id. A new photo has a new id. */
	getPhoto: { params: closed({ photoId: PhotoId }), returns: Type.String() },
	importProducts: {
		params: closed({
			...inStore,
			csv: Type.String({
				maxLength: 1_000_000,
				description:
					"RFC 4180 in UTF-8, with or without a byte order mark. The first line names the columns sku, name, category and price, in any order; each is as in " +
					"a product. At most 5,000 products. Those with a known SKU are updated; all lines or none",
				examples: ["sku,name,category,price\nlatte,Caffè latte,Coffee,4500\n"],
			}),
		}),
		returns: closed({ created: Count, updated: Count, unchanged: Count }),
	},

	sell: {
		params: closed({
			...inStore,
			idempotencyKey: IdempotencyKey,
			code: Code,
			items: Type.Array(
				closed({ productId: ProductId, quantity: Type.Integer({ minimum: 1, maximum: 10_000, examples: [2] }) }),
				{
					minItems: 1,
					maxItems: 100,
				},
			),
			expectedTotal: Type.Optional(
				Type.Integer({
					...Amount,
					description: "What the till showed: the sale is refused if the basket costs something else",
				}),
			),
			discount: Type.Optional(
				closed(
					{ percent: Type.Optional(Percent), amount: Type.Optional(Amount) },
					{
						minProperties: 1,
						maxProperties: 1,
						description:
							"Of the whole basket, for whom the owner trusts with it: a percentage, rounded down to whole credits, or an amount",
					},
				),
			),
			note: Type.Optional(text(140, "Note on the receipt", "to go")),
		}),
		returns: Sale,
	},
	getSale: { params: closed(ofSale), returns: Sale },
	/** Makes sure that the sale has no effect, whether it arrived or not. */
	cancelSale: {
		params: closed({ ...ofSale, idempotencyKey: IdempotencyKey, reason: Type.Optional(Reason) }),
		returns: closed({ effect: Effect, sale: Sale }),
	},
	refundSale: {
		params: closed({
			...ofSale,
			idempotencyKey: IdempotencyKey,
			amount: Type.Optional(Amount),
			reason: Type.Optional(Reason),
		}),
		returns: closed({ refund: Refund, sale: Sale }),
	},
	listSales: {
		params: closed({
			...inStore,
			limit: Type.Optional(PageLimit),
			cursor: Type.Optional(Cursor),
			...dayOrPart,
		}),
		returns: page(
			closed({
				id: IdempotencyKey,
				transferId: TransferId,
				total: Amount,
				discount: Count,
				refunded: Sum,
				items: Type.Array(Item),
				note: nullable(Type.String()),
				createdAtMs: TimeMs,
			}),
		),
	},
	/** The sales of a day, or of a part of time, oldest first. */
	exportSales: {
		params: closed({ ...inStore, ...dayOrPart, cursor: FileCursor }, { minProperties: 3 }),
		returns: FilePage,
	},
	report: {
		params: closed({ ...inStore, date: Day }),
		returns: closed({
			date: Type.String(),
			timeZone: TimeZone,
			fromMs: Type.Integer({
				...FromMs,
				description:
					"The day's midnight, or the full hour (of UTC) before it: totals are of full hours. In milliseconds since 1970-01-01T00:00Z",
			}),
			toMs: Type.Integer({ ...ToMs, description: "Up to then and without it: the next day's `fromMs`" }),
			sales: Volume,
			refunds: Volume,
			payouts: Volume,
			/** Sales less refunds. */
			net: Sum,
			/** Those of which there is something to say. */
			hours: Type.Array(closed({ fromMs: TimeMs, sales: Volume, refunds: Volume })),
		}),
	},
	/** What became of a refund, for whom the answer never came. */
	getRefund: outcomeByKey,
	/** What became of a payout, for whom the answer never came. */
	getPayout: outcomeByKey,
	createWebhook: {
		params: closed({
			...inStore,
			url: WebhookUrl,
			events: WebhookEvents,
			description: Type.Optional(WebhookDescription),
		}),
		returns: closed({ ...webhook, secret: WebhookSecret }),
	},
	listWebhooks: { params: closed(inStore), returns: closed({ items: Type.Array(closed(webhook)) }) },
	editWebhook: {
		params: closed(
			{
				...ofWebhook,
				url: Type.Optional(WebhookUrl),
				events: Type.Optional(WebhookEvents),
				description: Type.Optional(WebhookDescription),
				enabled: Type.Optional(Type.Boolean()),
			},
			{ minProperties: 3 },
		),
		returns: closed(webhook),
	},
	removeWebhook: { params: closed(ofWebhook), returns: empty },
	rotateWebhookSecret: {
		params: closed(ofWebhook),
		returns: closed({ secret: WebhookSecret, previousUntilMs: TimeMs }),
	},
	/** Sends an event of type `ping` now, and says what came of it. */
	pingWebhook: {
		params: closed(ofWebhook),
		returns: closed({ status: nullable(Count), error: nullable(Type.String()), tookMs: Count }),
	},
	listDeliveries: {
		params: closed({
			...ofWebhook,
			state: Type.Optional(DeliveryState),
			limit: Type.Optional(PageLimit),
			cursor: Type.Optional(Cursor),
		}),
		returns: page(Delivery),
	},
	replayDelivery: { params: closed({ ...ofWebhook, deliveryId: EventId }), returns: Delivery },
	/** Sends again what happened since, all of it or what is in this state. */
	replayDeliveries: {
		params: closed({ ...ofWebhook, fromMs: FromMs, state: Type.Optional(DeliveryState) }),
		returns: closed({
			count: Count,
			/** False: there are more than go at once. Ask again with a later `fromMs`. */
			isAll: Type.Boolean(),
		}),
	},
	/** Settles: the store's credit goes out to its owner's bank. */
	payOut: {
		params: closed({ ...inStore, idempotencyKey: IdempotencyKey, amount: Amount }),
		returns: closed({ transferId: TransferId, amount: Amount, balanceAfter: Sum, createdAtMs: TimeMs }),
	},
} as const;
