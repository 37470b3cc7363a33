import type { Result } from "../actions.ts";
import { fail } from "../errors.ts";
import type { Receipt } from "./sale.ts";

/** How long a customer has to confirm: as long as people wait at a counter. */
export const APPROVAL_TTL_MS = 60_000;
/** More than that nobody is asked at once. */
export const APPROVALS_MAX = 20;

type Transfer = NonNullable<Result<"credit.outcome">["transfer"]>;
type Held = Transfer & { readonly expiresAtMs: number };

/**
 * What somebody is asked to confirm: sales above what their code pays by itself, held until the customer, who has the phone's key, confirms them.
 * Only the ledger knows whose credit is held.
 *
 * @param holds on this person's wallet, oldest first
 */
export const openApprovals = (holds: readonly Transfer[], nowMs: number) =>
	holds.filter((hold) => isOpen(hold, nowMs)).map((hold) => view(hold, nowMs));

/** What is held on somebody's wallet is theirs to decide on, and nobody else's. */
const isFor = (transfer: Transfer | null, userId: string): transfer is Transfer =>
	transfer?.kind === "sale" && transfer.debitAccountId === `wallet:${userId}`;

const isOpen = (hold: Transfer, nowMs: number): hold is Held => hold.expiresAtMs !== null && hold.expiresAtMs > nowMs;

function view({ id, amount, expiresAtMs, details }: Held, nowMs: number) {
	const { storeId, storeName, items, discount } = details as Receipt;
	const asked = { storeId, storeName, total: amount, discount, items: [...items] };
	return { id, ...asked, expiresAtMs, expiresInMs: expiresAtMs - nowMs };
}

/**
 * Refuses a decision unless it names what the ledger holds on this person's wallet: it covers this sale, in this store, for this amount.
 *
 * @throws not_found, approval_mismatch
 */
export function checkDecision(
	{ transfer }: Result<"credit.outcome">,
	{ userId, storeId, total }: { userId: string; storeId: string; total: number },
): void {
	// One that was never held was paid by its code: there is nothing to decide.
	if (!isFor(transfer, userId) || transfer.expiresAtMs === null) throw fail("not_found");
	const { storeId: sold } = transfer.details as Receipt;
	if (sold !== storeId || transfer.amount !== total) throw fail("approval_mismatch");
}
