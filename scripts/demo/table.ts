import { displayWidth, padEnd, padStart, truncate } from "./display.ts";

export type Column = { readonly title: string; readonly align?: "right"; readonly widthMax?: number };

const GAP = "  ";

/** A table as lines: titles, a rule, rows. Columns are as wide as what is in them, up to their `widthMax`. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
	const widths = columns.map(({ title, widthMax = 200 }, at) =>
		Math.min(widthMax, Math.max(...[title, ...rows.map((row) => row[at] ?? "")].map(displayWidth))),
	);
	const line = (cells: readonly string[]): string =>
		columns
			.map(({ align }, at) => {
				const width = widths[at] ?? 0;
				const cell = truncate(cells[at] ?? "", width);
				return align === "right" ? padStart(cell, width) : padEnd(cell, width);
			})
			.join(GAP)
			.trimEnd();
	const rule = widths.map((width) => "─".repeat(width)).join(GAP);
	return [line(columns.map(({ title }) => title)), rule, ...rows.map(line)];
}
