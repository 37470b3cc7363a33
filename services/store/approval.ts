import type { Documents } from "../../mixins/database.ts";
import { isDuplicateKey } from "../../mixins/document-errors.ts";
import type { Result } from "../actions.ts";
import { fail } from "../errors.ts";
import type { Receipt } from "./sale.ts";

/** How long a customer has to confirm: as long as people wait at a counter. */
export const APPROVAL_TTL_MS = 60_000;
/** More than that nobody is asked at once. */
const OPEN_MAX = 20;
/** Of requests that came to nothing some may be left behind; so many of them are passed over. */
const PASSED_OVER_MAX = 500;

/**
 * Where to look for the sales that somebody is asked to confirm: above what the customer's code pays by itself, held until the customer,
 * who has the phone's key, confirms it. It says nothing about them: the ledger does, which alone knows whose credit is held.
 */
export type Approval = {
	/** Of this sale and this customer: whatever a shop asks of whom under the same key. */
	readonly _id: string;
	readonly transferId: string;
	readonly userId: string;
	/** Not before the hold ends. */
	readonly expiresAtMs: number;
};

type Transfer = NonNullable<Result<"credit.outcome">["transfer"]>;
type Held = Transfer & { readonly expiresAtMs: number };
type OutcomeOf = (id: string) => Promise<Result<"credit.outcome">>;

/**
 * Before the hold: then a hold that nobody can confirm is never made. Done again it changes nothing.
 *
 * @returns whether nobody had asked for it before
 */
export async function askFor(
	approvals: Documents<Approval>,
	{ transferId, userId, expiresAtMs }: Omit<Approval, "_id">,
	nowMs: number,
): Promise<boolean> {
	await approvals.removeMany({ userId, expiresAtMs: { $lt: nowMs } });
	const approval = { _id: idOf(transferId, userId), transferId, userId, expiresAtMs };
	return approvals.insert(approval).then(
		() => true,
		(error: unknown) => {
			if (!isDuplicateKey(error)) throw error;
			return false;
		},
	);
}

const idOf = (transferId: string, userId: string): string => `${userId}.${transferId}`;

/** After the ledger has refused the sale: nobody is asked for it any more. */
export const askNoMore = (approvals: Documents<Approval>, transferId: string, userId: string): Promise<unknown> =>
	approvals.removeById(idOf(transferId, userId));

/** What this person is asked to confirm now, oldest first. */
export async function openApprovals(
	approvals: Documents<Approval>,
	userId: string,
	outcomeOf: OutcomeOf,
	nowMs: number,
) {
	const query = { userId, expiresAtMs: { $gt: nowMs } };
	const open: Held[] = [];
	for (let offset = 0; open.length < OPEN_MAX && offset < PASSED_OVER_MAX; offset += OPEN_MAX) {
		const asked = await approvals.find({ query, sort: "expiresAtMs", limit: OPEN_MAX, offset });
		const outcomes = await Promise.all(asked.map(({ transferId }) => outcomeOf(transferId)));
		for (const { transfer } of outcomes) if (isFor(transfer, userId) && isOpen(transfer, nowMs)) open.push(transfer);
		if (asked.length < OPEN_MAX) break;
	}
	return open.slice(0, OPEN_MAX).map((transfer) => view(transfer, nowMs));
}

/** What is held on somebody's wallet is theirs to decide on, and nobody else's. */
const isFor = (transfer: Transfer | null, userId: string): transfer is Transfer =>
	transfer?.kind === "sale" && transfer.debitAccountId === `wallet:${userId}`;

const isOpen = (transfer: Transfer, nowMs: number): transfer is Held =>
	transfer.state === "pending" && transfer.expiresAtMs !== null && transfer.expiresAtMs > nowMs;

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
