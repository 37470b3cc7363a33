import type { Context, Service } from "moleculer";
import { documents } from "../../mixins/database.ts";
import { afterBooking, type Meta, NAMELESS } from "../actions.ts";
import { fail, problemOf, problems } from "../errors.ts";
import { type Line, type LineDocument, OPERATOR_LOG, OperatorLog } from "./operator-log.ts";

export type Asking<P = unknown> = Context<P, Meta>;

type OperatorService = Service & { readonly clock: () => number };

export const logOf = (service: Service): OperatorLog =>
	new OperatorLog(documents<LineDocument>(service, OPERATOR_LOG), (service as OperatorService).clock);

/** Who asks. @throws unauthenticated when it is no operator */
export function operatorOf({ meta: { caller } }: Asking): string {
	if (caller?.kind !== "operator") throw fail("unauthenticated");
	return caller.name;
}

/** Who asks, where it takes two. @throws unauthenticated, second_operator_needed */
export function personOf(ctx: Asking): string {
	const name = operatorOf(ctx);
	if (name === NAMELESS) throw fail("second_operator_needed");
	return name;
}

/** @throws unauthenticated, forbidden */
export function refuseUnlessMayAdjust({ meta: { caller } }: Asking): void {
	if (caller?.kind !== "operator") throw fail("unauthenticated");
	if (!caller.mayAdjust) throw fail("forbidden", "Operators have names here: adjust with a token of your own");
}

type Change<T> = {
	/** As `account.freeze`. */
	readonly operation: string;
	readonly target: string;
	readonly before: string;
	/** Makes it. @param begun the line that says so already */
	make(begun: Line, by: string): Promise<T>;
	after(made: T): string;
};

const DETAIL_CHARACTERS_MAX = 1_000;

/**
 * Makes a change that the operator log has: first that it is to be made, and by whom and why, then what became of it. So nothing is changed
 * while the log cannot be written; and of what has only its beginning in the log, the rest was cut off.
 *
 * @throws unauthenticated; whatever `make` does; outcome_unknown when only the log's last word is missing
 */
export async function recorded<T>(
	service: Service,
	ctx: Asking<{ readonly reason: string }>,
	{ operation, target, before, make, after }: Change<T>,
): Promise<T> {
	const by = operatorOf(ctx);
	const log = logOf(service);
	const note = { by, operation, target, reason: ctx.params.reason };
	const begun = await log.append({ ...note, phase: "begun", of: null, detail: cut(before) });
	const end = { ...note, of: begun.sequence };
	const made = await make(begun, by).catch(async (error: unknown) => {
		// Whoever asked hears why it failed, also when that cannot be written down any more.
		await log.append({ ...end, ...endOf(error) }).catch(() => undefined);
		throw error;
	});
	const done = await afterBooking(() => log.append({ ...end, phase: "done", detail: cut(after(made)) }));
	// With the chain's newest hash: whoever keeps these lines elsewhere sees later that none was cut off.
	service.logger.info(`Operator ${by}: ${operation} ${target}, line ${done.sequence} ${done.hash}`);
	return made;
}

/** A reply that was lost says nothing about what was done: the log must not say that it was not. */
function endOf(error: unknown): Pick<Line, "phase" | "detail"> {
	const code = problemOf(error);
	const isUnknown = problems[code].status >= 500 && code !== "ledger_busy" && code !== "ledger_unavailable";
	return { phase: isUnknown ? "unknown" : "failed", detail: code };
}

/** What was asked again turns out to have been done: the log is told, where its last word was another one. */
export async function recordedLate(
	service: Service,
	ctx: Asking<{ readonly reason: string }>,
	{ operation, target, of, detail }: Pick<Line, "operation" | "target" | "detail"> & { readonly of: number },
): Promise<void> {
	const log = logOf(service);
	if (await log.isDone(of)) return;
	const { reason } = ctx.params;
	await afterBooking(() => log.append({ by: operatorOf(ctx), operation, target, reason, phase: "done", of, detail }));
}

const cut = (text: string): string => text.slice(0, DETAIL_CHARACTERS_MAX);
