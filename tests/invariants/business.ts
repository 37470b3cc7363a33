import { type Actions, call, type Params } from "../../services/actions.ts";
import { type ProblemCode, problems } from "../../services/errors.ts";
import type { Random } from "../ledger/random-log.ts";
import type { Ledger } from "./ledger.ts";
import { FUNDING, type Order, settle, Teller, times } from "./teller.ts";

type Name = "credit.transfer" | "credit.post" | "credit.void" | "credit.refund" | "credit.cancel" | "credit.setState";
/** A command as it was sent. */
export type Asked = { readonly [N in Name]: { readonly name: N; readonly params: Params<N> } }[Name];

/** A small town in which everything happens that a ledger allows, at random and much of it at once, and much that it refuses. */
export class Business {
	readonly accounts: readonly string[];
	readonly asked: Asked[] = [];
	readonly #ledger: Ledger;
	readonly #teller: Teller;
	readonly #random: Random;
	readonly #wallets: readonly string[];
	readonly #stores: readonly string[];
	readonly #payments: string[] = [];
	readonly #holds: string[] = [];
	/** Cancelled before they came. */
	readonly #late: string[] = [];

	private constructor(ledger: Ledger, random: Random, { wallets, stores }: { wallets: string[]; stores: string[] }) {
		this.#ledger = ledger;
		this.#teller = new Teller(ledger);
		this.#random = random;
		this.#wallets = wallets;
		this.#stores = stores;
		this.accounts = [...wallets, ...stores];
	}

	static async open(ledger: Ledger, random: Random): Promise<Business> {
		const teller = new Teller(ledger);
		const wallets = await teller.wallets(5, { credit: 2_000 });
		const stores = await Promise.all(times(2, () => teller.open("store")));
		return new Business(ledger, random, { wallets, stores });
	}

	/** @returns how often each answer was given */
	async go({ rounds, width }: { rounds: number; width: number }) {
		const answers: Record<string, number> = {};
		for (let round = 0; round < rounds; round++) {
			const commands = times(width, () => this.#next());
			this.asked.push(...commands);
			const { values, refusals } = await settle(commands.map((each) => ask(this.#ledger, each)));
			for (const [code, count] of Object.entries({ ...refusals, ok: values.length })) {
				answers[code] = (answers[code] ?? 0) + count;
			}
		}
		return answers;
	}

	#next(): Asked {
		const dice = this.#random.below(100);
		if (dice < 55) return { name: "credit.transfer", params: this.#payment(dice) };
		if (dice < 65 && this.asked.length > 0) return this.#again();
		const command = this.#teller.command();
		const transferId = this.#pick(this.#payments);
		const part = this.#random.once(2) ? {} : { amount: 1 + this.#random.below(60) };
		if (dice < 72) return { name: "credit.post", params: { ...command, transferId: this.#pick(this.#holds), ...part } };
		if (dice < 76) return { name: "credit.void", params: { ...command, transferId: this.#pick(this.#holds) } };
		if (dice < 86)
			return { name: "credit.refund", params: { ...command, transferId, ...part, details: { why: "cold" } } };
		if (dice < 95) return { name: "credit.cancel", params: { ...command, targetId: this.#target(), details: {} } };
		const accountId = this.#pick(this.accounts);
		const state = this.#random.once(3) ? "frozen" : "open";
		return { name: "credit.setState", params: { ...command, accountId, state, reason: "at random" } };
	}

	#payment(dice: number): Params<"credit.transfer"> {
		const order = this.#order(dice);
		const late = this.#random.once(8) ? this.#late.pop() : undefined;
		const params = this.#teller.params({ ...order, ...(late && { id: late }) });
		(order.hold ? this.#holds : this.#payments).push(params.id);
		return params;
	}

	#order(dice: number): Order {
		const random = this.#random;
		const amount = 1 + random.below(100);
		const [wallet, store] = [this.#pick(this.#wallets), this.#pick(this.#stores)];
		if (dice < 6) return { kind: "charge", from: FUNDING, to: wallet, amount: amount * 5 };
		if (dice < 14) return { kind: "p2p", from: wallet, to: this.#pick(this.#wallets), amount };
		if (dice < 18) return { kind: "payout", from: store, to: "system:settlement", amount };
		if (dice < 20) return { kind: "payout", from: store, to: "system:adjustment", amount };
		const redeem = { jti: `code-of-${random.below(2_000)}`, expiresAtMs: Date.now() + 60_000, cap: 95 };
		return {
			...{ from: wallet, to: store, amount },
			...(dice < 32 && { hold: { ttlMs: random.pick([1_000, 60_000]) } }),
			...(random.once(3) && { redeem }),
			...(random.once(20) && { deadlineMs: 1 }),
		};
	}

	/** The same command, or another one with its id. */
	#again(): Asked {
		const before = this.#random.pick(this.asked.slice(-200));
		const other = { ...before, params: { ...before.params, fingerprint: "something else" } } as Asked;
		return this.#random.once(4) ? other : before;
	}

	/** Also what nobody has asked for yet, and what cannot be cancelled. */
	#target(): string {
		if (this.#random.once(3)) return this.#pick(this.#random.once(2) ? this.#holds : this.#payments);
		const late = this.#ledger.newId();
		this.#late.push(late);
		return late;
	}

	#pick(from: readonly string[]): string {
		return from.length === 0 ? "none.yet" : this.#random.pick(from.slice(-40));
	}
}

export const ask = (ledger: Parameters<typeof call>[0], { name, params }: { name: keyof Actions; params: object }) =>
	call(ledger, name, params as never) as Promise<unknown>;

/** The codes that say that something is wrong with the platform, and not with what was asked. */
export const isFailure = (code: string): boolean => code !== "ok" && problems[code as ProblemCode].status >= 500;
