import type { Result } from "../../services/actions.ts";
import { forget, keep, kept } from "../sdk/key-cabinet.ts";
import type { Outcome } from "../sdk/problem.ts";
import type { Said } from "../sdk/request.ts";
import { client } from "./wallet.ts";

type MoneyAction = "user.charge" | "user.send";
type Booking = Result<"user.getCharge">;
/** What a person wanted, written down before it was sent: a reload in the middle must not make it forgotten, or done twice. */
type Intention = { readonly name: MoneyAction; readonly statusUrl: string; readonly amount: number };

const OPEN = "wallet.intention";
/** Later than this, what is still on its way is refused. */
const IN_FLIGHT_MS = 4_000;

/** Moves credit, once, whatever happens on the way. @param onAgain see `Asking` */
export async function carryOut<N extends MoneyAction>(
	name: N,
	said: Said<N> & { readonly amount: number },
	onAgain: () => void,
): Promise<Outcome<Result<N>>> {
	const idempotencyKey = crypto.randomUUID();
	const place = name === "user.charge" ? "charges" : "transfers";
	const intention: Intention = { name, statusUrl: `/v1/me/${place}/${idempotencyKey}`, amount: said.amount };
	await keep(OPEN, intention);
	const outcome = await client().call(name, { ...said, idempotencyKey }, { onAgain });
	if (outcome.ok || outcome.problem.code !== "outcome_unknown") await forget(OPEN);
	return outcome;
}

/** What became of what was begun before the page was left. @returns nothing if nothing was */
export async function settleOpen(): Promise<{ intention: Intention; isDone: boolean } | undefined> {
	const intention = await kept<Intention>(OPEN);
	if (!intention) return undefined;
	let asked = await client().ask<Booking>(intention.statusUrl);
	if (!asked.ok && asked.problem.code === "not_found") {
		await new Promise((resolve) => setTimeout(resolve, IN_FLIGHT_MS));
		asked = await client().ask<Booking>(intention.statusUrl);
	}
	if (!asked.ok && asked.problem.code !== "not_found") return undefined;
	await forget(OPEN);
	return { intention, isDone: asked.ok && asked.value.state === "posted" };
}
