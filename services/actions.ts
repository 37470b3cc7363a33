import type { ActionSchema, Context, Service } from "moleculer";
import type { Static, TSchema } from "typebox";
import type { processActions } from "../mixins/process.actions.ts";
import type { authActions } from "./auth/auth.actions.ts";
import type { creditActions } from "./credit/credit.actions.ts";
import type { operatorActions } from "./credit/operator.actions.ts";
import { fail, problemOf, problems } from "./errors.ts";
import type { hasherActions } from "./hasher/hasher.actions.ts";
import type { FilePage } from "./schema.ts";
import type { storeActions } from "./store/store.actions.ts";
import type { userActions } from "./user/user.actions.ts";

/** What an action takes and gives. `returns` also limits what the gateway sends: fields that it does not name stay inside. */
export type ActionSpec = { readonly params: TSchema; readonly returns: TSchema };

type Named<Service extends string, Specs> = { [Name in keyof Specs & string as `${Service}.${Name}`]: Specs[Name] };

/** Every action of the platform by its full name. Types only: a service never imports another one's code. */
export interface Actions
	extends Named<"auth", typeof authActions>,
		Named<"credit", typeof creditActions>,
		Named<"hasher", typeof hasherActions>,
		Named<"operator", typeof operatorActions>,
		Named<"process", typeof processActions>,
		Named<"store", typeof storeActions>,
		Named<"user", typeof userActions> {}

type Spec<Name extends keyof Actions> = Actions[Name] extends ActionSpec ? Actions[Name] : never;
export type Params<Name extends keyof Actions> = Static<Spec<Name>["params"]>;
export type Result<Name extends keyof Actions> = Static<Spec<Name>["returns"]>;

/** What a client is answered: of a file, all pages as one. */
export type Answered<Name extends keyof Actions> = Result<Name> extends Static<typeof FilePage> ? string : Result<Name>;

export type Person = { readonly kind: "person"; readonly userId: string; readonly sessionId: string };
export type Till = {
	readonly kind: "till";
	readonly tillId: string;
	readonly storeId: string;
	readonly mayRefund: boolean;
	/** How much of a basket it may let go; 0 = no discounts. */
	readonly discountMaxPercent: number;
};

/** Whoever shows the one token that may be shared: nobody in particular, so neither of two where it takes two. Nobody else may be called so. */
export const NAMELESS = "operator";
export type Operator = {
	readonly kind: "operator";
	readonly name: string;
	/** Where operators have names, the token that is nobody's moves no credit: whoever has one of their own too would be two. */
	readonly mayAdjust: boolean;
};

/** What travels with a request through all services; only the gateway sets it, never the client. */
export type Meta = {
	/** Who asks; absent in calls that the platform makes by itself. */
	caller?: Person | Till | Operator;
	/** The answer is a stored one: the same request was decided before. */
	replayed?: boolean;
	/** By the gateway's clock, until when who asked waits for an answer. What arrives later is not begun (see `mixins/deadline.ts`). */
	untilMs?: number;
	/** Which process that gateway is. */
	untilBy?: string;
};

/** `ctx.call` and `broker.call` with types. @throws what the action throws; tell errors apart by `problemOf` */
export const call = <Name extends keyof Actions & string>(
	from: { call(name: string, params: object): unknown },
	name: Name,
	params: Params<Name>,
): Promise<Result<Name>> => from.call(name, params as object) as Promise<Result<Name>>;

/**
 * The same request with no word about who asks, for calls to a service that need not know: what travels with a request (Moleculer's `meta`) goes
 * out with every call. (What comes back beside an answer is dropped anyway, see `mixins/answer-meta.ts`.)
 */
export const apart = (ctx: Context<unknown>): Context<unknown> =>
	Object.assign(Object.create(ctx) as Context<unknown>, { meta: {} });

/** The same of one process, and no other. */
export const callAt = <Name extends keyof Actions & string>(
	from: Context,
	name: Name,
	params: Params<Name>,
	at: { readonly nodeID: string; readonly timeout?: number },
): Promise<Result<Name>> => from.call(name, params as object, at) as Promise<Result<Name>>;

/**
 * What is asked after something was booked, for the same answer. If that fails, nobody may say that nothing was done.
 *
 * @throws outcome_unknown where another error would say so
 */
export async function afterBooking<T>(work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		throw problems[problemOf(error)].status >= 500 ? fail("outcome_unknown") : error;
	}
}

/**
 * `published`: the gateway may route to it, if a line of `services/api/routes.ts` does. `public`: for other services only.
 * There is no default, so that nobody opens an action by forgetting a line.
 */
export type Visibility = "published" | "public";

/** An action from its spec: the handler gets typed parameters and must return what the spec says. */
export const action = <Spec extends ActionSpec>(
	visibility: Visibility,
	spec: Spec,
	handler: (this: Service, ctx: Context<Static<Spec["params"]>, Meta>) => Promise<Static<Spec["returns"]>>,
): ActionSchema => ({ ...unshared(spec), visibility, handler }) as unknown as ActionSchema;

/**
 * Every part of a schema as an object of its own. Processes tell each other what their actions take and give, and what
 * Moleculer finds there a second time it takes for a circle and leaves out: the gateway would then not send the second `Count` of an answer.
 */
const unshared = <T>(schema: T): T => JSON.parse(JSON.stringify(schema)) as T;

/** Who asks: a person or a till. @throws unauthenticated when it is neither */
export function whoAsks({ meta: { caller } }: Context<unknown, Meta>): Person | Till {
	if (!caller || caller.kind === "operator") throw fail("unauthenticated");
	return caller;
}

/** The person who asks. @throws unauthenticated when the call does not come from a person */
export function callerOf({ meta: { caller } }: Context<unknown, Meta>): Person {
	if (caller?.kind !== "person") throw fail("unauthenticated");
	return caller;
}
