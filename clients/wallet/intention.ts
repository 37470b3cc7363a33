import { computed, signal } from "@preact/signals";
import type { Result } from "../../services/actions.ts";
import { forget, isKept, kept } from "../sdk/key-cabinet.ts";
import { pause } from "../sdk/pause.ts";
import { isRefusal, notKept, type Outcome, refused } from "../sdk/problem.ts";
import type { Said } from "../sdk/request.ts";
import { client, session } from "./wallet.ts";

type MoneyAction = "user.charge" | "user.send";
type Booking = Result<"user.getCharge">;
type Keyed<N extends MoneyAction> = Said<N> & { readonly amount: number; readonly idempotencyKey: string };
/** What a person wanted, written down before it was sent: a reload in the middle must not make it forgotten, or done twice. */
export type Intention = {
	readonly name: MoneyAction;
	readonly said: Keyed<MoneyAction>;
	/** By the platform's clock, as what is said of it next is judged by that. */
	readonly begunAtMs: number;
};

/** So long it is sent again, with its own key; after that nobody waits for it, and it is only asked for. */
const WANTED_MS = 120_000;
/** Then nothing comes of what was sent last: the proof that it carries is too old. */
const OVER_MS = 2 * WANTED_MS;
const AGAIN_MS = 3_000;
const LOCK = "hannip.wallet.intention";

/** What was begun before the page was left is being settled. */
const isResumed = signal(false);
/** What was begun on this page is not settled yet; the screen that began it waits for it and says so, or was left. */
const begun = signal<"awaited" | "left" | null>(null);

/** Nothing else may be begun: whoever does not know what became of the first would mean the same one. */
export const isUnsettled = computed(() => isResumed.value || begun.value !== null);
/** No screen says that something is being settled. */
export const isUntold = computed(() => isResumed.value || begun.value === "left");

/** For the screen that began something, when it is left. */
export function leaveUnsettled(): void {
	if (begun.value === "awaited") begun.value = "left";
}

/** Everybody who is logged in here has their own. */
const placeOf = (): string => `wallet.intention.${session.value?.userId}`;

/**
 * Moves credit, once, whatever happens on the way; as long as it is not known whether it did, it goes on asking. Not to be called while
 * something `isUnsettled`.
 *
 * @param onAgain told when it takes longer, for the screen to say "checking"
 */
export async function carryOut<N extends MoneyAction>(
	name: N,
	said: Said<N> & { readonly amount: number },
	onAgain: () => void,
): Promise<Outcome<void>> {
	const keyed = { ...said, idempotencyKey: crypto.randomUUID() };
	begun.value = "awaited";
	try {
		return await navigator.locks.request(LOCK, async () => {
			const before = await kept<Intention>(placeOf());
			if (before) await settle(before, { onAgain, isDoubtful: true });
			const intention: Intention = { name, said: keyed, begunAtMs: client().nowMs };
			if (!(await isKept(placeOf(), intention))) return refused(notKept);
			return settle(intention, { onAgain, isDoubtful: false });
		});
	} finally {
		begun.value = null;
	}
}

type Settled = { readonly intention: Intention; readonly isDone: boolean };

/**
 * Goes on with what was begun before the page was left. It waits while another tab is at it, in case that one is closed; the page that was left
 * may also be at it for a moment.
 *
 * @returns nothing if nothing was, or it is settled meanwhile
 */
export const settleOpen = (): Promise<Settled | undefined> =>
	navigator.locks.request(LOCK, async () => {
		const intention = await kept<Intention>(placeOf());
		if (!intention) return undefined;
		isResumed.value = true;
		try {
			const { ok: isDone } = await settle(intention, { onAgain: () => {}, isDoubtful: true });
			return { intention, isDone };
		} finally {
			isResumed.value = false;
		}
	});

/** @param how `isDoubtful`: something was sent of which the answer never came */
async function settle(
	intention: Intention,
	how: { readonly onAgain: () => void; readonly isDoubtful: boolean },
): Promise<Outcome<void>> {
	const place = placeOf();
	let { isDoubtful } = how;
	const onAgain = () => {
		isDoubtful = true;
		how.onAgain();
	};
	for (;;) {
		const isWanted = client().nowMs - intention.begunAtMs < WANTED_MS;
		const outcome = isWanted ? await send(intention, onAgain) : await ask(intention);
		const known = isDoubtful ? await confirmed(intention, outcome) : outcome;
		if (known?.ok || (known && known.problem.code !== "outcome_unknown")) {
			// Who has to log in again is told then.
			if (known.ok || known.problem.status !== 401) await forget(place);
			return known;
		}
		onAgain();
		await pause(AGAIN_MS);
	}
}

const done = { ok: true, value: undefined, isReplay: false } as const;

async function send({ name, said }: Intention, onAgain: () => void): Promise<Outcome<void>> {
	const outcome = await client().call(name, said as Keyed<typeof name>, { onAgain });
	return outcome.ok ? done : outcome;
}

/** What a refusal says of what was sent before it. @returns nothing as long as it is not known */
async function confirmed(intention: Intention, outcome: Outcome<void>): Promise<Outcome<void> | undefined> {
	if (outcome.ok) return outcome;
	if (!isRefusal(outcome.problem)) return undefined;
	if (outcome.problem.status === 401) return outcome;
	const asked = await ask(intention);
	return asked.ok ? asked : outcome;
}

async function ask({ name, said, begunAtMs }: Intention): Promise<Outcome<void>> {
	const place = name === "user.charge" ? "charges" : "transfers";
	const statusUrl = `/v1/me/${place}/${said.idempotencyKey}`;
	const asked = await client().ask<Booking>(statusUrl);
	const unknown = { ok: false, problem: { code: "outcome_unknown", status: 0, title: "Not known yet" } } as const;
	if (asked.ok && asked.value.state === "posted") return done;
	if (!asked.ok && asked.problem.code !== "not_found") return asked.problem.status === 401 ? asked : unknown;
	if (!asked.ok && client().nowMs - begunAtMs < OVER_MS) return unknown;
	return { ok: false, problem: { code: "deadline_exceeded", status: 409, title: "It did not arrive" } };
}
