import { ConcurrencyLimit } from "./concurrency-limit.ts";
import type { Route } from "./routes.ts";

/** How much of what can be done at once is there for each: the rest is kept for those before it. */
const SHARES: Readonly<Record<NonNullable<Route["urgency"]>, number>> = { ends: 1, begins: 0.8, looks: 0.6 };

const shareOf = (route: Route | undefined): number => (route?.urgency ? SHARES[route.urgency] : 1);

/** Of what is fast when there is no queue, and of what waits for its turn or is large; clients wait for 3 s. */
const PAYING = { slowMs: 1_000, min: 16 } as const;
const OTHER = { slowMs: 1_500, min: 4 } as const;

/**
 * Whether a request is worked on, or refused because there is more to do than can be done. What is on the way of a payment has one limit
 * together, since it all needs the same cores: when it is not enough, who only looks is refused first, then who would begin something, and
 * last who is in the middle of it, as all that was done for them before would be lost (load shedding by criticality: Beyer et al., "Site
 * Reliability Engineering", 2016, chapter 21).
 *
 * All other routes have a limit each: log-ins that wait for their turn, and files that take long, say nothing about payments, and must not
 * keep them out. What is no route of ours has one, too.
 */
export class LettingIn {
	readonly #paying = new ConcurrencyLimit(PAYING);
	readonly #others: ReadonlyMap<Route | undefined, ConcurrencyLimit>;

	constructor(routes: readonly Route[]) {
		this.#others = new Map([...routes, undefined].map((route) => [route, new ConcurrencyLimit(OTHER)]));
	}

	/** Whether it would be refused now. */
	isFull(route: Route | undefined, nowMs: number): boolean {
		return this.#limitOf(route)?.isFull(nowMs, shareOf(route)) ?? true;
	}

	/** @returns what to call when it is over; nothing when there are too many */
	enter(route: Route | undefined, nowMs: number): ((nowMs: number) => void) | undefined {
		return this.#limitOf(route)?.enter(nowMs, shareOf(route));
	}

	#limitOf(route: Route | undefined): ConcurrencyLimit | undefined {
		return route?.urgency ? this.#paying : this.#others.get(route);
	}
}
