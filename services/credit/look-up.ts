import type { Service } from "moleculer";
import { isTraceId } from "../../mixins/trace-id.ts";
import { call, type Params, type Result } from "../actions.ts";
import { fail } from "../errors.ts";
import { freezersOf, orNull } from "./freezing.ts";
import { type Asking, operatorOf } from "./operation.ts";
import { scopeOf } from "./operator-log.ts";

const PERSON = /^(?:wallet:)?(u_[A-Za-z0-9_-]{16})$/;
const STORE = /^(?:store:)?(s_[A-Za-z0-9_-]{16})$/;
const HANDLE = /^@?([a-z0-9][a-z0-9._]{1,28}[a-z0-9])$/;

/** What an operator calls somebody's account: by its id, by its owner's, or by a handle, with an @ before it if it looks like an id. */
export async function findAccount(
	service: Service,
	ctx: Asking<Params<"operator.account">>,
): Promise<Result<"operator.account">> {
	const { id } = ctx.params;
	const account = await call(ctx, "credit.account", { accountId: await accountIdOf(ctx, id) });
	if (account.kind === "system")
		return { account, owner: null, store: null, isLocked: false, frozenBy: [], isFrozenByOwner: false };
	const holder = await orNull(call(ctx, "user.holder", { userId: account.owner }));
	const storeId = STORE.exec(account.id)?.[1];
	const store = storeId === undefined ? null : await orNull(call(ctx, "store.identify", { storeId }));
	const owner = holder && { userId: holder.userId, handle: holder.handle, displayName: holder.displayName };
	// A store's owner cannot open it in any case.
	const isLocked = storeId === undefined ? (holder?.isLocked ?? false) : account.state === "frozen";
	return {
		account,
		owner,
		store: store && { storeId: store.storeId, name: store.name },
		isLocked,
		frozenBy: await freezersOf(service, account.id),
		isFrozenByOwner: (storeId === undefined && holder?.isFrozenByOwner) ?? false,
	};
}

async function accountIdOf(ctx: Asking, id: string): Promise<string> {
	if (/^system:[a-z]{1,20}$/.test(id)) return id;
	const scope = await ownerOf(ctx, id, "account_not_found");
	return scope.startsWith("u_") ? `wallet:${scope}` : `store:${scope}`;
}

/** The id of the person or store. */
async function ownerOf(ctx: Asking, named: string, missing: "account_not_found" | "not_found"): Promise<string> {
	const known = PERSON.exec(named)?.[1] ?? STORE.exec(named)?.[1];
	if (known) return known;
	const handle = HANDLE.exec(named)?.[1];
	const found = handle && (await orNull(call(ctx, "user.identify", { handle })));
	if (!found) throw fail(missing);
	return found.userId;
}

/** One payment, with all that the ledger's log says of it. @throws not_found */
export async function findPayment(
	ctx: Asking<Params<"operator.payment">>,
	zipkinPagesUrl: string | null,
): Promise<Result<"operator.payment">> {
	const { id: named, of } = ctx.params;
	const own = () => (named.includes(".") ? named : `${scopeOf(operatorOf(ctx))}.${named}`);
	const id = of === undefined ? own() : `${await ownerOf(ctx, of, "not_found")}.${named}`;
	if (!/^[A-Za-z0-9_:-]{1,60}\.[A-Za-z0-9_:.-]{1,140}$/.test(id)) throw fail("not_found");
	const { state, kind, refusal, transfer, refunds } = await call(ctx, "credit.outcome", { id });
	if (state === "not_seen") throw fail("not_found");
	const { entries } = await call(ctx, "credit.trace", { id });
	const traceId = transfer?.details.traceId;
	const traceUrl = isTraceId(traceId) && zipkinPagesUrl ? `${zipkinPagesUrl}/zipkin/traces/${traceId}` : null;
	return {
		id,
		state,
		kind,
		refusal,
		transfer,
		refunds,
		entries,
		traceId: isTraceId(traceId) ? traceId : null,
		traceUrl,
	};
}
