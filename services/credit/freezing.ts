import type { Service } from "moleculer";
import { documents } from "../../mixins/database.ts";
import { isDuplicateKey } from "../../mixins/document-errors.ts";
import { call, type Params, type Result } from "../actions.ts";
import { fail, problemOf } from "../errors.ts";
import { type Asking, operatorOf, recorded } from "./operation.ts";
import { changeIdOf, type Line } from "./operator-log.ts";

type Account = Result<"credit.account">;

/** That an operator has frozen an account, and not lifted that. */
type Freeze = { readonly _id: string; readonly accountId: string; readonly by: string };

/** The collection: one document for each operator and account. */
export const OPERATOR_FREEZES = "operator_freezes";
const FREEZERS_MAX = 100;

const freezesOf = (service: Service) => documents<Freeze>(service, OPERATOR_FREEZES);
const idOf = (accountId: string, by: string): string => `${accountId} ${by}`;

/** The operators who keep it frozen, by name. */
export async function freezersOf(service: Service, accountId: string): Promise<string[]> {
	const found = await freezesOf(service).find({ query: { accountId }, limit: FREEZERS_MAX });
	return found.map(({ by }) => by).sort();
}

/** Also over what its owner or another operator froze: each of them lifts their own. */
export async function freeze(
	service: Service,
	ctx: Asking<Params<"operator.freeze">>,
): Promise<Result<"operator.freeze">> {
	const { accountId } = ctx.params;
	const { state } = await call(ctx, "credit.account", { accountId });
	return recorded(service, ctx, {
		operation: "account.freeze",
		target: accountId,
		before: state,
		make: async (begun, by) => {
			await remember(service, accountId, by);
			// First: from now on its owner cannot open it any more, and an opening that is on its way comes to nothing.
			const isLocked = isWallet(accountId) && (await orNull(call(ctx, "user.lock", { userId: ownerIn(accountId) })));
			const frozen = await setState(ctx, begun, "frozen");
			// They have signed up meanwhile, and may have frozen it as well, which they could lift.
			return !isLocked && (await holderOf(ctx, accountId)) ? freeze(service, ctx) : frozen;
		},
		after: ({ state }) => state,
	});
}

async function remember(service: Service, accountId: string, by: string): Promise<void> {
	await freezesOf(service)
		.insert({ _id: idOf(accountId, by), accountId, by })
		.catch((error: unknown) => {
			if (!isDuplicateKey(error)) throw error;
		});
}

/**
 * Lifts what this operator froze; the account is open then, unless somebody else has frozen it as well. `lift: "all"` opens it whoever has.
 *
 * @throws account_not_found, account_closed, frozen_by_others where there is nothing of one's own to lift
 */
export async function unfreeze(
	service: Service,
	ctx: Asking<Params<"operator.unfreeze">>,
): Promise<Result<"operator.unfreeze">> {
	const { accountId, lift = "own" } = ctx.params;
	const { state } = await call(ctx, "credit.account", { accountId });
	const name = operatorOf(ctx);
	const operators = await freezersOf(service, accountId);
	const isByOwner = await isFrozenByOwner(ctx, accountId);
	const others = [...operators.filter((each) => each !== name), ...(isByOwner ? ["its owner"] : [])];
	const change = { target: accountId, before: state, after: ({ state }: Account) => state };
	if (lift === "all" || state !== "frozen" || others.length === 0) return open(service, ctx, change);
	if (!operators.includes(name)) throw fail("frozen_by_others", `It was frozen by ${others.join(" and ")}`);
	return recorded(service, ctx, {
		...change,
		operation: "account.lift",
		make: async () => {
			await freezesOf(service).removeById(idOf(accountId, name));
			await unlockUnlessFrozen(service, ctx, "kept");
			return call(ctx, "credit.account", { accountId });
		},
	});
}

type Change = { readonly target: string; readonly before: string; after(made: Account): string };

const open = (service: Service, ctx: Asking<Params<"operator.unfreeze">>, change: Change) =>
	recorded(service, ctx, {
		...change,
		operation: "account.unfreeze",
		make: async (begun, by) => {
			const { accountId } = ctx.params;
			if (ctx.params.lift === "all") await freezesOf(service).removeMany({ accountId });
			else await freezesOf(service).removeById(idOf(accountId, by));
			// First: what is cut off behind this is done by doing it again. One that is open and locked its owner could freeze, and then neither open
			// nor have opened by who did this.
			await unlockUnlessFrozen(service, ctx, "forgotten");
			const opened = await setState(ctx, begun, "open");
			// Somebody has frozen it meanwhile, and may have been told that it is: better frozen by two than by none.
			return (await freezersOf(service, accountId)).length > 0 ? freeze(service, ctx) : opened;
		},
	});

/** Operators are few; more often it is refused by somebody who does not mean it. */
const UNLOCK_ATTEMPTS_MAX = 10;

/**
 * Who freezes is remembered first, and then locks. So the version is read before it is looked who there is: whoever is not seen here locks
 * after it was read, and then this unlocks nothing, or did so before.
 *
 * @throws service_unavailable
 */
async function unlockUnlessFrozen(
	service: Service,
	ctx: Asking<Params<"operator.unfreeze">>,
	ownersFreeze: Params<"user.unlock">["ownersFreeze"],
): Promise<void> {
	const { accountId } = ctx.params;
	for (let attempt = 0; attempt < UNLOCK_ATTEMPTS_MAX; attempt++) {
		const holder = await holderOf(ctx, accountId);
		if (!holder || (await freezersOf(service, accountId)).length > 0) return;
		const { userId, lockVersion } = holder;
		const { isUnlocked } = await call(ctx, "user.unlock", { userId, lockVersion, ownersFreeze });
		if (isUnlocked) return;
	}
	throw fail("service_unavailable", "Others lock and unlock it at the same moment");
}

const isFrozenByOwner = async (ctx: Asking, accountId: string): Promise<boolean> =>
	(await holderOf(ctx, accountId))?.isFrozenByOwner ?? false;

/** Null of what is no wallet, and of a person whose profile is missing. */
const holderOf = async (ctx: Asking, accountId: string): Promise<Result<"user.holder"> | null> =>
	isWallet(accountId) ? orNull(call(ctx, "user.holder", { userId: ownerIn(accountId) })) : null;

/** A profile may be missing: sign-up was cut off before it. */
export async function orNull<T>(asked: Promise<T>): Promise<T | null> {
	return asked.catch((error: unknown) => {
		if (problemOf(error) !== "not_found") throw error;
		return null;
	});
}

const isWallet = (accountId: string): boolean => accountId.startsWith("wallet:");
const ownerIn = (accountId: string): string => accountId.slice(accountId.indexOf(":") + 1);

/** Each time a command of its own: freezing, opening and freezing again must not be taken for a repetition. */
const setState = (
	ctx: Asking<{ readonly accountId: string; readonly reason: string }>,
	begun: Line,
	state: "frozen" | "open",
) => {
	const { accountId, reason } = ctx.params;
	return call(ctx, "credit.setState", { id: changeIdOf(begun), fingerprint: state, accountId, state, reason });
};
