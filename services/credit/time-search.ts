/** What has this number, or the next one after it that there is, and when that was. */
type Point = { readonly number: number; readonly atMs: number };

/**
 * Where a moment lies among what is numbered in the order of time: not all numbers need be there. It takes as many looks as the last number has
 * bits, so that what a range of time asks for can be had by its numbers, of which there is an index, and not by looking at all there is.
 *
 * Most looks are at round numbers, which other moments need as well: who remembers them needs few.
 *
 * @param first at least 1
 * @param look finds the first one from a number on, null if there is none
 * @returns `after`: all that come before this number are earlier than the moment. `until`: all from this number on are not.
 */
export async function numbersAround(
	atMs: number,
	{ first, last, look }: { first: number; last: number; look: (number: number) => Promise<Point | null> },
): Promise<{ readonly after: number; readonly until: number }> {
	let [after, until, end] = [first, last + 1, last + 1];
	while (after < end) {
		const middle = roundest(after, end);
		const found = await look(middle);
		if (found && found.atMs < atMs) after = found.number + 1;
		else {
			end = middle;
			if (found) until = Math.min(until, found.number);
		}
	}
	return { after, until };
}

/** Of the numbers in [from, end) the one that the largest power of two divides. */
function roundest(from: number, end: number): number {
	const after = (step: number) => Math.ceil(from / step) * step;
	let step = 1;
	while (after(step * 2) < end) step *= 2;
	return after(step);
}
