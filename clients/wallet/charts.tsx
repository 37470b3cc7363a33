import { credit, dayText, number } from "../ui/format.tsx";
import type { Spending } from "./spending.ts";
import { beginOf, type Month } from "./statement.ts";
import { t } from "./texts.ts";

const HEIGHT = 56;
const STEP = 10;
const DAY_MS = 86_400_000;

/** Where the money of a month went. Everything that is drawn is written, too. */
export function Charts({ spending, month }: { readonly spending: Spending; readonly month: Month }) {
	const texts = t().historyScreen;
	const { shares, days } = spending;
	const most = Math.max(...days);
	const noonOfFirstMs = beginOf(month) + DAY_MS / 2;
	const said = days.flatMap((amount, index) =>
		amount > 0 ? [`${dayText(noonOfFirstMs + index * DAY_MS)} ${credit(amount)}`] : [],
	);
	return (
		<>
			<figure>
				<figcaption class="small soft">{texts.days}</figcaption>
				<svg
					class="days-chart"
					viewBox={`0 0 ${days.length * STEP} ${HEIGHT}`}
					preserveAspectRatio="none"
					role="img"
					aria-label={`${texts.days}: ${said.join(", ")}`}
				>
					{days.map((amount, index) => {
						const height = amount === 0 ? 2 : Math.max(4, (amount / most) * HEIGHT);
						const place = { x: index * STEP + 1.5, y: HEIGHT - height, width: STEP - 3, height };
						return <rect key={index} {...place} rx="2" class={amount === 0 ? "nothing" : ""} />;
					})}
				</svg>
			</figure>
			<figure>
				<figcaption class="small soft">{texts.where}</figcaption>
				<ul class="shares">
					{shares.map(({ name, amount, percent }) => (
						<li key={name}>
							<span class="shares-name">{name || texts.others}</span>
							<span class="number">
								{number(amount)} <span class="soft small">{texts.share(percent)}</span>
							</span>
							<span class="shares-bar" style={{ "--share": `${Math.max(1, percent)}%` }} />
						</li>
					))}
				</ul>
			</figure>
		</>
	);
}
