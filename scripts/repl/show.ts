import { type Column, table } from "../demo/table.ts";

/** Where commands say what they found. */
export type Print = (text: string) => void;

export const number = (value: number): string => value.toLocaleString("en");
export const time = (atMs: number): string => new Date(atMs).toISOString().replace("T", " ").slice(0, 19);

/** How long ago, as a person says it. */
export function age(sinceMs: number, nowMs = Date.now()): string {
	const s = Math.max(0, Math.round((nowMs - sinceMs) / 1_000));
	if (s < 120) return `${s} s`;
	if (s < 7_200) return `${Math.round(s / 60)} min`;
	return s < 172_800 ? `${Math.round(s / 3_600)} h` : `${Math.round(s / 86_400)} days`;
}

export const rows = (columns: readonly Column[], lines: readonly (readonly string[])[]): string =>
	table(columns, lines).join("\n");

/** Names and values, one a line. */
export function facts(pairs: Readonly<Record<string, string>>): string {
	const width = Math.max(...Object.keys(pairs).map(({ length }) => length));
	return Object.entries(pairs)
		.map(([name, value]) => `${name.padEnd(width)}  ${value}`)
		.join("\n");
}
