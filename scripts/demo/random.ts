/** A small seeded generator (mulberry32): the same seed fills the same baskets. Not for secrets. */
export type Random = {
	/** From `from` up to and including `to`. */
	integer(range: { from: number; to: number }): number;
	pick<T>(items: readonly T[]): T;
};

export function createRandom(seed: number): Random {
	let state = seed >>> 0;
	const fraction = (): number => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
	const integer = ({ from, to }: { from: number; to: number }) => from + Math.floor(fraction() * (to - from + 1));
	return {
		integer,
		pick: (items) => {
			const item = items[integer({ from: 0, to: items.length - 1 })];
			if (item === undefined) throw new RangeError("Nothing to pick from");
			return item;
		},
	};
}
