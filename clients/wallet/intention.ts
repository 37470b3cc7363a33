import type { Result } from "../../services/actions.ts";
import { forget, keep, kept } from "../sdk/key-cabinet.ts";
import { type Outcome, refused } from "../sdk/problem.ts";
import type { Said } from "../sdk/request.ts";
import { client } from "./wallet.ts";

type MoneyAction = "user.charge" | "user.send";
type Booking = Result<"user.getCharge">;
/** What a person wanted, written down before it was sent: a reload in the middle must not make it forgotten, or done twice. */
type Intention = { readonly name: MoneyAction; readonly statusUrl: string; readonly amount: number };

const OPEN = "wallet.intention";
/**
 * Later than this nothing comes of it any more: a request lives 3 s in the platform, and the page that sent it has given it up.
 */
const IN_FLIGHT_MS = 10_000;
const ASK_AGAIN_MS = 3_000;

/**
 * Moves credit, once, whatever happens on the way; as long as it is not known whether it did, it goes on asking.
 *
 * @param onAgain told when it takes longer, for the screen to say "checking"
 */
export async function carryOut<N extends MoneyAction>(
	name: N,
	said: Said<N> & { readonly amount: number },
	onAgain: () => void,
): Promise<Outcome<void>> {
	const idempotencyKey = crypto.randomUUID();
	const place = name === "user.charge" ? "charges" : "transfers";
	const intention: Intention = { name, statusUrl: `/v1/me/${place}/${idempotencyKey}`, amount: said.amount };
	return navigator.locks.request(OPEN, async (): Promise<Outcome<void>> => {
		await keep(OPEN, intention);
		const outcome = await client().call(name, { ...said, idempotencyKey }, { onAgain });
		if (!outcome.ok && outcome.problem.code === "outcome_unknown") return untilSettled();
		await forget(OPEN);
		return outcome.ok ? done : outcome;
	});
}

const done = { ok: true, value: undefined, isReplay: false } as const;

async function untilSettled(): Promise<Outcome<void>> {
	for (;;) {
		const settled = await settle();
		if (settled?.isDone) return done;
		if (settled) return refused({ code: "deadline_exceeded", status: 409, title: "It did not arrive" });
		await sleep(ASK_AGAIN_MS);
	}
}

type Settled = { readonly intention: Intention; readonly isDone: boolean };

/** What became of what was begun before the page was left. @returns nothing if nothing was, another tab is at it, or it is not known yet */
export const settleOpen = (): Promise<Settled | undefined> =>
	navigator.locks.request(OPEN, { ifAvailable: true }, async (lock) => (lock ? settle() : undefined));

async function settle(): Promise<Settled | undefined> {
	const intention = await kept<Intention>(OPEN);
	if (!intention) return undefined;
	let asked = await client().ask<Booking>(intention.statusUrl);
	if (isNotSeen(asked)) {
		await sleep(IN_FLIGHT_MS);
		asked = await client().ask<Booking>(intention.statusUrl);
	}
	if (!asked.ok && !isNotSeen(asked)) return undefined;
	await forget(OPEN);
	return { intention, isDone: asked.ok && asked.value.state === "posted" };
}

const isNotSeen = (asked: Outcome<Booking>): boolean => !asked.ok && asked.problem.code === "not_found";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
