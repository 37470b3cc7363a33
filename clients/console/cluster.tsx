import { type Call, calls, look } from "./pulse.ts";
import { t } from "./texts.ts";

/** Where each service stands in the picture: who calls stands left of who is called. */
const places: Readonly<Record<string, readonly [x: number, y: number]>> = {
	clients: [55, 200],
	api: [180, 200],
	user: [310, 80],
	store: [310, 320],
	auth: [440, 80],
	credit: [440, 320],
};
const RADIUS = 46;

/** The services, how many processes each has, and the calls between them as they are now. */
export function Cluster() {
	const processes = (name: string) => look.value?.items.filter(({ services }) => services.includes(name)).length ?? 0;
	const shown = calls.value.filter(({ from, to }) => places[from] && places[to] && from !== to);
	const busiest = [...shown].sort((left, right) => right.rate - left.rate);
	return (
		<section class="card stack picture">
			<h2>{t().cluster}</h2>
			<p class="soft small">{t().clusterHint}</p>
			<svg viewBox="0 0 500 400" class="cluster" role="img" aria-label={t().cluster}>
				{shown.map((call) => (
					<Line key={`${call.from} ${call.to}`} {...call} />
				))}
				{Object.entries(places).map(([name, [x, y]]) => {
					const count = processes(name);
					const isThere = name === "clients" || count > 0;
					return (
						<g key={name} class={`service ${isThere ? "" : "gone"}`} transform={`translate(${x} ${y})`}>
							<circle r={RADIUS} />
							<text y={name === "clients" ? 5 : 0}>{name === "clients" ? t().clients : name}</text>
							{name !== "clients" && <text y={18} class="count">{`× ${count}`}</text>}
						</g>
					);
				})}
			</svg>
			{busiest.length === 0 ? (
				<p class="soft">{t().noCalls}</p>
			) : (
				<ul class="calls small">
					{busiest.slice(0, 8).map(({ from, to, rate, failed }) => (
						<li key={`${from} ${to}`} class={failed > 0 ? "failing" : ""}>
							{t().calls(from === "clients" ? t().clients : from, to, rate.toFixed(1))}
						</li>
					))}
				</ul>
			)}
		</section>
	);
}

/** From edge to edge of the circles, as thick as it is busy: ten times the calls is one step. */
function Line({ from, to, rate, failed }: Call) {
	const [x1, y1] = places[from] as readonly [number, number];
	const [x2, y2] = places[to] as readonly [number, number];
	const length = Math.hypot(x2 - x1, y2 - y1);
	const [dx, dy] = [((x2 - x1) / length) * RADIUS, ((y2 - y1) / length) * RADIUS];
	return (
		<line
			class={`call ${failed > 0 ? "failing" : ""}`}
			x1={x1 + dx}
			y1={y1 + dy}
			x2={x2 - dx}
			y2={y2 - dy}
			stroke-width={2 + 2 * Math.log10(1 + rate)}
		/>
	);
}
