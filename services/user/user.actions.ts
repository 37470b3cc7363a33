import { Type } from "typebox";
import { CODE_CAP_MAX } from "../../mixins/payment-code.ts";
import {
	AccountState,
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
	page,
	Sum,
	TimeMs,
	ToMs,
	TransferId,
	TransferKind,
	text,
	UserId,
} from "../schema.ts";

/** With these, a code is dead at the latest as long after it was made as any may live. */
const CODES_AHEAD_MAX = 2;

const DisplayName = text(60, "How others see the person", "김민지");
const Note = text(140, "A few words to the other side", "lunch");

const ConfirmAbove = Type.Integer({
	minimum: 1,
	maximum: CODE_CAP_MAX,
	description: "Sales above it wait until the customer confirms them",
	examples: [50_000],
});

const Person = closed({ userId: UserId, handle: Handle, displayName: DisplayName, createdAtMs: TimeMs });

const BookingWithBalance = closed({ ...Booking.properties, balanceAfter: Sum });

const Item = closed({ name: Type.String(), unitPrice: Amount, quantity: Amount, amount: Amount });

const Transaction = closed({
	transferId: TransferId,
	kind: TransferKind,
	/** What came in is positive, what went out negative. */
	amount: Sum,
	balanceAfter: Sum,
	postedAtMs: TimeMs,
	/** Who is on the other side, in words. */
	counterparty: Type.String(),
	note: nullable(Type.String()),
	items: Type.Array(Item),
	/** What the shop let go of the items' prices. */
	discount: Count,
	/** How much of a purchase was given back since. */
	refunded: Sum,
	/** A refund names the purchase. */
	reference: nullable(TransferId),
});

const filters = {
	kind: Type.Optional(TransferKind),
	fromMs: Type.Optional(FromMs),
	toMs: Type.Optional(ToMs),
};

export const userActions = {
	signUp: {
		params: closed({
			handle: Handle,
			password: Type.String({
				minLength: 8,
				maxLength: 128,
				description: "8 to 128 characters, and not one that is in a list of common ones",
				examples: ["orchard-tin-lantern"],
			}),
			displayName: DisplayName,
			/** Where it comes from: set by the gateway, for `auth` to count who guesses. */
			address: Type.String({ minLength: 1, maxLength: 64 }),
		}),
		returns: Person,
	},
	/** Lets a sender check who is behind a handle. */
	find: { params: closed({ handle: Handle }), returns: closed({ handle: Handle, displayName: DisplayName }) },
	/** For other services: who that is. */
	identify: { params: closed({ handle: Handle }), returns: closed({ userId: UserId, handle: Handle }) },
	/** For operators: who that is, and whether one of them has frozen the wallet. */
	holder: {
		params: closed({ userId: UserId }),
		returns: closed({
			...Person.properties,
			isLocked: Type.Boolean(),
			/** What `unlock` is told. */
			lockVersion: Count,
			isFrozenByOwner: Type.Boolean(),
		}),
	},
	/** From now on its owner cannot open the wallet, whatever was asked for before. */
	lock: { params: closed({ userId: UserId }), returns: empty },
	/**
	 * Its owner may open again what they froze themselves, or that is forgotten as well. Does nothing when the wallet was locked or unlocked since
	 * `holder` said this version, however late it comes.
	 */
	unlock: {
		params: closed({ userId: UserId, lockVersion: Count, ownersFreeze: Type.Enum(["kept", "forgotten"]) }),
		returns: closed({ isUnlocked: Type.Boolean() }),
	},
	me: {
		params: empty,
		returns: closed({
			...Person.properties,
			balance: Sum,
			available: Sum,
			pending: Sum,
			state: AccountState,
			limits: closed({ chargeMax: Amount, confirmAbove: ConfirmAbove }),
		}),
	},
	edit: {
		params: closed(
			{ displayName: Type.Optional(DisplayName), confirmAbove: Type.Optional(ConfirmAbove) },
			{ minProperties: 1 },
		),
		returns: Person,
	},
	/** For a phone that was lost: nothing leaves the wallet any more, whatever was signed before. */
	freeze: { params: empty, returns: closed({ state: AccountState }) },
	unfreeze: {
		params: closed({ password: Type.String({ minLength: 1, maxLength: 128, examples: ["orchard-tin-lantern"] }) }),
		returns: closed({ state: AccountState }),
	},
	charge: { params: closed({ idempotencyKey: IdempotencyKey, amount: Amount }), returns: BookingWithBalance },
	send: {
		params: closed({ idempotencyKey: IdempotencyKey, to: Handle, amount: Amount, note: Type.Optional(Note) }),
		returns: BookingWithBalance,
	},
	/** What became of a charge, for whom the answer never came. */
	getCharge: { params: closed({ id: IdempotencyKey }), returns: Booking },
	/** What became of credit sent, likewise. */
	getTransfer: { params: closed({ id: IdempotencyKey }), returns: Booking },
	issueCode: {
		params: closed({
			/** The most that this code pays without asking; never more than the person's limit. */
			cap: Type.Optional(ConfirmAbove),
			image: Type.Optional(Type.Enum(["png", "svg"], { description: "Also draw it" })),
			ahead: Type.Optional(
				Type.Integer({
					minimum: 0,
					maximum: CODES_AHEAD_MAX,
					description:
						"How many more, for when there is no network then: each begins to be good as the one before ends",
				}),
			),
		}),
		returns: closed({
			code: Type.String(),
			cap: Amount,
			expiresAtMs: TimeMs,
			/** Count down from this on a monotonic timer: the phone's clock may be wrong. */
			expiresInMs: Type.Integer({ minimum: 0 }),
			/** A data URL. */
			image: nullable(Type.String()),
			/** They pay less without asking: they are kept where nobody watches. */
			later: Type.Array(
				closed({
					code: Type.String(),
					cap: Amount,
					startsInMs: Type.Integer({ minimum: 0 }),
					expiresInMs: Type.Integer({ minimum: 0 }),
				}),
			),
		}),
	},
	listTransactions: {
		params: closed({ ...filters, limit: Type.Optional(PageLimit), cursor: Type.Optional(Cursor) }),
		returns: page(Transaction),
	},
	/** What happened in the wallet since, oldest first; without `after`, from now on. */
	listEvents: {
		params: closed({
			after: Type.Optional(Type.String({ ...Cursor, description: "From `cursor` of the answer, or of an item" })),
		}),
		returns: closed({
			items: Type.Array(closed({ ...Transaction.properties, cursor: Cursor })),
			isAll: Type.Boolean({ description: "Whether these were all, up to now" }),
			cursor: Type.String({ description: "Where to go on: the next `after`" }),
			/** As it is now. What is `pending` waits for its owner, see the approvals. */
			account: closed({ balance: Sum, available: Sum, pending: Sum, state: AccountState }),
		}),
	},
	/** Newest first. */
	exportTransactions: { params: closed({ ...filters, cursor: FileCursor }), returns: FilePage },
} as const;
