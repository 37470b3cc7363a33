import { signal } from "@preact/signals";
import type { Answered, Result } from "../../services/actions.ts";
import type { Asking } from "../sdk/persistence.ts";
import type { Outcome, Problem } from "../sdk/problem.ts";
import type { Name, Said } from "../sdk/request.ts";
import { type Session, WalletClient } from "../sdk/wallet-client.ts";

type Store = Result<"store.list">["items"][number];

let client: WalletClient;
/** Who is logged in: in the wallet as well, it is the same person's browser. */
export const session = signal<Session | null>(null);
export const stores = signal<readonly Store[] | null>(null);
/** Why the stores could not be had. */
export const trouble = signal<Problem | null>(null);

/** Whether it is known who is here. */
export const isOpen = signal(false);
/** The session is over, and nobody on this page has asked for it. */
export const hasEnded = signal(false);
let isLeaving = false;

export async function openPerson(): Promise<void> {
	client = await WalletClient.open();
	client.watchSession((found) => {
		hasEnded.value = !found && !isLeaving;
		session.value = found;
		stores.value = null;
		if (found) void loadStores();
	});
	await resumePerson();
}

/** Goes on with the session that this browser had, or says why it cannot. */
export async function resumePerson(): Promise<void> {
	const resumed = await client.resume();
	trouble.value = resumed.ok ? null : resumed.problem;
	isOpen.value ||= resumed.ok;
}

export async function leave(): Promise<Outcome<unknown>> {
	isLeaving = true;
	const outcome = await call("auth.logout", {});
	isLeaving = false;
	return outcome;
}

export const call = <N extends Name>(name: N, said: Said<N>, asking: Asking = {}): Promise<Outcome<Answered<N>>> =>
	client.call(name, said, asking);

/** What time it is for the platform: this device's own clock may be wrong. */
export const nowMs = (): number => client.nowMs;

export async function loadStores(): Promise<void> {
	const found = await call("store.list", {});
	trouble.value = found.ok ? null : found.problem;
	if (found.ok) stores.value = found.value.items;
}
