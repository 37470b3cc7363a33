import type { Context, Service, ServiceSchema } from "moleculer";
import { bookingOf } from "../../mixins/booking.ts";
import { commandOf, keyOf, transferIdOf } from "../../mixins/command-id.ts";
import { database, documents } from "../../mixins/database.ts";
import { isDuplicateKey } from "../../mixins/document-errors.ts";
import { clockOf } from "../../mixins/mongo.ts";
import { newId } from "../../mixins/new-id.ts";
import { drawCode } from "../../mixins/qr-image.ts";
import type { Settings } from "../../moleculer.config.ts";
import { action, call, callerOf, type Meta, type Params, type Result } from "../actions.ts";
import { fail, problemOf } from "../errors.ts";
import { toTransaction, transactionsCsvOf } from "./transaction.ts";
import { userActions } from "./user.actions.ts";

/** How long a code lives. The customer's screen shows a new one before that. */
const CODE_TTL_S = 60;
/** A code that was made ahead begins to be good so long before the one before it ends. */
const CODE_OVERLAP_S = 5;
/** The most that a code pays without asking that was made ahead. */
const CODE_AHEAD_CAP = 30_000;
const CONFIRM_ABOVE_USUAL = 100_000;
/** Of those that a client missed, at once. */
const EVENTS_MAX = 100;

type User = {
	readonly _id: string;
	readonly handle: string;
	readonly displayName: string;
	readonly confirmAbove?: number;
	/** The last time that they froze their wallet themselves. Then they may open it again; what an operator has frozen, only an operator may. */
	readonly frozenByOwner: string | null;
	/** An operator froze the wallet: whatever its owner did before or does now does not open it. */
	readonly isLocked: boolean;
	/** How often it was locked and unlocked. Whoever unlocks says which lock they mean: one that comes late must not undo the next. */
	readonly lockVersion: number;
	readonly createdAtMs: number;
};

const usersOf = (service: Service) => documents<User>(service, "users");
const walletOf = (userId: string): string => `wallet:${userId}`;

/** People and their wallets. */
export default (settings: Settings): ServiceSchema => ({
	name: "user",
	mixins: [database(settings, { collection: "users", indexes: [{ fields: ["handle"], unique: true }] })],
	dependencies: ["auth", "credit"],

	actions: {
		signUp: action("published", userActions.signUp, async function (ctx) {
			const { handle, password, displayName, address } = ctx.params;
			const { userId } = await call(ctx, "auth.register", { handle, password, address });
			await call(ctx, "credit.open", { accountId: walletOf(userId), owner: userId });
			// The profile comes last: while it is missing, the same sign-up can be sent again and goes on where it was cut off.
			const unfrozen = { frozenByOwner: null, isLocked: false, lockVersion: 0 };
			const user = { _id: userId, handle, displayName, ...unfrozen, createdAtMs: Date.now() };
			return person(await insertUser(this, user));
		}),

		find: action("published", userActions.find, async function (ctx) {
			const { handle, displayName } = await byHandle(this, ctx.params.handle);
			return { handle, displayName };
		}),

		identify: action("public", userActions.identify, async function (ctx) {
			const { _id: userId, handle } = await byHandle(this, ctx.params.handle);
			return { userId, handle };
		}),

		holder: action("public", userActions.holder, async function (ctx) {
			const user = await byId(this, ctx.params.userId);
			const { isLocked, lockVersion, frozenByOwner } = user;
			return { ...person(user), isLocked, lockVersion, isFrozenByOwner: frozenByOwner !== null };
		}),

		lock: action("public", userActions.lock, async function (ctx) {
			const { userId } = ctx.params;
			// Whoever reads it from now on sees the lock; who has read it before opens by the id that is kept out below.
			const frozenByOwner = await lock(this, userId);
			if (frozenByOwner) await keepOut(ctx, { userId, frozenByOwner });
			return {};
		}),

		unlock: action("public", userActions.unlock, async function (ctx) {
			return { isUnlocked: await unlock(this, ctx.params) };
		}),

		me: action("published", userActions.me, async function (ctx) {
			const user = await byId(this, callerOf(ctx).userId);
			const account = await call(ctx, "credit.account", { accountId: walletOf(user._id) });
			const { balance, available, pending, state } = account;
			const limits = { chargeMax: settings.chargeMax, confirmAbove: confirmAboveOf(user) };
			return { ...person(user), balance, available, pending, state, limits };
		}),

		edit: action("published", userActions.edit, async function (ctx) {
			const user = await usersOf(this).updateById(callerOf(ctx).userId, { $set: ctx.params });
			if (!user) throw fail("not_found");
			return person(user);
		}),

		charge: action("published", userActions.charge, async (ctx) => {
			const { amount } = ctx.params;
			const { userId } = callerOf(ctx);
			const command = commandOf({ scope: userId, action: "user.charge" }, ctx.params);
			if (amount > settings.chargeMax) return chargedBefore(ctx, command);
			const booked = await call(ctx, "credit.transfer", {
				...command,
				kind: "charge",
				debitAccountId: "system:funding",
				creditAccountId: walletOf(userId),
				amount,
				details: {},
			});
			return bookingWithBalance(ctx, booked, booked.creditBalance);
		}),

		send: action("published", userActions.send, async function (ctx) {
			const { to, amount, note } = ctx.params;
			const sender = await byId(this, callerOf(ctx).userId);
			const recipient = await byHandle(this, to);
			const booked = await call(ctx, "credit.transfer", {
				...commandOf({ scope: sender._id, action: "user.send" }, ctx.params),
				kind: "p2p",
				debitAccountId: walletOf(sender._id),
				creditAccountId: walletOf(recipient._id),
				amount,
				details: { from: sender.displayName, to: recipient.displayName, note: note ?? null },
			});
			return bookingWithBalance(ctx, booked, booked.debitBalance);
		}),

		getCharge: action("published", userActions.getCharge, async (ctx) => booking(ctx, "charge")),

		getTransfer: action("published", userActions.getTransfer, async (ctx) => booking(ctx, "p2p")),

		freeze: action("published", userActions.freeze, async function (ctx) {
			const { userId } = callerOf(ctx);
			const { state } = await call(ctx, "credit.account", { accountId: walletOf(userId) });
			if (state !== "open") return { state };
			// First: if only this is done, nothing is frozen, and doing it again mends that.
			await usersOf(this).updateById(userId, { $set: { frozenByOwner: newId("n") } });
			return setState(ctx, { state: "frozen", key: newId("n") });
		}),

		unfreeze: action("published", userActions.unfreeze, async function (ctx) {
			const { _id: userId, frozenByOwner, isLocked } = await byId(this, callerOf(ctx).userId);
			if (isLocked) throw fail("account_frozen");
			await call(ctx, "auth.confirmPassword", { password: ctx.params.password });
			if (!frozenByOwner) return isOpen(ctx, userId);
			const opened = await setState(ctx, { state: "open", key: openingOf(frozenByOwner) }).catch((error: unknown) => {
				// An operator has locked it meanwhile.
				throw problemOf(error) === "cancelled" ? fail("account_frozen") : error;
			});
			// Unless another device has frozen it meanwhile.
			await usersOf(this).updateMany({ _id: userId, frozenByOwner }, { $set: { frozenByOwner: null } });
			return opened;
		}),

		issueCode: action("published", userActions.issueCode, async function (ctx) {
			const clock = clockOf(settings);
			const { image, ahead = 0 } = ctx.params;
			const { userId } = callerOf(ctx);
			const limit = confirmAboveOf(await byId(this, userId));
			const cap = Math.min(ctx.params.cap ?? limit, limit);
			const { code, expiresAtMs } = await call(ctx, "auth.signCode", { userId, ttlS: CODE_TTL_S, cap });
			const drawn = image ? await drawCode(code, image) : null;
			const later = await Promise.all(
				Array.from({ length: ahead }, (_, index) => codeAhead(ctx, { index, userId, cap, clock })),
			);
			return { code, cap, expiresAtMs, expiresInMs: Math.max(0, expiresAtMs - clock()), image: drawn, later };
		}),

		listTransactions: action("published", userActions.listTransactions, async (ctx) => {
			const { kind, limit = 20, ...range } = ctx.params;
			const accountId = walletOf(callerOf(ctx).userId);
			const query = { ...range, accountId, limit, ...(kind && { kinds: [kind] }) };
			const { items, nextCursor } = await call(ctx, "credit.statement", query);
			return { items: items.map(toTransaction), nextCursor };
		}),

		listEvents: action("published", userActions.listEvents, async (ctx) => {
			const accountId = walletOf(callerOf(ctx).userId);
			const since = await call(ctx, "credit.activity", { accountId, ...ctx.params, limit: EVENTS_MAX });
			const { balance, available, pending, state } = since.account;
			const items = since.items.map((line) => ({ ...toTransaction(line), cursor: line.cursor }));
			return { ...since, items, account: { balance, available, pending, state } };
		}),

		exportTransactions: action("published", userActions.exportTransactions, async (ctx) => {
			const { kind, cursor, ...range } = ctx.params;
			const accountId = walletOf(callerOf(ctx).userId);
			const query = { ...range, accountId, limit: 100, ...(kind && { kinds: [kind] }), ...(cursor && { cursor }) };
			return transactionsCsvOf(await call(ctx, "credit.statement", query), cursor === null);
		}),
	},
});

type CodeAhead = {
	readonly index: number;
	readonly userId: string;
	readonly cap: number;
	readonly clock: () => number;
};

async function codeAhead(ctx: Context<unknown, Meta>, asked: CodeAhead) {
	const { userId } = asked;
	const cap = Math.min(asked.cap, CODE_AHEAD_CAP);
	const startsInS = (asked.index + 1) * (CODE_TTL_S - CODE_OVERLAP_S);
	const signed = await call(ctx, "auth.signCode", { userId, ttlS: CODE_TTL_S, startsInS, cap });
	const nowMs = asked.clock();
	const { code, issuedAtMs, expiresAtMs } = signed;
	return { code, cap, startsInMs: Math.max(0, issuedAtMs - nowMs), expiresInMs: Math.max(0, expiresAtMs - nowMs) };
}

/** What is above the limit now may have been charged while that was higher, and this is its repetition. @throws charge_limit_exceeded when it was not */
async function chargedBefore(ctx: Context<unknown, Meta>, command: Params<"credit.recall">) {
	const booked = await call(ctx, "credit.recall", command);
	if (!booked) throw fail("charge_limit_exceeded");
	return bookingWithBalance(ctx, booked, booked.creditBalance);
}

async function booking(ctx: Context<{ id: string }, Meta>, kind: "charge" | "p2p"): Promise<Result<"user.getCharge">> {
	const id = transferIdOf(callerOf(ctx).userId, ctx.params.id);
	return bookingOf(kind, id, await call(ctx, "credit.outcome", { id }));
}

function bookingWithBalance(ctx: Context<unknown, Meta>, booked: Result<"credit.transfer">, balanceAfter: number) {
	const { transfer, replayed } = booked;
	ctx.meta.replayed = replayed;
	const { id: transferId, amount, createdAtMs } = transfer;
	return {
		id: keyOf(transferId),
		transferId,
		state: "posted" as const,
		refusal: null,
		amount,
		createdAtMs,
		balanceAfter,
	};
}

async function insertUser(service: Service, user: User): Promise<User> {
	try {
		return await usersOf(service).insert(user);
	} catch (error) {
		if (isDuplicateKey(error)) throw fail("handle_taken");
		throw error;
	}
}

async function byId(service: Service, userId: string): Promise<User> {
	const user = await usersOf(service).findById(userId);
	if (!user) throw fail("not_found");
	return user;
}

async function byHandle(service: Service, handle: string): Promise<User> {
	const user = await usersOf(service).findOne({ handle });
	if (!user) throw fail("not_found", "Nobody has this handle");
	return user;
}

const confirmAboveOf = ({ confirmAbove = CONFIRM_ABOVE_USUAL }: User): number => confirmAbove;

/** Who repeats an opening whose answer was lost has what they want. @throws account_frozen when it is not theirs to open */
async function isOpen(ctx: Context<unknown, Meta>, userId: string): Promise<Result<"user.unfreeze">> {
	const { state } = await call(ctx, "credit.account", { accountId: walletOf(userId) });
	if (state !== "open") throw fail("account_frozen");
	return { state };
}

/** What was frozen is opened once: the command that does it has an id of which an operator knows, too. */
const openingOf = (frozenByOwner: string): string => `open-${frozenByOwner}`;

/** @returns by what its owner could open it until now */
async function lock(service: Service, userId: string): Promise<string | null> {
	for (;;) {
		const { frozenByOwner } = await byId(service, userId);
		// Unless its owner has frozen it meanwhile.
		const change = { $set: { isLocked: true }, $inc: { lockVersion: 1 } };
		if ((await usersOf(service).updateMany({ _id: userId, frozenByOwner }, change)) === 1) return frozenByOwner;
	}
}

/** @returns false when it was locked or unlocked since this version, and nothing was done */
async function unlock(
	service: Service,
	{ userId, lockVersion, ownersFreeze }: Params<"user.unlock">,
): Promise<boolean> {
	for (;;) {
		const before = await byId(service, userId);
		if (before.lockVersion !== lockVersion) return false;
		// By another id than before: an operator keeps out the one by which it could be opened then.
		const frozenByOwner = ownersFreeze === "kept" && before.frozenByOwner ? newId("n") : null;
		const change = { $set: { isLocked: false, frozenByOwner }, $inc: { lockVersion: 1 } };
		// Unless it was locked, or its owner has frozen it, since it was read.
		if (
			(await usersOf(service).updateMany({ _id: userId, lockVersion, frozenByOwner: before.frozenByOwner }, change)) ===
			1
		)
			return true;
	}
}

async function keepOut(
	ctx: Context<unknown, Meta>,
	{ userId, frozenByOwner }: { userId: string; frozenByOwner: string },
) {
	const targetId = transferIdOf(userId, openingOf(frozenByOwner));
	const command = { id: transferIdOf(userId, `locked-${frozenByOwner}`), fingerprint: "lock", targetId, details: {} };
	await call(ctx, "credit.cancel", command).catch((error: unknown) => {
		// It was opened before, and is not opened by that again.
		if (problemOf(error) !== "not_cancellable") throw error;
	});
}

type StateSet = { state: "frozen" | "open"; key: string };

/** Each time a command of its own: freezing, opening and freezing again must not be taken for a repetition. */
async function setState(ctx: Context<unknown, Meta>, { state, key }: StateSet): Promise<Result<"user.freeze">> {
	const { userId } = callerOf(ctx);
	const command = { id: transferIdOf(userId, key), fingerprint: state };
	const account = await call(ctx, "credit.setState", {
		...command,
		accountId: walletOf(userId),
		state,
		reason: "asked for by its owner",
	});
	return { state: account.state };
}

const person = ({ _id, handle, displayName, createdAtMs }: User) => ({ userId: _id, handle, displayName, createdAtMs });
