import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { language } from "../ui/i18n.ts";
import { theme } from "../ui/theme.ts";
import { type Point, points } from "./pulse.ts";

type Line = {
	readonly label: string;
	readonly of: (point: Point) => number | null;
	readonly colour: "jade" | "brass" | "danger";
};
type Props = { readonly title: string; readonly lines: readonly Line[] };

const HEIGHT = 170;
/** Beside an axis there is little room: `1.2만`, `12K`. */
const short = (value: number): string =>
	value.toLocaleString(language.value, {
		notation: value >= 10_000 ? "compact" : "standard",
		maximumFractionDigits: 1,
	});
/** How much there is, is answered to the last of it. */
const shown = (value: number | null): string =>
	value === null ? "–" : value.toLocaleString(language.value, { maximumFractionDigits: 1 });

/** A question and its answer over time. A table would say no more to who cannot see it than the last values do, which stand beside it. */
export function Chart({ title, lines }: Props) {
	const place = useRef<HTMLDivElement>(null);
	const plot = useRef<uPlot | null>(null);
	const all = points.value;
	const look = `${theme.value} ${language.value}`;
	useEffect(() => {
		const element = place.current;
		if (!element) return;
		const made = new uPlot(optionsOf(lines, element), dataOf(points.value, lines), element);
		plot.current = made;
		const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
		watch.observe(element);
		return () => {
			watch.disconnect();
			made.destroy();
		};
		// The colours of a canvas are those of when it was drawn.
	}, [look]);
	useEffect(() => plot.current?.setData(dataOf(all, lines)), [all]);
	const latest = all.at(-1);
	return (
		<figure class="card chart">
			<figcaption>
				<h2>{title}</h2>
				<ul class="legend">
					{lines.map(({ label, of, colour }) => (
						<li key={label}>
							<span class={`mark ${colour}`} />
							{label} <strong class="number">{latest ? shown(of(latest)) : "–"}</strong>
						</li>
					))}
				</ul>
			</figcaption>
			<div ref={place} class="plot" aria-hidden="true" />
		</figure>
	);
}

const dataOf = (all: readonly Point[], lines: readonly Line[]): uPlot.AlignedData =>
	[all.map(({ atS }) => atS), ...lines.map(({ of }) => all.map(of))] as uPlot.AlignedData;

function optionsOf(lines: readonly Line[], element: HTMLElement): uPlot.Options {
	const colour = (name: string) => resolved(element, name);
	const axis = {
		stroke: colour("ink-soft"),
		grid: { stroke: colour("line"), width: 1 },
		ticks: { show: false },
		font: "12px system-ui",
	};
	return {
		width: element.clientWidth || 400,
		height: HEIGHT,
		legend: { show: false },
		cursor: { show: false },
		scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.15 : 1] } },
		axes: [
			{
				...axis,
				values: (_, splits) => splits.map((at) => new Date(at * 1_000).toTimeString().slice(0, 8)),
				space: 90,
			},
			{ ...axis, size: 52, values: (_, splits) => splits.map(short) },
		],
		series: [
			{},
			...lines.map(({ label, colour: name }) => ({
				label,
				stroke: colour(name),
				width: 2,
				points: { show: false },
				spanGaps: true,
			})),
		],
	};
}

/** What a colour of the style is in the theme that is shown: a canvas knows no variables. */
function resolved(element: HTMLElement, name: string): string {
	const probe = element.appendChild(document.createElement("span"));
	probe.className = `ink ${name}`;
	const { color } = getComputedStyle(probe);
	probe.remove();
	return color;
}
