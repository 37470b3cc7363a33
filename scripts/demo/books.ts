export type Tally = { readonly count: number; readonly amount: number };

/** The store's place in the books; people stand under their handles, which never contain a colon. */
export const STORE = "store:";

/**
 * What the demo knows it moved, kept without asking the platform: at the end both must agree to the last coin.
 * Only what was certainly booked is written here.
 */
export type Books = {
	charge(who: string, amount: number): void;
	sell(customer: string, amount: number): void;
	refund(customer: string, amount: number): void;
	send(amount: number, between: { from: string; to: string }): void;
	payOut(amount: number): void;
	balanceOf(who: string): number;
	/** What everyone and the store hold together: what was charged less what was paid out. */
	held(): number;
	readonly tallies: Readonly<Record<Movement, Tally>>;
};

type Movement = "charges" | "sales" | "refunds" | "sends" | "payouts";

export function createBooks(): Books {
	const balances = new Map<string, number>();
	const none = { count: 0, amount: 0 };
	const tallies: Record<Movement, Tally> = { charges: none, sales: none, refunds: none, sends: none, payouts: none };
	const add = (who: string, amount: number) => balances.set(who, (balances.get(who) ?? 0) + amount);
	const count = (movement: Movement, amount: number) => {
		const before = tallies[movement];
		tallies[movement] = { count: before.count + 1, amount: before.amount + amount };
	};
	const move = (movement: Movement, amount: number, { from, to }: { from: string | null; to: string | null }) => {
		if (from !== null) add(from, -amount);
		if (to !== null) add(to, amount);
		count(movement, amount);
	};
	return {
		charge: (who, amount) => move("charges", amount, { from: null, to: who }),
		sell: (customer, amount) => move("sales", amount, { from: customer, to: STORE }),
		refund: (customer, amount) => move("refunds", amount, { from: STORE, to: customer }),
		send: (amount, between) => move("sends", amount, between),
		payOut: (amount) => move("payouts", amount, { from: STORE, to: null }),
		balanceOf: (who) => balances.get(who) ?? 0,
		held: () => tallies.charges.amount - tallies.payouts.amount,
		tallies,
	};
}
