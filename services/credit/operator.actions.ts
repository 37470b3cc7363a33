import { type Static, Type } from "typebox";
import { processActions } from "../../mixins/process.actions.ts";
import {
	Account,
	AccountId,
	Amount,
	Count,
	closed,
	empty,
	Handle,
	HeldAccountId,
	IdempotencyKey,
	KeyState,
	LedgerEntry,
	nullable,
	PageLimit,
	StoreId,
	Sum,
	TimeMs,
	Transfer,
	TransferId,
	TransferKind,
	text,
	UserId,
} from "../schema.ts";

/** Not optional: whoever reads the log later was not there. */
const Reason = text(200, "Why: it stays in the operator log");
const NodeId = Type.String({ pattern: "^[A-Za-z0-9_.:-]{1,120}$", description: "A process" });

const Operation = closed({
	sequence: Count,
	atMs: TimeMs,
	by: Type.String({ maxLength: 40 }),
	operation: Type.String({ maxLength: 40 }),
	target: Type.String({ maxLength: 250 }),
	reason: Type.String({ maxLength: 200 }),
	/** Each change has two lines: `begun` before it is made, and what became of it. `unknown`: the reply was lost; asked again, it is found out. */
	phase: Type.Enum(["begun", "done", "failed", "unknown"]),
	/** Of which beginning this is the end. */
	of: nullable(Count),
	/** How it was before, how it is after, or why it failed. */
	detail: Type.String({ maxLength: 1_000 }),
	/** Over all of it, and over the hash of the line before. */
	hash: Type.String({ maxLength: 64 }),
});

const Adjustment = closed({
	id: TransferId,
	/** `pending` waits for a second operator. */
	state: Type.Enum(["pending", "posted", "voided", "expired"]),
	accountId: AccountId,
	/** What the account gets, or, if negative, gives. */
	change: Sum,
	reason: Type.String({ maxLength: 200 }),
	by: Type.String({ maxLength: 40 }),
	createdAtMs: TimeMs,
	/** By when it must be confirmed. */
	expiresAtMs: nullable(TimeMs),
});

export type Adjustment = Static<typeof Adjustment>;

export const operatorActions = {
	/** Every process of the platform, as it sees itself. */
	listProcesses: {
		params: empty,
		returns: closed({
			items: Type.Array(processActions.look.returns),
			/** Those that did not answer. */
			silent: Type.Array(Type.String()),
		}),
	},
	/** Ends a process in good order. Whatever supervises it starts another one. */
	drain: { params: closed({ nodeId: NodeId, reason: Reason }), returns: closed({ nodeId: NodeId }) },
	/** By an account's, person's or store's id, or a person's handle. */
	account: {
		params: closed({ id: Type.String({ minLength: 1, maxLength: 60 }) }),
		returns: closed({
			account: Account,
			owner: nullable(closed({ userId: UserId, handle: Handle, displayName: Type.String() })),
			store: nullable(closed({ storeId: StoreId, name: Type.String() })),
			/** Whether an operator froze it: then its owner cannot open it. */
			isLocked: Type.Boolean(),
			/** The operators who did, by name. */
			frozenBy: Type.Array(Type.String({ maxLength: 40 })),
			/** Its owner did, too, or alone. */
			isFrozenByOwner: Type.Boolean(),
		}),
	},
	/** By a transfer's or command's id; by what a client calls it and who that was; or by the key of what one did oneself as an operator. */
	payment: {
		params: closed({
			id: Type.String({
				pattern: "^[A-Za-z0-9_:.-]{1,201}$",
				description: "A transfer's id, or a sale's or request's key",
			}),
			of: Type.Optional(
				Type.String({
					minLength: 1,
					maxLength: 60,
					description: "Whose key it is: a store's or person's id, or a handle",
				}),
			),
		}),
		returns: closed({
			id: TransferId,
			state: Type.Enum(["applied", "refused"]),
			kind: nullable(TransferKind),
			refusal: nullable(Type.String()),
			transfer: nullable(Transfer),
			refunds: Type.Array(Transfer),
			entries: Type.Array(LedgerEntry),
			/** Of the request that booked it: its lines in the log have it. */
			traceId: nullable(Type.String({ maxLength: 32 })),
			/** Where that is seen, if its trace was kept. */
			traceUrl: nullable(Type.String({ maxLength: 2_000 })),
		}),
	},
	freeze: { params: closed({ accountId: HeldAccountId, reason: Reason }), returns: Account },
	/** Lifts one's own freeze, or everybody's; it is open then unless somebody else's is left. */
	unfreeze: {
		params: closed({
			accountId: HeldAccountId,
			reason: Reason,
			lift: Type.Optional(
				Type.Enum(["own", "all"], { description: "Whose freeze: one's own, or everybody's, the owner's too" }),
			),
		}),
		returns: Account,
	},
	/** Gives an account credit, or takes some. Beyond what one may adjust alone within a day it waits for a second operator. */
	adjust: {
		params: closed({
			idempotencyKey: IdempotencyKey,
			accountId: HeldAccountId,
			direction: Type.Enum(["give", "take"]),
			amount: Amount,
			reason: Reason,
		}),
		returns: Adjustment,
	},
	/** Those that wait for a second operator. */
	listAdjustments: {
		params: empty,
		returns: closed({
			items: Type.Array(Adjustment),
			isAll: Type.Boolean(),
			/** Who asks: what is theirs, somebody else confirms. */
			you: Type.String({ maxLength: 40 }),
		}),
	},
	/** What a second operator says of it. Whoever asked for it may take it back. */
	decideAdjustment: {
		params: closed({ id: TransferId, decision: Type.Enum(["confirm", "decline"]), reason: Reason }),
		returns: Adjustment,
	},
	rotateKeys: {
		params: closed({ reason: Reason }),
		returns: closed({ keys: Type.Array(closed({ kid: Type.String(), state: KeyState, createdAtMs: TimeMs })) }),
	},
	/** What operators did, newest first. */
	listOperations: {
		params: closed({ before: Type.Optional(Count), limit: Type.Optional(PageLimit) }),
		returns: closed({ items: Type.Array(Operation), nextBefore: nullable(Count) }),
	},
} as const;
