import { type Static, type TSchema, Type } from "typebox";
import {
	Account,
	AccountId,
	AccountState,
	Amount,
	Count,
	Cursor,
	closed,
	Details,
	empty,
	HeldAccountId,
	LedgerEntry,
	nullable,
	PageLimit,
	page,
	Sum,
	TimeMs,
	Transfer,
	TransferId,
	TransferKind,
	TransferState,
} from "../schema.ts";
import { EARLY_REFUSALS } from "./model.ts";

const Fingerprint = Type.String({
	maxLength: 64,
	description: "Digest of what the client asked: tells a retry from a new request",
});
/** Of what has no lone half of a character: claims and owners are kept as UTF-8, where all of those are one. */
const CodeId = Type.String({ pattern: "^[A-Za-z0-9_:.-]{8,60}$", description: "A payment code" });
const Owner = Type.String({ pattern: "^[A-Za-z0-9_-]{1,40}$", description: "A person's or store's id" });
/** `system.` are the ledger's own commands; whoever could take such an id would keep an account from being opened. */
const CommandId = Type.String({ pattern: "^(?!system\\.)[A-Za-z0-9_:-]{1,60}\\.[A-Za-z0-9_:.-]{1,140}$" });

/**
 * Receipts: fields, and lists of lines. They are made by our own services from checked fields, so what is in them is free; but
 * their size and depth are bounded, because one that cannot be written down would take its whole group with it.
 */
const Field = Type.Union([Type.Null(), Type.Boolean(), Type.Number(), Type.String({ maxLength: 200 })]);
const fields = <Value extends TSchema>(value: Value, maxProperties: number) =>
	Type.Record(Type.String({ pattern: "^[\\s\\S]{1,40}$" }), value, { additionalProperties: false, maxProperties });
const GivenDetails = Type.Unsafe<Static<typeof Details>>(
	fields(Type.Union([Field, Type.Array(fields(Field, 10), { maxItems: 100 })]), 20),
);
const Reason = Type.String({ minLength: 1, maxLength: 200 });

const Booked = closed({
	transfer: Transfer,
	/** After the transfer. */
	debitBalance: Sum,
	creditBalance: Sum,
	replayed: Type.Boolean(),
	/** A later read that asks for at least this one sees the transfer. */
	sequence: Count,
});

const StatementLine = closed({
	accountId: AccountId,
	sequence: Count,
	position: Count,
	transferId: TransferId,
	amount: Sum,
	balanceAfter: Sum,
	postedAtMs: TimeMs,
	kind: TransferKind,
	state: TransferState,
	refunded: Sum,
	reference: nullable(TransferId),
	counterpartyId: AccountId,
	details: Details,
});

const Total = closed({
	/** When the hour began. */
	hourMs: TimeMs,
	kind: TransferKind,
	side: Type.Enum(["debit", "credit"]),
	count: Count,
	amount: Sum,
});
/** Of a month, which is one message. */
export const TOTALS_MAX = 31 * 24 * 12;

const Discrepancy = closed({ sequence: Count, position: nullable(Count), what: Type.String() });

/** What was held, as it is now. */
const Decided = closed({ ...Transfer.properties, replayed: Type.Boolean() });

const command = { id: CommandId, fingerprint: Fingerprint };

/** Of a sale, that are named where it is. */
export const REFUNDS_MAX = 100;

export const creditActions = {
	open: {
		params: closed({
			/** Says its kind, and so whether it may be overdrawn. */
			accountId: AccountId,
			owner: Owner,
		}),
		returns: Account,
	},
	transfer: {
		params: closed({
			...command,
			kind: TransferKind,
			debitAccountId: AccountId,
			creditAccountId: AccountId,
			amount: Amount,
			details: GivenDetails,
			hold: Type.Optional(closed({ ttlMs: Type.Integer({ minimum: 1_000, maximum: 30 * 86_400_000 }) })),
			redeem: Type.Optional(closed({ jti: CodeId, expiresAtMs: TimeMs, cap: Amount })),
			deadlineMs: Type.Optional(TimeMs),
		}),
		returns: Booked,
	},
	/** Refuses a transfer that nobody has decided yet, see `Command`. Null when it is refused for this now, or was before; booked when it was made before. */
	refuse: {
		params: closed({ ...command, id: TransferId, kind: TransferKind, refusal: Type.Enum(EARLY_REFUSALS) }),
		returns: nullable(Booked),
	},
	/** The outcome of a command that was decided before, as its repetition would get it; null if it was not. */
	recall: { params: closed({ ...command, id: TransferId }), returns: nullable(Booked) },
	post: { params: closed({ ...command, transferId: TransferId, amount: Type.Optional(Amount) }), returns: Decided },
	void: { params: closed({ ...command, transferId: TransferId }), returns: Decided },
	refund: {
		params: closed({ ...command, transferId: TransferId, amount: Type.Optional(Amount), details: GivenDetails }),
		returns: Booked,
	},
	cancel: {
		params: closed({ ...command, targetId: CommandId, details: GivenDetails }),
		returns: closed({
			/** What it took to make sure that the target has no effect. */
			effect: Type.Enum(["refunded", "voided", "kept_out", "none"]),
			refund: nullable(Transfer),
			replayed: Type.Boolean(),
		}),
	},
	setState: {
		params: closed({ ...command, accountId: HeldAccountId, state: AccountState, reason: Reason }),
		returns: Account,
	},
	account: { params: closed({ accountId: AccountId }), returns: Account },
	/** By a transfer's or any other command's id. */
	outcome: {
		params: closed({ id: TransferId }),
		returns: closed({
			state: Type.Enum(["applied", "refused", "not_seen"]),
			/** Of the transfer that was made or refused; null = the id is another command's, or was only cancelled. */
			kind: nullable(TransferKind),
			refusal: nullable(Type.String()),
			transfer: nullable(Transfer),
			/** The last ones; `refunded` is the sum of all. */
			refunds: Type.Array(Transfer, { maxItems: REFUNDS_MAX }),
		}),
	},
	/** What became of a command, and what the log says of it: its own entries, and those that gave back, ended or kept out what it made. */
	trace: {
		params: closed({ id: TransferId }),
		returns: closed({ entries: Type.Array(LedgerEntry, { maxItems: 1_000 }) }),
	},
	/** What is held and not decided yet, oldest first; of an account: what is kept from it. */
	listHolds: {
		params: closed({
			kind: Type.Optional(TransferKind),
			accountId: Type.Optional(AccountId),
			limit: Type.Optional(PageLimit),
		}),
		returns: closed({ items: Type.Array(Transfer), isAll: Type.Boolean() }),
	},
	statement: {
		params: closed({
			accountId: AccountId,
			limit: Type.Optional(PageLimit),
			cursor: Type.Optional(Cursor),
			kinds: Type.Optional(Type.Array(TransferKind, { maxItems: 6 })),
			fromMs: Type.Optional(TimeMs),
			toMs: Type.Optional(TimeMs),
			order: Type.Optional(Type.Enum(["newest first", "oldest first"], { default: "newest first" })),
		}),
		returns: page(StatementLine),
	},
	/** What was booked on an account since, oldest first; without `after`, from now on. */
	activity: {
		params: closed({
			accountId: AccountId,
			after: Type.Optional(Cursor),
			limit: Type.Optional(PageLimit),
		}),
		returns: closed({
			items: Type.Array(closed({ ...StatementLine.properties, cursor: Cursor })),
			/** Whether these were all, up to now. */
			isAll: Type.Boolean(),
			/** Where to go on. */
			cursor: Cursor,
			/** As it is now. */
			account: Account,
		}),
	},
	/** What was done to transfers of stores since, in the order of the log; without `after`, from now on. */
	feed: {
		params: closed({ after: Type.Optional(Cursor) }),
		returns: closed({
			items: Type.Array(
				closed({
					sequence: Count,
					position: Count,
					committedAtMs: TimeMs,
					accountIds: Type.Array(AccountId),
					/** As it was made. */
					created: nullable(Transfer),
					/** As it was after that. */
					changed: nullable(Transfer),
				}),
			),
			/** Where to go on. */
			cursor: Cursor,
			/** Whether these were all, up to now. */
			isAll: Type.Boolean(),
		}),
	},
	/** Hour by hour, those of which there are any. */
	totals: {
		params: closed({ accountId: AccountId, fromMs: TimeMs, toMs: TimeMs }),
		returns: Type.Array(Total, { maxItems: TOTALS_MAX }),
	},
	audit: {
		params: empty,
		returns: closed({
			/** Nothing is wrong, neither with the ledger nor with the operator log. */
			clean: Type.Boolean(),
			/** The first thing that is wrong with the ledger. */
			discrepancy: nullable(Discrepancy),
			/** The operator log: its chain, and whether it and the ledger say the same of what operators changed. */
			operations: closed({
				clean: Type.Boolean(),
				discrepancy: nullable(Type.String()),
				lines: Count,
				/** Kept elsewhere, it shows later that nothing was cut off. */
				headHash: Type.String(),
			}),
			groups: Count,
			entries: Count,
			refused: Count,
			accounts: Count,
			transfers: Count,
			/** Credit that wallets and stores hold together; equals what the system accounts gave out. */
			inCirculation: Sum,
			headSequence: Count,
			headHash: Type.String(),
			tookMs: Count,
		}),
	},
	status: {
		params: empty,
		returns: closed({
			sequence: Count,
			readModelSequence: Count,
			waiting: Count,
			/** Groups that the process which was asked has written since it started: one writes, the others stand by. */
			appended: Count,
			/** How far an audit is that the process runs now, in groups. */
			auditing: nullable(closed({ sequence: Count, of: Count, transfers: Count })),
		}),
	},
} as const;
