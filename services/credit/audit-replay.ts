import { isDeepStrictEqual } from "node:util";
import { AMOUNT_MAX } from "../amount.ts";
import { decide, type View } from "./ledger.ts";
import type { Command, CommandId, Entry } from "./model.ts";

/**
 * Asks the rules once more what an applied entry's command does to what stood before it, and says so if it is not the entry. An
 * edited entry is found by this even where its numbers add up.
 *
 * The rules are today's. That holds for as long as `ledger.ts` decides every command that was ever applied as it was decided then;
 * whoever changes that must write into the groups which rules they were decided by, and ask those here.
 *
 * @param view what stood before the entry; nothing in it has the entry's id or code
 * @param clockMs what the clock said by which it was decided; null where only that is known, that it was not later than `nowMs`: then
 * nothing is too late
 */
export function replayDiffers(view: View, entry: Entry, nowMs: number, clockMs: number | null = nowMs): string | null {
	const decidedAtMs = clockMs ?? (entry.type === "expire" ? nowMs : 0);
	const command = commandOf(entry, decidedAtMs);
	if (command === "none") return hasEffect(entry) ? "it does more than a cancel that found nothing to do" : null;
	if (!command) return "it was not refused and has no effect";
	const decision = decide(view, command, nowMs, decidedAtMs);
	if (decision.kind !== "new") return "its id was there before";
	if (decision.entry.refusal) return `the rules refuse it: ${decision.entry.refusal}`;
	return isDeepStrictEqual(decision.entry, entry) ? null : "the rules make another entry of it";
}

const hasEffect = ({ id, type, fingerprint, ...effect }: Entry): boolean => Object.keys(effect).length > 0;

/** The command that an applied entry must have come from; "none" for a cancel that found nothing to do, which does not say of what. */
function commandOf(entry: Entry, decidedAtMs: number): Command | "none" | undefined {
	const { id, fingerprint, type, opened, stateSet, created, changed, tombstone } = entry;
	const base = { id, fingerprint };
	if (opened) return { ...base, type: "open", accountId: opened.id, kind: opened.kind, owner: opened.owner };
	if (stateSet) return { ...base, type: "set-state", ...stateSet };
	if (type === "transfer") return transferOf(entry, decidedAtMs);
	if (type === "cancel") {
		const targetId = tombstone ?? (changed?.id as string | undefined as CommandId | undefined);
		return targetId ? { ...base, type, targetId, details: created?.details ?? {} } : "none";
	}
	if (!changed) return undefined;
	const transferId = changed.id;
	if (type === "post") return { ...base, type, transferId, amount: changed.amount };
	if (type === "void" || type === "expire") return { ...base, type, transferId };
	return created && type === "refund"
		? { ...base, type, transferId, amount: created.amount, details: created.details }
		: undefined;
}

function transferOf({ id, fingerprint, created, redeemed }: Entry, decidedAtMs: number): Command | undefined {
	if (!created) return undefined;
	const { kind, debitAccountId, creditAccountId, amount, details, expiresAtMs } = created;
	return {
		...{ id, fingerprint, type: "transfer", kind, debitAccountId, creditAccountId, amount, details },
		...(expiresAtMs !== null && { hold: { ttlMs: expiresAtMs - decidedAtMs } }),
		// What the code's cap was is not in the log.
		...(redeemed && { redeem: { ...redeemed, cap: AMOUNT_MAX } }),
	};
}
