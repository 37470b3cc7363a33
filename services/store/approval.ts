import type { Documents } from "../../mixins/database.ts";
import type { Result } from "../actions.ts";
import { fail } from "../errors.ts";
import type { Receipt } from "./sale.ts";

/** How long a customer has to confirm: as long as people wait at a counter. */
export const APPROVAL_TTL_MS = 60_000;
/** More than that nobody is asked at once. */
const OPEN_MAX = 20;

/** A sale above what the customer's code pays by itself: held until the customer, who has the phone's key, confirms it. */
export type Approval = {
	/** The sale's transfer. */
	readonly _id: string;
	readonly userId: string;
	readonly storeId: string;
	readonly total: number;
	/** Not before the hold ends. */
	readonly expiresAtMs: number;
};

type Transfer = NonNullable<Result<"credit.outcome">["transfer"]>;
type OutcomeOf = (id: string) => Promise<Result<"credit.outcome">>;

/** Before the hold: then a hold that nobody can confirm is never made. Done again it changes nothing. */
export async function askFor(approvals: Documents<Approval>, approval: Approval, nowMs: number): Promise<void> {
	await approvals.removeMany({ userId: approval.userId, expiresAtMs: { $lt: nowMs } });
	if (await approvals.findById(approval._id)) return;
	await approvals.insert(approval).catch((error: unknown) => {
		if ((error as { type?: unknown }).type !== "DUPLICATE_KEY") throw error;
	});
}

/** What this person is asked to confirm now, oldest first. */
export async function openApprovals(
	approvals: Documents<Approval>,
	userId: string,
	outcomeOf: OutcomeOf,
	nowMs: number,
) {
	const query = { userId, expiresAtMs: { $gt: nowMs } };
	const asked = await approvals.find({ query, sort: "expiresAtMs", limit: OPEN_MAX });
	const outcomes = await Promise.all(asked.map(({ _id }) => outcomeOf(_id)));
	return outcomes.flatMap(({ transfer }) => (isOpen(transfer, nowMs) ? [view(transfer, nowMs)] : []));
}

const isOpen = (transfer: Transfer | null, nowMs: number): transfer is Transfer & { expiresAtMs: number } =>
	transfer?.state === "pending" && transfer.expiresAtMs !== null && transfer.expiresAtMs > nowMs;

function view({ id, amount, expiresAtMs, details }: Transfer & { expiresAtMs: number }, nowMs: number) {
	const { storeId, storeName, items } = details as Receipt;
	return { id, storeId, storeName, total: amount, items: [...items], expiresAtMs, expiresInMs: expiresAtMs - nowMs };
}

/**
 * The approval that a person decides on, if they name what they are asked for: a decision covers this sale, in this store, for this
 * amount.
 *
 * @throws not_found, approval_mismatch
 */
export async function approvalFor(
	approvals: Documents<Approval>,
	{ id, userId, storeId, total }: { id: string; userId: string; storeId: string; total: number },
): Promise<Approval> {
	const approval = await approvals.findById(id);
	if (approval?.userId !== userId) throw fail("not_found");
	if (approval.storeId !== storeId || approval.total !== total) throw fail("approval_mismatch");
	return approval;
}
