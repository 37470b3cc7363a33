/** Hangul, Han, kana, full-width forms and emoji take two columns of a terminal. */
const wide =
	/[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const invisible = /[\p{Mn}\p{Me}\p{Cf}]/u;

const columnsOf = (character: string): number => (invisible.test(character) ? 0 : wide.test(character) ? 2 : 1);

/** How many columns a text takes in a terminal. */
export function displayWidth(text: string): number {
	let columns = 0;
	for (const character of text) columns += columnsOf(character);
	return columns;
}

/** At most `width` columns; what is cut off leaves an ellipsis. */
export function truncate(text: string, width: number): string {
	if (displayWidth(text) <= width) return text;
	let kept = "";
	let columns = 0;
	for (const character of text) {
		columns += columnsOf(character);
		if (columns > width - 1) break;
		kept += character;
	}
	return `${kept}…`;
}

export const padEnd = (text: string, width: number): string =>
	text + " ".repeat(Math.max(0, width - displayWidth(text)));
export const padStart = (text: string, width: number): string =>
	" ".repeat(Math.max(0, width - displayWidth(text))) + text;

export const won = (amount: number): string => amount.toLocaleString("en-US");

export const signed = (amount: number): string => (amount > 0 ? `+${won(amount)}` : won(amount));

export function duration(ms: number): string {
	if (ms >= 10_000) return `${(ms / 1_000).toFixed(1)} s`;
	return ms >= 10 ? `${won(Math.round(ms))} ms` : `${ms.toFixed(1)} ms`;
}

export const plural = (count: number, noun: string): string => `${won(count)} ${noun}${count === 1 ? "" : "s"}`;
