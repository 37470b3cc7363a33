import type { Second } from "./k6.ts";

/** What a second of a run was like, how many processes there were then, and what they held of the memory. */
export type Moment = Second & { readonly processes: number; readonly memoryMb: number };

export type Panel<M> = { readonly title: string; readonly colour: string; readonly of: (moment: M) => number };

const panels: readonly Panel<Moment>[] = [
	{ title: "virtual users", colour: "#6b5bd2", of: ({ users }) => users },
	{ title: "requests per second", colour: "#0b7285", of: ({ requestsPerS }) => requestsPerS },
	{ title: "mean latency, ms", colour: "#b35c00", of: ({ meanMs }) => meanMs },
	{ title: "failed requests", colour: "#c92a2a", of: ({ failed }) => failed },
	{ title: "processes", colour: "#2b8a3e", of: ({ processes }) => processes },
	{ title: "memory of the services, MB", colour: "#495057", of: ({ memoryMb }) => memoryMb },
];

const WIDTH = 900;
const [LEFT, RIGHT, TOP] = [64, 16, 48];
const [PANEL, GAP] = [92, 34];
const plotWidth = WIDTH - LEFT - RIGHT;

/** Users, rate, latency, failures and processes over time, one below the other, as SVG. */
export const chartOf = (title: string, moments: readonly Moment[]): string => drawn(title, panels, moments);

/** What is to be seen over time, one below the other, as SVG. */
export function drawn<M extends { readonly atS: number }>(
	title: string,
	panels: readonly Panel<M>[],
	moments: readonly M[],
): string {
	const endS = Math.max(1, ...moments.map(({ atS }) => atS));
	const height = TOP + panels.length * (PANEL + GAP);
	const each = panels.map((panel, index) => panelOf(panel, { moments, endS, y: TOP + index * (PANEL + GAP) }));
	return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" role="img" aria-label="${escaped(title)}">
<rect width="100%" height="100%" fill="#fff"/>
<text x="${LEFT}" y="26" font-size="16" font-weight="600">${escaped(title)}</text>
${each.join("\n")}
</svg>
`;
}

type Frame<M> = { readonly moments: readonly M[]; readonly endS: number; readonly y: number };

function panelOf<M extends { readonly atS: number }>(
	{ title, colour, of }: Panel<M>,
	{ moments, endS, y }: Frame<M>,
): string {
	const max = Math.max(1, ...moments.map(of));
	const xOf = (atS: number) => (LEFT + (atS / endS) * plotWidth).toFixed(1);
	const yOf = (value: number) => (y + PANEL - (value / max) * PANEL).toFixed(1);
	const points = moments.map((moment) => `${xOf(moment.atS)},${yOf(of(moment))}`).join(" ");
	const ticks = Array.from({ length: 8 }, (_, index) => Math.round((endS / 7) * index));
	return `<text x="${LEFT}" y="${y - 6}" font-size="12" fill="#333">${title}</text>
<rect x="${LEFT}" y="${y}" width="${plotWidth}" height="${PANEL}" fill="#f8f9fa" stroke="#dee2e6"/>
<text x="${LEFT - 6}" y="${y + 10}" font-size="11" text-anchor="end" fill="#555">${rounded(max)}</text>
<text x="${LEFT - 6}" y="${y + PANEL}" font-size="11" text-anchor="end" fill="#555">0</text>
<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="1.5"/>
${ticks.map((atS) => `<text x="${xOf(atS)}" y="${y + PANEL + 14}" font-size="10" text-anchor="middle" fill="#777">${atS} s</text>`).join("")}`;
}

const rounded = (value: number): string => (value < 10 ? String(Number(value.toFixed(1))) : String(Math.round(value)));

const escaped = (text: string): string => text.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);
