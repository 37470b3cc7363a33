/** The largest single amount, in credits. Sums of 9,000 of them stay exact (2^53 ≈ 9.007 × 10^15). */
export const AMOUNT_MAX = 1_000_000_000_000;

/** An amount is a whole number of credits from 1 to `AMOUNT_MAX`. */
export const isAmount = (value: unknown): value is number =>
	Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= AMOUNT_MAX;

/** The exact sum of two whole numbers; a sum that a double cannot hold exactly is a programmer's error and stops the work. */
export function addExact(left: number, right: number): number {
	const sum = left + right;
	if (!Number.isSafeInteger(sum)) throw new RangeError(`${left} + ${right} is not an exact integer`);
	return sum;
}
