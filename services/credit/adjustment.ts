import type { Service } from "moleculer";
import { commandOf } from "../../mixins/command-id.ts";
import { call, type Params, type Result } from "../actions.ts";
import { fail } from "../errors.ts";
import {
	type Asking,
	logOf,
	operatorOf,
	personOf,
	recorded,
	recordedLate,
	refuseUnlessMayAdjust,
} from "./operation.ts";
import type { Adjustment } from "./operator.actions.ts";
import { type Line, scopeOf } from "./operator-log.ts";

const DAY_MS = 86_400_000;
/** How long a second operator has to confirm one. */
const CONFIRM_WITHIN_MS = 7 * DAY_MS;
const OURS = "system:adjustment";

type Transfer = Result<"credit.transfer">["transfer"];
type Details = { readonly reason: string; readonly by: string; readonly operation: number };

/**
 * A transfer between the platform's own account and somebody's. Where it takes two operators it is a hold until the second one decides:
 * what is to be taken cannot be spent meanwhile, and the ledger itself sees to it that it is decided once.
 *
 * @param aloneMax how much one operator may adjust alone within a day
 * @throws forbidden, second_operator_needed, account_not_found, and what `credit.transfer` does
 */
export async function adjust(service: Service, ctx: Asking<Params<"operator.adjust">>, aloneMax: number) {
	refuseUnlessMayAdjust(ctx);
	const { accountId, direction, amount, reason } = ctx.params;
	const command = commandOf({ scope: scopeOf(operatorOf(ctx)), action: "operator.adjust" }, ctx.params);
	const known = await call(ctx, "credit.recall", command);
	if (known) {
		ctx.meta.replayed = true;
		const of = Number((known.transfer.details as Details).operation);
		const said = {
			operation: "account.adjust",
			target: accountId,
			detail: `${known.transfer.state}; found when asked again`,
		};
		await recordedLate(service, ctx, { ...said, of });
		return view(await existing(ctx, command.id));
	}
	const account = await call(ctx, "credit.account", { accountId });
	const [debitAccountId, creditAccountId] = direction === "give" ? [OURS, accountId] : [accountId, OURS];
	const booked = await recorded(service, ctx, {
		operation: "account.adjust",
		target: accountId,
		// The audit looks for how this ends.
		before: `balance ${account.balance}; to ${direction} ${amount} by ${command.id}`,
		make: async (begun, by) => {
			const isByTwo = amount + (await adjustedAlone(service, begun, command.id)) > aloneMax;
			if (isByTwo) personOf(ctx);
			return call(ctx, "credit.transfer", {
				...command,
				kind: "adjustment",
				debitAccountId,
				creditAccountId,
				amount,
				// The ledger's chain vouches for the operators', as far as it went then.
				details: { reason, by, operation: begun.sequence, operationHash: begun.hash },
				...(isByTwo && { hold: { ttlMs: CONFIRM_WITHIN_MS } }),
			});
		},
		after: ({ transfer, debitBalance, creditBalance }) =>
			`${transfer.state}; balance ${direction === "give" ? creditBalance : debitBalance}`,
	});
	return view(booked.transfer);
}

/**
 * How much this operator has adjusted alone within the day before this line, by the lines before it: they are in one order for everybody, so of
 * adjustments that are asked for at the same time each counts for those that come after it. What is not known to have failed, or to wait for a second
 * operator, counts: also what ended unknown, for a day.
 */
const adjustedAlone = (service: Service, { by, sequence, atMs }: Line, ownId: string): Promise<number> =>
	aloneBy(by, logOf(service).backTo(atMs - DAY_MS, sequence), ownId);

/** @param lines newest first; @param ownId of what is asked for now: of all that begin with one id the ledger books one, so it is not counted twice */
export async function aloneBy(by: string, lines: AsyncIterable<Line>, ownId: string): Promise<number> {
	const amounts = new Map<string, number>();
	const excepted = new Set<number | null>();
	for await (const line of lines) {
		if (line.by !== by || line.operation !== "account.adjust") continue;
		// What cannot be read may have been anything: then it takes two.
		const [, amount = "Infinity", id = ""] = / to (?:give|take) (\d+) by (\S+)$/.exec(line.detail) ?? [];
		if (line.phase !== "begun") {
			// An end comes after its beginning, so here it is met first.
			if (isNotAlone(line)) excepted.add(line.of);
		} else if (!excepted.has(line.sequence) && id !== ownId) {
			// Another amount may have begun with the same id. Which of them the ledger books is not said by which began first.
			amounts.set(id, Math.max(amounts.get(id) ?? 0, Number(amount)));
		}
	}
	return [...amounts.values()].reduce((sum, amount) => sum + amount, 0);
}

/** An end that says that nothing was done, or that a second operator is to decide. */
const isNotAlone = ({ phase, detail }: Line): boolean =>
	phase === "failed" || (phase === "done" && detail.startsWith("pending"));

/** @throws not_found, second_operator_needed, not_pending, hold_expired */
export async function decideAdjustment(service: Service, ctx: Asking<Params<"operator.decideAdjustment">>) {
	const { id, decision } = ctx.params;
	const isConfirmed = decision === "confirm";
	const name = isConfirmed ? personOf(ctx) : operatorOf(ctx);
	const waiting = await existing(ctx, id);
	if (isConfirmed && (waiting.details as Details).by === name) throw fail("second_operator_needed");
	const command = { id: `${scopeOf(name)}.${decision}:${id}`, fingerprint: decision, transferId: id };
	const decided = await recorded(service, ctx, {
		operation: `adjustment.${decision}`,
		target: id,
		before: describe(waiting),
		make: () => (isConfirmed ? call(ctx, "credit.post", command) : call(ctx, "credit.void", command)),
		after: ({ state }) => state,
	});
	return view(decided);
}

export async function listAdjustments(ctx: Asking): Promise<Result<"operator.listAdjustments">> {
	const { items, isAll } = await call(ctx, "credit.listHolds", { kind: "adjustment", limit: 100 });
	return { items: items.map(view), isAll, you: operatorOf(ctx) };
}

async function existing(ctx: Asking, id: string): Promise<Transfer> {
	const { transfer } = await call(ctx, "credit.outcome", { id });
	if (transfer?.kind !== "adjustment") throw fail("not_found");
	return transfer;
}

const isGiven = ({ debitAccountId }: Transfer): boolean => debitAccountId === OURS;

const describe = (transfer: Transfer): string => {
	const { accountId, change, by, reason } = view(transfer);
	return `${transfer.state}; ${change} for ${accountId}, asked for by ${by}: ${reason}`;
};

function view(transfer: Transfer): Adjustment {
	const { id, state, amount, createdAtMs, expiresAtMs, debitAccountId, creditAccountId } = transfer;
	const { reason, by } = transfer.details as Details;
	const [accountId, change] = isGiven(transfer) ? [creditAccountId, amount] : [debitAccountId, -amount];
	return { id, state, accountId, change, reason, by, createdAtMs, expiresAtMs };
}
