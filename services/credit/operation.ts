import type { Context, Service } from "moleculer";
import { documents } from "../../mixins/database.ts";
import { afterBooking, type Meta } from "../actions.ts";
import { fail, problemOf } from "../errors.ts";
import { type Line, type LineDocument, OperatorLog } from "./operator-log.ts";

export type Asking<P = unknown> = Context<P, Meta>;

export const logOf = (service: Service): OperatorLog => new OperatorLog(documents<LineDocument>(service));

/** Who asks. @throws unauthenticated when it is no operator */
export function operatorOf({ meta: { caller } }: Asking): string {
	if (caller?.kind !== "operator") throw fail("unauthenticated");
	return caller.name;
}

/** Part of each operator's ids in the ledger, so that it says who it was. */
export const scopeOf = (name: string): string => `operator:${name}`;

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
		await log.append({ ...end, phase: "failed", detail: problemOf(error) }).catch(() => undefined);
		throw error;
	});
	await afterBooking(() => log.append({ ...end, phase: "done", detail: cut(after(made)) }));
	service.logger.info(`Operator ${by}: ${operation} ${target}`);
	return made;
}

const cut = (text: string): string => text.slice(0, DETAIL_CHARACTERS_MAX);
