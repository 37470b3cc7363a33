import type { Profiler } from "node:inspector";
import { sep } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "../scripts/steps.ts";

/** One function, as often as it was called by the same ones. */
type Frame = { readonly name: string; readonly place: string; totalUs: number; readonly called: Map<string, Frame> };

/** What is no work: waiting, and what belongs to nobody. */
const NO_WORK: ReadonlySet<string> = new Set(["(idle)", "(program)"]);

/** Whose code it is: a file of ours, a package, a module of Node's, or a function of the engine's. */
function placeOf({ url, functionName }: Profiler.ProfileNode["callFrame"]): string {
	const installed = url.lastIndexOf("/node_modules/");
	if (installed >= 0) {
		const [first = "", second = ""] = url.slice(installed + "/node_modules/".length).split("/");
		return first.startsWith("@") ? `${first}/${second}` : first;
	}
	if (url.startsWith("node:")) return url.split("/").slice(0, 2).join("/");
	if (url.startsWith("file:")) return fileURLToPath(url).replace(root + sep, "");
	return `native ${functionName}`;
}

/** The same calls put together, with the time that was spent in them, in microseconds. */
export function framesOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Frame {
	const all: Frame = { name: "all", place: "", totalUs: 0, called: new Map() };
	const byId = new Map(nodes.map((node) => [node.id, node]));
	const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
	const pathTo = (id: number): Profiler.ProfileNode[] => {
		const path: Profiler.ProfileNode[] = [];
		for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
			const node = byId.get(at);
			if (node && node.callFrame.functionName !== "(root)") path.unshift(node);
		}
		return path;
	};
	const paths = new Map(nodes.map(({ id }) => [id, pathTo(id)]));
	for (const [index, id] of samples.entries()) {
		const path = paths.get(id) ?? [];
		if (path.some(({ callFrame }) => NO_WORK.has(callFrame.functionName))) continue;
		const us = timeDeltas[index] ?? 0;
		all.totalUs += us;
		let frame = all;
		for (const { callFrame } of path) {
			const [name, place] = [callFrame.functionName || "(anonymous)", placeOf(callFrame)];
			const next: Frame = frame.called.get(name + place) ?? { name, place, totalUs: 0, called: new Map() };
			frame.called.set(name + place, next);
			next.totalUs += us;
			frame = next;
		}
	}
	return all;
}

/** The share of each place by itself, without what it calls, the largest first. */
export function selfShares(all: Frame): readonly (readonly [place: string, share: number])[] {
	const byPlace = new Map<string, number>();
	const add = ({ place, totalUs, called }: Frame) => {
		const selfUs = totalUs - [...called.values()].reduce((sum, frame) => sum + frame.totalUs, 0);
		byPlace.set(place, (byPlace.get(place) ?? 0) + selfUs);
		for (const frame of called.values()) add(frame);
	};
	add(all);
	const shares = [...byPlace].map(([place, us]) => [place, us / all.totalUs] as const);
	return shares.sort(([, left], [, right]) => right - left);
}

const [WIDTH, ROW, TOP] = [1_200, 15, 40];
/** What is narrower cannot be seen. */
const WIDTH_MIN = 1.5;
const colours = [
	{ of: /^(services|mixins|scripts|bench|main)/, colour: "#f2b366" },
	{ of: /^moleculer/, colour: "#9cc4e4" },
	{ of: /^node:/, colour: "#b9d8b0" },
	{ of: /^native/, colour: "#d9c7e8" },
	{ of: /./, colour: "#e8e0c9" },
];

/** Who called whom, from above, as wide as the time it took (Gregg, "The Flame Graph", 2016), as SVG. */
export function flameGraphOf(title: string, all: Frame): string {
	const boxes: string[] = [];
	let depthMax = 0;
	const draw = (frame: Frame, x: number, depth: number) => {
		const width = (frame.totalUs / all.totalUs) * WIDTH;
		if (width < WIDTH_MIN) return;
		depthMax = Math.max(depthMax, depth);
		boxes.push(boxOf(frame, { x, y: TOP + depth * ROW, width, share: frame.totalUs / all.totalUs }));
		let at = x;
		for (const next of [...frame.called.values()].sort((left, right) => right.totalUs - left.totalUs)) {
			draw(next, at, depth + 1);
			at += (next.totalUs / all.totalUs) * WIDTH;
		}
	};
	draw(all, 0, 0);
	const height = TOP + (depthMax + 1) * ROW + 4;
	return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="10" role="img" aria-label="${escaped(title)}">
<rect width="100%" height="100%" fill="#fff"/>
<text x="6" y="22" font-size="15" font-weight="600">${escaped(title)}</text>
${boxes.join("\n")}
</svg>
`;
}

type Box = { readonly x: number; readonly y: number; readonly width: number; readonly share: number };

function boxOf({ name, place }: Frame, { x, y, width, share }: Box): string {
	const colour = colours.find(({ of }) => of.test(place))?.colour ?? "#ddd";
	const text = name.slice(0, Math.floor(width / 6));
	const label = text.length > 2 ? `<text x="${(x + 2).toFixed(1)}" y="${y + 11}">${escaped(text)}</text>` : "";
	return `<g><title>${escaped(`${name} (${place}), ${(share * 100).toFixed(1)} %`)}</title><rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 1}" fill="${colour}"/>${label}</g>`;
}

const escaped = (text: string): string => text.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);
