/**
 * A quantity or an amount as people write it, and as the screens do: "1,000", or in the wide digits of a Korean or Japanese keyboard.
 *
 * @returns nothing where it is no whole number
 */
export function wholeNumberIn(text: string): number | undefined {
	const digits = text.normalize("NFKC").replaceAll(",", "").trim();
	return /^\d+$/.test(digits) ? Number(digits) : undefined;
}
