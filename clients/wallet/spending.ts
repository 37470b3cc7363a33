import type { Transaction } from "./wallet.ts";

export type Share = { readonly name: string; readonly amount: number; readonly percent: number };

export type Spending = {
	readonly spent: number;
	readonly received: number;
	/** Where it went, the most first. What is left over is the last one, without a name. */
	readonly shares: readonly Share[];
	/** By day of the month, from the first. */
	readonly days: readonly number[];
};

const NAMED_MAX = 5;

/** A month in figures. What was given back was not spent, and did not come in. */
export function spendingOf(items: readonly Transaction[], daysInMonth: number): Spending {
	const byName = new Map<string, number>();
	const days = Array.from({ length: daysInMonth }, () => 0);
	let received = 0;
	for (const item of items) {
		const out = spentBy(item);
		if (out > 0) {
			byName.set(item.counterparty, (byName.get(item.counterparty) ?? 0) + out);
			const day = new Date(item.postedAtMs).getDate() - 1;
			days[day] = (days[day] ?? 0) + out;
		} else if (item.amount > 0 && item.kind !== "refund") received += item.amount;
	}
	const sorted = [...byName].sort(([, a], [, b]) => b - a);
	const spent = sorted.reduce((sum, [, amount]) => sum + amount, 0);
	const share = ([name, amount]: readonly [string, number]): Share => ({
		name,
		amount,
		percent: spent === 0 ? 0 : Math.round((amount * 100) / spent),
	});
	const rest = sorted.slice(NAMED_MAX).reduce((sum, [, amount]) => sum + amount, 0);
	const others = rest > 0 ? [share(["", rest])] : [];
	return { spent, received, shares: [...sorted.slice(0, NAMED_MAX).map(share), ...others], days };
}

const spentBy = ({ kind, amount, refunded }: Transaction): number =>
	amount < 0 && (kind === "sale" || kind === "p2p") ? -amount - refunded : 0;

/** What a person looks for: in names, notes and things bought, whatever the case. */
export function matching(items: readonly Transaction[], wanted: string): readonly Transaction[] {
	const words = wanted.toLocaleLowerCase().split(/\s+/).filter(Boolean);
	return items.filter(({ counterparty, note, items: bought }) => {
		const text = [counterparty, note ?? "", ...bought.map(({ name }) => name)].join(" ").toLocaleLowerCase();
		return words.every((word) => text.includes(word));
	});
}
