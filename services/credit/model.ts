/** The ledger's words, TigerBeetle's and accounting's. All amounts are whole credits, all times milliseconds since 1970. */

export type AccountId = string & { readonly brand: "AccountId" };
export type TransferId = string & { readonly brand: "TransferId" };
/** Made by the client side, scoped by who acts (`s_….<idempotency key>`), unique for ever. A new transfer has its command's id. */
export type CommandId = string & { readonly brand: "CommandId" };
export type Jti = string & { readonly brand: "Jti" };

export type AccountKind = "wallet" | "store" | "system";
export type AccountState = "open" | "frozen" | "closed";
export type TransferKind = "charge" | "sale" | "p2p" | "refund" | "payout" | "adjustment";
export type TransferState = "pending" | "posted" | "voided" | "expired";

/** Balance = credits − debits; available = balance − debitsPending. */
export type Account = {
	readonly id: AccountId;
	readonly kind: AccountKind;
	/** The person's or store's id. */
	readonly owner: string;
	/** The lowest available balance allowed; null = none (system accounts). */
	readonly floor: number | null;
	readonly state: AccountState;
	readonly debitsPosted: number;
	readonly creditsPosted: number;
	readonly debitsPending: number;
	readonly creditsPending: number;
};

export type Transfer = {
	readonly id: TransferId;
	readonly kind: TransferKind;
	readonly debitAccountId: AccountId;
	readonly creditAccountId: AccountId;
	/** What moved, or is held; a partial post lowers it to what was posted. */
	readonly amount: number;
	readonly state: TransferState;
	/** The sum of all refunds of this transfer. */
	readonly refunded: number;
	/** A refund names the transfer it returns. */
	readonly reference: TransferId | null;
	/** The receipt: store, till, items, note. A sale is its transfer, there is no second record. */
	readonly details: Details;
	/** The time of its group. */
	readonly createdAtMs: number;
	/** Set on holds: by the clock of who made it, which the log's time may be ahead of. */
	readonly expiresAtMs: number | null;
};

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Details = { readonly [key: string]: Json };

/** A payment code that a transfer uses up. */
export type Redemption = {
	readonly jti: Jti;
	readonly expiresAtMs: number;
	/** The most that the customer agreed to by this code. */
	readonly cap: number;
};

type CommandBase = {
	readonly id: CommandId;
	/** Tells whether a repeated id means the same request: a digest of what the client asked, not of what was computed from it. */
	readonly fingerprint: string;
};

/** What is asked. Amounts are checked before: `isAmount`. */
export type Command =
	| (CommandBase & {
			readonly type: "open";
			readonly accountId: AccountId;
			readonly kind: AccountKind;
			readonly owner: string;
	  })
	| (CommandBase & {
			readonly type: "transfer";
			readonly kind: TransferKind;
			readonly debitAccountId: AccountId;
			readonly creditAccountId: AccountId;
			readonly amount: number;
			readonly details: Details;
			/** A hold instead of a transfer that posts at once. */
			readonly hold?: { readonly ttlMs: number };
			readonly redeem?: Redemption;
			/** Refuse when decided later than this: the caller has given up by then. */
			readonly deadlineMs?: number;
	  })
	/**
	 * A transfer that was refused before the ledger was asked. That takes its id: the same one, if somebody else submits it, has no effect any more.
	 * If it was decided before, that is its outcome.
	 */
	| (CommandBase & { readonly type: "refuse"; readonly kind: TransferKind; readonly refusal: EarlyRefusal })
	| (CommandBase & { readonly type: "post"; readonly transferId: TransferId; readonly amount?: number })
	| (CommandBase & { readonly type: "void"; readonly transferId: TransferId })
	| (CommandBase & { readonly type: "expire"; readonly transferId: TransferId })
	| (CommandBase & {
			readonly type: "refund";
			readonly transferId: TransferId;
			readonly amount?: number;
			readonly details: Details;
	  })
	/** Make sure that a command whose outcome is unknown has no effect: refund it, void it, or keep it out for ever. */
	| (CommandBase & { readonly type: "cancel"; readonly targetId: CommandId; readonly details: Details })
	| (CommandBase & {
			readonly type: "set-state";
			readonly accountId: AccountId;
			readonly state: AccountState;
			readonly reason: string;
	  });

/** Why a transfer may be refused before the ledger is asked: what only those know who price it and read its code. */
export const EARLY_REFUSALS = [
	"forbidden",
	"own_store",
	"product_unavailable",
	"price_changed",
	"discount_too_large",
	"amount_out_of_range",
	"code_invalid",
	"code_too_early",
	"code_expired",
] as const;
export type EarlyRefusal = (typeof EARLY_REFUSALS)[number];

/** Why a command was refused: a closed set, each a code of `services/errors.ts`. */
export type Refusal =
	| EarlyRefusal
	| "deadline_exceeded"
	| "code_used"
	| "code_cap_exceeded"
	| "account_not_found"
	| "account_exists"
	| "account_frozen"
	| "account_closed"
	| "account_not_empty"
	| "same_account"
	| "insufficient_credit"
	| "transfer_not_found"
	| "not_pending"
	| "hold_expired"
	| "amount_exceeds_hold"
	| "not_refundable"
	| "refund_exceeds_sale"
	| "not_cancellable"
	| "cancelled";

/** `[account, debitsPosted, creditsPosted, debitsPending, creditsPending]` after the entry; short, since every entry has two. */
export type Counters = readonly [AccountId, number, number, number, number];

/**
 * What was decided about one command. It says everything that changed as it stands *afterwards*, so that a follower, the
 * read model and a rebuild only write it down: no rule is applied twice.
 */
export type Entry = {
	readonly id: CommandId;
	/** A transfer that was refused early is one that was refused. */
	readonly type: Exclude<Command["type"], "refuse">;
	readonly fingerprint: string;
	/** Of a transfer that was refused: nothing else says what it was to be. */
	readonly kind?: TransferKind;
	/** Set = refused: then nothing moved (a code may still be used up). */
	readonly refusal?: Refusal;
	readonly redeemed?: { readonly jti: Jti; readonly expiresAtMs: number };
	readonly opened?: Account;
	readonly stateSet?: { readonly accountId: AccountId; readonly state: AccountState; readonly reason: string };
	readonly created?: Transfer;
	readonly changed?: {
		readonly id: TransferId;
		readonly kind: TransferKind;
		readonly state: TransferState;
		readonly amount: number;
		readonly refunded: number;
	};
	/** A cancelled id that was never seen: it is taken, so that a late arrival is refused. */
	readonly tombstone?: CommandId;
	/** Debit side first. */
	readonly counters?: readonly Counters[];
};

export const balanceOf = (account: Account): number => account.creditsPosted - account.debitsPosted;
export const availableOf = (account: Account): number => balanceOf(account) - account.debitsPending;
