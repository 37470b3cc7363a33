import { signal } from "@preact/signals";
import type { Result } from "../../services/actions.ts";
import type { Problem } from "../sdk/problem.ts";
import { client } from "./wallet.ts";

/** A payment code, and when it is good, by the monotonic clock: what the phone's own clock says does not matter. */
export type Code = { readonly code: string; readonly fromMs: number; readonly untilMs: number; readonly cap: number };

/** A new one is shown so long before the old one ends: whoever has just begun to scan it still can. */
const RENEW_BEFORE_MS = 8_000;
/** How soon it is tried again to get one. */
const AGAIN_MS = 2_000;
/** How many are fetched for when there is no network. */
const AHEAD = 2;

/**
 * The codes of a wallet while it is shown in a shop. With each one come some for later, which begin to be good when it ends; so a phone
 * that loses its network in the shop can still pay for a while.
 */
export class Codes {
	/** The one to show. */
	readonly now = signal<Code | null>(null);
	/** Why there is no new one. */
	readonly problem = signal<Problem | null>(null);
	#ahead: readonly Code[] = [];
	#timer: ReturnType<typeof setTimeout> | undefined;
	#isStopped = false;
	#fetching: Promise<void> | undefined;

	start(): void {
		void this.#next();
	}

	stop(): void {
		this.#isStopped = true;
		clearTimeout(this.#timer);
	}

	/** The one that is shown was used: it is worth nothing any more. */
	renew(): void {
		this.now.value = null;
		void this.#next();
	}

	/** At once, as when the network comes back. */
	async #next(): Promise<void> {
		clearTimeout(this.#timer);
		this.#fetching ??= this.#fetch().finally(() => {
			this.#fetching = undefined;
		});
		await this.#fetching;
		if (this.#isStopped) return;
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => void this.#next(), this.#waitMs());
	}

	#waitMs(): number {
		const code = this.now.value;
		if (this.problem.value || !code) return AGAIN_MS;
		return Math.max(AGAIN_MS, code.untilMs - performance.now() - RENEW_BEFORE_MS);
	}

	async #fetch(): Promise<void> {
		const stopping = AbortSignal.timeout(5_000);
		const got = await client().call("user.issueCode", { ahead: AHEAD }, { signal: stopping });
		const nowMs = performance.now();
		if (got.ok) {
			const [first, ...later] = codesIn(got.value, nowMs);
			this.now.value = first ?? null;
			this.#ahead = later;
			this.problem.value = null;
			return;
		}
		this.problem.value = got.problem;
		this.#fallBack(nowMs);
	}

	/** The one that is good now, of those that were fetched before. */
	#fallBack(nowMs: number): void {
		const shown = this.now.value;
		if (shown && shown.untilMs - nowMs > AGAIN_MS) return;
		const isNoUse = this.problem.value !== null && this.problem.value.status >= 400 && this.problem.value.status < 500;
		const good = this.#ahead.find(({ fromMs, untilMs }) => fromMs <= nowMs && untilMs - nowMs > AGAIN_MS);
		this.now.value = isNoUse ? null : (good ?? null);
	}
}

function codesIn({ code, cap, expiresInMs, later }: Result<"user.issueCode">, nowMs: number): readonly Code[] {
	const first = { code, cap, fromMs: nowMs, untilMs: nowMs + expiresInMs };
	const rest = later.map((each) => ({
		code: each.code,
		cap: each.cap,
		fromMs: nowMs + each.startsInMs,
		untilMs: nowMs + each.expiresInMs,
	}));
	return [first, ...rest];
}
