import { signal } from "@preact/signals";
import type { Result } from "../../services/actions.ts";
import { forget, isKept, kept } from "../sdk/key-cabinet.ts";
import { pause } from "../sdk/pause.ts";
import { isRefusal, notKept, type Problem } from "../sdk/problem.ts";
import type { Said } from "../sdk/request.ts";
import { type Basket, totalOf } from "./basket.ts";
import { clear } from "./order.ts";
import { call, isEnded } from "./shop.ts";

export type Sale = Result<"store.getSale">;
type Effect = Result<"store.cancelSale">["effect"];

/** A sale from before it is sent until it is known what became of it. */
export type Attempt = Said<"store.sell"> & {
	readonly idempotencyKey: string;
	readonly expectedTotal: number;
	/** Something was sent of which the answer never came: it may have been booked, or may still be. */
	readonly isDoubtful: boolean;
	/** The person at the till wants it to have no effect. */
	readonly isUnwanted: boolean;
};

export type UnderWay = {
	readonly stage: "sending" | "checking" | "cancelling";
	readonly attempt: Attempt;
};

export type Payment =
	| { readonly stage: "none" }
	/** `checking`: never "failed" until that is known. */
	| UnderWay
	/** `leftMs`: how long the customer may still approve it, as the platform has just said: what any clock says does not matter. */
	| { readonly stage: "waiting"; readonly attempt: Attempt; readonly leftMs: number }
	/** `isTooLate`: it was to be cancelled, and only who may refund can do that now. */
	| { readonly stage: "paid"; readonly sale: Sale; readonly isTooLate?: true }
	| { readonly stage: "refused"; readonly why: Problem["code"] | "voided" | "expired"; readonly problem?: Problem }
	| { readonly stage: "cancelled"; readonly effect: Effect }
	/** This till is told neither what became of it nor to cancel it: only the owner can look, by its number. */
	| { readonly stage: "untold"; readonly saleId: string };

export const payment = signal<Payment>({ stage: "none" });

const KEPT = "till.sale";
const UNTOLD = "till.untold";
const ASK_EVERY_MS = 1_000;
const AGAIN_AFTER_MS = 2_000;

let sending = new AbortController();

/** One tab at a time carries out a payment; the others show what it does, and go on with it when it is closed. */
const LOCK = "hannip.till.sale";
let isCarrying = false;
/** Cancelling what this tab carries out. */
let undoing: Promise<void> | undefined;

type Told = { readonly shown: Payment } | { readonly unwanted: string } | { readonly hello: true };
const tabs = new BroadcastChannel(LOCK);
const tell = (told: Told): void => tabs.postMessage(told);

tabs.addEventListener("message", ({ data }: MessageEvent<Told>) => {
	if ("hello" in data) {
		if (isCarrying) tell({ shown: payment.value });
	} else if ("unwanted" in data) {
		const now = payment.value;
		if (isCarrying && "attempt" in now && now.attempt.idempotencyKey === data.unwanted) void cancelPayment();
	} else if (!isCarrying) {
		const isNew = "attempt" in data.shown && !("attempt" in payment.value);
		payment.value = data.shown;
		if (isNew) void resumePayment();
	}
});

function show(next: Payment): void {
	payment.value = next;
	tell({ shown: next });
}

const carry = (work: () => Promise<void>): Promise<void> =>
	navigator.locks.request(LOCK, async () => {
		isCarrying = true;
		try {
			await work();
			await undoing;
		} finally {
			undoing = undefined;
			isCarrying = false;
		}
	});

/** Takes a payment. What is sent is kept first: whatever happens to this page, it is found again. */
export async function pay(storeId: string, basket: Basket, code: string): Promise<void> {
	if (payment.value.stage === "none") await carry(() => begin(storeId, basket, code));
}

async function begin(storeId: string, basket: Basket, code: string): Promise<void> {
	// Another tab may have been quicker, and this one shows that.
	if (payment.value.stage !== "none") return;
	const { lines, discount, note } = basket;
	const attempt: Attempt = {
		storeId,
		idempotencyKey: crypto.randomUUID(),
		code,
		items: lines.map(({ productId, quantity }) => ({ productId, quantity })),
		expectedTotal: totalOf(basket),
		...(discount && { discount }),
		...(note && { note }),
		isDoubtful: false,
		isUnwanted: false,
	};
	show({ stage: "sending", attempt });
	if (await isKept(KEPT, attempt)) await settle(attempt);
	// Nothing has left this device.
	else show({ stage: "refused", why: notKept.code, problem: notKept });
}

/** Goes on with what this till did not know the outcome of when the page, or another tab of it, was closed. */
export function resumePayment(): Promise<void> {
	tell({ hello: true });
	return carry(async () => {
		const found = (await kept<Attempt>(KEPT)) ?? (await leftOver());
		if (!found) return await showUntold();
		const attempt = { ...found, isDoubtful: true };
		show({ stage: attempt.isUnwanted ? "cancelling" : "checking", attempt });
		await (attempt.isUnwanted ? undo(attempt) : settle(attempt));
	});
}

/** What nobody has read before the page was closed. */
async function showUntold(): Promise<void> {
	const saleId = await kept<string>(UNTOLD);
	if (saleId && payment.value.stage === "none") show({ stage: "untold", saleId });
}

/** What another tab had on all screens when it went away. */
async function leftOver(): Promise<Attempt | undefined> {
	if (!("attempt" in payment.value)) return undefined;
	// What it said last may be on its way.
	await pause(ASK_EVERY_MS);
	return "attempt" in payment.value ? payment.value.attempt : undefined;
}

/** The number of a sale of which the outcome cannot be asked for any more. */
export const unsettled = async (): Promise<string | undefined> =>
	(await kept<Attempt>(KEPT))?.idempotencyKey ?? kept<string>(UNTOLD);

export function dismiss(): void {
	const { stage } = payment.value;
	if ("attempt" in payment.value) return;
	show({ stage: "none" });
	if (stage === "untold") void forget(UNTOLD).catch(() => {});
}

/** Makes sure that it has no effect, whatever has become of it. */
export async function cancelPayment(): Promise<void> {
	const now = payment.value;
	if (!("attempt" in now) || now.stage === "cancelling") return;
	if (!isCarrying) return tell({ unwanted: now.attempt.idempotencyKey });
	const attempt = { ...now.attempt, isUnwanted: true };
	show({ stage: "cancelling", attempt });
	sending.abort();
	undoing = keep(attempt).then(() => undo(attempt));
	await undoing;
}

/** What was kept before it was sent is enough to find it again: where there is no room for more, it goes on all the same. */
const keep = (attempt: Attempt): Promise<boolean> => isKept(KEPT, attempt);

/** Not any more when it was cancelled: whatever was asked for it before is not listened to. */
function isGoingOn({ idempotencyKey }: Attempt): boolean {
	const now = payment.value;
	return "attempt" in now && now.attempt.idempotencyKey === idempotencyKey && !now.attempt.isUnwanted;
}

async function doubt(attempt: Attempt): Promise<Attempt> {
	const doubtful = { ...attempt, isDoubtful: true };
	if (!isGoingOn(attempt)) return doubtful;
	show({ stage: "checking", attempt: doubtful });
	await keep(doubtful);
	return doubtful;
}

/** The same request with the same key, until there is an answer: it is booked once, however often it arrives. */
async function settle(attempt: Attempt): Promise<void> {
	sending = new AbortController();
	const { signal } = sending;
	let now = attempt;
	const onAgain = () => {
		void doubt(now);
		now = { ...now, isDoubtful: true };
	};
	while (isGoingOn(now)) {
		const { isDoubtful: _, isUnwanted: __, ...said } = now;
		const outcome = await call("store.sell", said, { onAgain, signal });
		if (!isGoingOn(now)) return;
		if (outcome.ok) return await follow(now, outcome.value);
		// What may have been booked is kept, for the owner to look at.
		if (isEnded.value) return now.isDoubtful ? undefined : await end({ stage: "none" });
		if (isDefinite(outcome.problem)) return await refuse(now, outcome.problem);
		now = await doubt(now);
		await pause(AGAIN_AFTER_MS, signal);
	}
}

const isDefinite = (problem: Problem): boolean => isRefusal(problem) && problem.code !== "unauthenticated";

/** What was refused before it got to the ledger may overtake what was sent first: then it is made sure that this does not happen. */
async function refuse(attempt: Attempt, problem: Problem): Promise<void> {
	const refusal: Payment = { stage: "refused", why: problem.code, problem };
	if (!attempt.isDoubtful) return end(refusal);
	const asked = await call("store.getSale", { storeId: attempt.storeId, saleId: attempt.idempotencyKey });
	if (asked.ok) return follow(attempt, asked.value);
	const ending = await cancelled(attempt);
	if (!ending || !isGoingOn(attempt)) return;
	await end(ending.stage === "cancelled" && ending.effect !== "refunded" ? refusal : ending);
}

/** Until it is in a state that it stays in. */
async function follow(attempt: Attempt, sale: Sale): Promise<void> {
	const { signal } = sending;
	let now = sale;
	const showWaiting = () => {
		if (now.state === "pending" && isGoingOn(attempt)) {
			show({ stage: "waiting", attempt, leftMs: now.expiresInMs ?? 0 });
		}
	};
	showWaiting();
	while (now.state === "pending" && isGoingOn(attempt) && !isEnded.value) {
		await pause(ASK_EVERY_MS, signal);
		const said = { storeId: attempt.storeId, saleId: attempt.idempotencyKey };
		const asked = await call("store.getSale", said, { signal });
		if (!asked.ok) continue;
		now = asked.value;
		showWaiting();
	}
	const outcome = outcomeOf(now);
	if (!outcome || !isGoingOn(attempt)) return;
	await end(outcome);
}

/** What is to be said of a sale that stays as it is. */
function outcomeOf(sale: Sale): Payment | undefined {
	switch (sale.state) {
		case "pending":
			return undefined;
		case "posted":
			return { stage: "paid", sale };
		case "cancelled":
			return { stage: "cancelled", effect: "kept_out" };
		case "refused":
			return { stage: "refused", why: (sale.refusal ?? "cancelled") as Problem["code"] };
		default:
			return { stage: "refused", why: sale.state };
	}
}

async function undo(attempt: Attempt): Promise<void> {
	show({ stage: "cancelling", attempt });
	const ending = await cancelled(attempt);
	if (ending) await end(ending);
}

/** @returns how it ended; nothing when this till may not ask any more */
async function cancelled(attempt: Attempt): Promise<Payment | undefined> {
	const { storeId, idempotencyKey: saleId } = attempt;
	while (!isEnded.value) {
		const outcome = await call("store.cancelSale", { storeId, saleId, idempotencyKey: `${saleId}-cancel` });
		if (outcome.ok) return { stage: "cancelled", effect: outcome.value.effect };
		const ending = isDefinite(outcome.problem) && (await endOfUncancelled(storeId, saleId));
		if (ending) return ending;
		await pause(AGAIN_AFTER_MS);
	}
	return undefined;
}

/** What is to be said of what may not be cancelled, or not any more. @returns nothing as long as that is not known */
async function endOfUncancelled(storeId: string, saleId: string): Promise<Payment | undefined> {
	const asked = await call("store.getSale", { storeId, saleId });
	if (!asked.ok) return isDefinite(asked.problem) ? { stage: "untold", saleId } : undefined;
	const outcome = outcomeOf(asked.value);
	return outcome?.stage === "paid" ? { ...outcome, isTooLate: true } : outcome;
}

async function end(outcome: Payment): Promise<void> {
	if (outcome.stage === "paid") clear();
	if (outcome.stage === "untold") await isKept(UNTOLD, outcome.saleId);
	// What cannot be forgotten is asked for once more, and ends in the same way.
	await forget(KEPT).catch(() => {});
	show(outcome);
}
