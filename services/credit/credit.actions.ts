import { Type } from "typebox";
import {
	AccountId,
	Amount,
	Count,
	Cursor,
	closed,
	empty,
	nullable,
	PageLimit,
	page,
	Sum,
	TimeMs,
	TransferId,
	TransferKind,
	TransferState,
} from "../schema.ts";

const Fingerprint = Type.String({
	maxLength: 64,
	description: "Digest of what the client asked: tells a retry from a new request",
});
/** Receipts are made by our own services from checked fields, so only their size is bounded here. */
const Details = Type.Record(Type.String({ maxLength: 40 }), Type.Unknown(), { maxProperties: 20 });
const Reason = Type.String({ minLength: 1, maxLength: 200 });

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

const AccountState = Type.Enum(["open", "frozen", "closed"]);

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

const Total = closed({ kind: TransferKind, side: Type.Enum(["debit", "credit"]), count: Count, amount: Sum });

const Discrepancy = closed({ sequence: Count, position: nullable(Count), what: Type.String() });

const command = { id: TransferId, fingerprint: Fingerprint };

export const creditActions = {
	open: {
		params: closed({
			accountId: AccountId,
			kind: Type.Enum(["wallet", "store", "system"]),
			owner: Type.String({ maxLength: 40 }),
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
			details: Details,
			hold: Type.Optional(closed({ ttlMs: Type.Integer({ minimum: 1_000, maximum: 30 * 86_400_000 }) })),
			redeem: Type.Optional(
				closed({ jti: Type.String({ minLength: 8, maxLength: 40 }), expiresAtMs: TimeMs, cap: Amount }),
			),
			deadlineMs: Type.Optional(TimeMs),
		}),
		returns: Booked,
	},
	/** The outcome of a command that was decided before, as its repetition would get it; null if it was not. */
	recall: { params: closed(command), returns: nullable(Booked) },
	post: { params: closed({ ...command, transferId: TransferId, amount: Type.Optional(Amount) }), returns: Transfer },
	void: { params: closed({ ...command, transferId: TransferId }), returns: Transfer },
	refund: {
		params: closed({ ...command, transferId: TransferId, amount: Type.Optional(Amount), details: Details }),
		returns: Booked,
	},
	cancel: {
		params: closed({ ...command, targetId: TransferId, details: Details }),
		returns: closed({
			/** What it took to make sure that the target has no effect. */
			effect: Type.Enum(["refunded", "voided", "kept_out", "none"]),
			refund: nullable(Transfer),
			replayed: Type.Boolean(),
		}),
	},
	setState: {
		params: closed({ ...command, accountId: AccountId, state: AccountState, reason: Reason }),
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
			refunds: Type.Array(Transfer),
		}),
	},
	statement: {
		params: closed({
			accountId: AccountId,
			limit: Type.Optional(PageLimit),
			cursor: Type.Optional(Cursor),
			kinds: Type.Optional(Type.Array(TransferKind, { maxItems: 6 })),
			fromMs: Type.Optional(TimeMs),
			toMs: Type.Optional(TimeMs),
		}),
		returns: page(StatementLine),
	},
	totals: {
		params: closed({ accountId: AccountId, fromMs: TimeMs, toMs: TimeMs }),
		returns: Type.Array(Total),
	},
	audit: {
		params: empty,
		returns: closed({
			clean: Type.Boolean(),
			/** The first thing that is wrong. */
			discrepancy: nullable(Discrepancy),
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
		returns: closed({ sequence: Count, readModelSequence: Count, waiting: Count }),
	},
} as const;
