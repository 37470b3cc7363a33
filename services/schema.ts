import { type TObject, type TObjectOptions, type TProperties, type TSchema, Type } from "typebox";
import { AMOUNT_MAX } from "./amount.ts";

/**
 * The fields that several services' schemas share. Every schema is closed (unknown fields are refused) and every field has
 * bounds. One definition gives the static type, the validation and the OpenAPI document.
 */
export const closed = <P extends TProperties>(properties: P, options: TObjectOptions = {}): TObject<P> =>
	Type.Object(properties, { additionalProperties: false, ...options });

export const nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

export const empty = closed({});

export const UserId = Type.String({ pattern: "^u_[A-Za-z0-9_-]{16}$", description: "A person" });
export const StoreId = Type.String({
	pattern: "^s_[A-Za-z0-9_-]{16}$",
	description: "A store",
	examples: ["s_XhR2-v8LmQ0aTz1K"],
});
export const ProductId = Type.String({
	pattern: "^p_[A-Za-z0-9_-]{16}$",
	description: "A product",
	examples: ["p_XhR2-v8LmQ0aTz1K"],
});
export const PhotoId = Type.String({
	pattern: "^f_[A-Za-z0-9_-]{16}$",
	description: "A product's photo",
	examples: ["f_XhR2-v8LmQ0aTz1K"],
});
export const SessionId = Type.String({
	pattern: "^n_[A-Za-z0-9_-]{16}$",
	description: "A session",
	examples: ["n_XhR2-v8LmQ0aTz1K"],
});
export const TillId = Type.String({
	pattern: "^t_[A-Za-z0-9_-]{16}$",
	description: "A till",
	examples: ["t_XhR2-v8LmQ0aTz1K"],
});
export const WebhookId = Type.String({
	pattern: "^w_[A-Za-z0-9_-]{16}$",
	description: "A webhook",
	examples: ["w_XhR2-v8LmQ0aTz1K"],
});
export const AccountId = Type.String({
	pattern: "^(wallet:u_[A-Za-z0-9_-]{16}|store:s_[A-Za-z0-9_-]{16}|system:[a-z]{1,20})$",
	description: "An account of the ledger",
});

/** Made by the client for one intention, repeated with each retry of it. A UUID is right. */
export const IdempotencyKey = Type.String({
	pattern: "^[A-Za-z0-9_-]{8,64}$",
	description: "Made by the client for one intention (a UUID), repeated with each retry of it",
	examples: ["0197b1c2-6f3e-7a52-9d1c-2f6d0e8a4b17"],
});
/** `<who acts>.<idempotency key>` */
export const TransferId = Type.String({
	pattern: "^[A-Za-z0-9_:-]{1,60}\\.[A-Za-z0-9_:.-]{1,140}$",
	description: "A transfer: who made it, a dot, its idempotency key",
	examples: ["s_XhR2-v8LmQ0aTz1K.0197b1c2-6f3e-7a52-9d1c-2f6d0e8a4b17"],
});

export const Amount = Type.Integer({
	minimum: 1,
	maximum: AMOUNT_MAX,
	description: "Whole credits",
	examples: [4_500],
});
/** A sum, which may be zero or (for balances of system accounts) negative. */
export const Sum = Type.Integer({
	minimum: Number.MIN_SAFE_INTEGER,
	maximum: Number.MAX_SAFE_INTEGER,
	description: "Whole credits",
});
/** What a shop may let go of a basket: never all of it. */
export const Percent = Type.Integer({ minimum: 1, maximum: 99, description: "Percent", examples: [10] });
export const PercentOrNone = Type.Integer({
	minimum: 0,
	maximum: 99,
	description: "Percent; 0 = none",
	examples: [10],
});
export const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const TimeMs = Type.Integer({
	minimum: 0,
	maximum: 8.64e15,
	description: "Milliseconds since 1970-01-01T00:00Z",
	examples: [1_800_000_000_000],
});
/** Of a range: what is at that moment is in it; at the end it is not, so that ranges can follow each other. */
export const FromMs = Type.Integer({ ...TimeMs, description: "From then on, in milliseconds since 1970-01-01T00:00Z" });
export const ToMs = Type.Integer({ ...TimeMs, description: "Up to then and without it, in the same milliseconds" });

const TEXT_RULE = "characters that can be seen, with no blank at either end";

/**
 * What people type in: whole characters that can be seen, no space at either end. Control, format and unassigned characters
 * are refused (they hide, or turn the text around them), but for the joiners that emoji and some scripts need between others. What
 * only changes other characters, or shows nothing, as marks, variation selectors and the musical null notehead, is no text by itself.
 *
 * `x-rule` says in words what the pattern asks for; `x-pattern` is what of it other languages' regular expressions can say as well
 * (JSON Schema 2020-12, core 6.4), and lets through some that are refused.
 */
export const text = (lengthMax: number, description: string, example = "…") =>
	Type.String({
		minLength: 1,
		maxLength: lengthMax,
		pattern:
			"^(?![\\s\\u200c\\u200d])(?=[^]*?(?![\\p{Default_Ignorable_Code_Point}\\u2800\\u{1d159}])[\\p{L}\\p{N}\\p{P}\\p{S}])(?:[^\\p{C}\\u2028\\u2029\\u115f\\u1160\\u3164\\uffa0\\u2800]|[\\u200c\\u200d])*(?<![\\s\\u200c\\u200d])$",
		"x-pattern": "^[^ ]+( +[^ ]+)*$",
		"x-rule": TEXT_RULE,
		description,
		examples: [example],
	});

type MaybeText = { readonly "x-rule"?: string; readonly anyOf?: readonly MaybeText[] };

/** Also of a schema that came from another process, as JSON. */
export const isText = ({ "x-rule": rule, anyOf = [] }: MaybeText = {}): boolean =>
	rule === TEXT_RULE || anyOf.some(isText);

export const Handle = Type.String({
	pattern: "^[a-z0-9][a-z0-9._]{1,28}[a-z0-9]$",
	description: "The name by which others find a person: 3 to 30 of a-z, 0-9, dot and underscore",
	"x-rule": "3 to 30 of a-z, 0-9, dot and underscore, with a letter or digit at either end",
	examples: ["minji.kim"],
});

/** Of what was refused. */
export const Refusal = nullable(
	Type.String({ description: "Why it was refused: a `code` of the problems, see `Problem`. Null: it was not" }),
);

/** What somebody asked to be booked, and what became of it (`mixins/booking.ts`). */
export const Booking = closed({
	id: IdempotencyKey,
	transferId: TransferId,
	state: Type.Enum(["posted", "refused", "cancelled"]),
	refusal: Refusal,
	amount: nullable(Amount),
	createdAtMs: nullable(TimeMs),
});

export const TransferKind = Type.Enum(["charge", "sale", "p2p", "refund", "payout", "adjustment"]);
export const TransferState = Type.Enum(["pending", "posted", "voided", "expired"]);

/** Pages: ask again with `cursor` for what follows; null = that was all. One may have fewer items than asked for, or none, and not be the last. */
export const Cursor = Type.String({
	pattern: "^[A-Za-z0-9_-]{1,200}$",
	description: "From `nextCursor` of the page before; where that is null, it was the last one",
});
export const PageLimit = Type.Integer({ minimum: 1, maximum: 100, default: 20 });
/** Where a page of a file begins; null: at its beginning. */
export const FileCursor = nullable(Cursor);
/** A part of a file. Of all of them the gateway makes one answer: see `services/api/exports.ts`. */
export const FilePage = closed({ csv: Type.String({ description: "CSV" }), nextCursor: FileCursor });
export const page = <S extends TSchema>(item: S) => closed({ items: Type.Array(item), nextCursor: nullable(Cursor) });

/** Of a receipt: whatever fields a service gave it. */
export const Details = Type.Record(Type.String(), Type.Unknown());

export const Transfer = closed({
	id: TransferId,
	kind: TransferKind,
	debitAccountId: AccountId,
	creditAccountId: AccountId,
	amount: Amount,
	state: TransferState,
	refunded: Sum,
	reference: nullable(TransferId),
	details: Details,
	createdAtMs: TimeMs,
	expiresAtMs: nullable(TimeMs),
});

/** Of a person or a store: a system account that is frozen or closed would stop everybody, and closing is for good. */
export const HeldAccountId = Type.String({ pattern: "^(wallet:u_[A-Za-z0-9_-]{16}|store:s_[A-Za-z0-9_-]{16})$" });
export const AccountState = Type.Enum(["open", "frozen", "closed"], {
	description:
		"`frozen`: nothing is paid from it or into it, but for what operators book and what is given back. `closed`: nothing at all, for good",
});

export const Account = closed({
	id: AccountId,
	kind: Type.Enum(["wallet", "store", "system"]),
	owner: Type.String(),
	state: AccountState,
	balance: Sum,
	/** The balance less what is held. */
	available: Sum,
	pending: Sum,
});

/** What the ledger's log says of a command, and where. */
export const LedgerEntry = closed({
	sequence: Count,
	position: Count,
	/** Of the group that it is in. */
	hash: Type.String({ maxLength: 64 }),
	committedAtMs: TimeMs,
	id: Type.String({ maxLength: 300 }),
	type: Type.String({ maxLength: 20 }),
	refusal: nullable(Type.String({ maxLength: 40 })),
});

/** `next` is published and signs nothing yet, `active` signs, `previous` only verifies. */
export const KeyState = Type.Enum(["next", "active", "previous"]);
