import { credit } from "./format.tsx";

export type Bar = { readonly key: number; readonly label: string; readonly value: number };

/** A few amounts beside each other. Who does not see it reads them as a list. @param axis which of them are labelled */
export function Bars({
	title,
	bars,
	every = 3,
}: {
	readonly title: string;
	readonly bars: readonly Bar[];
	readonly every?: number;
}) {
	const most = Math.max(1, ...bars.map(({ value }) => value));
	return (
		<figure class="bars">
			<figcaption>{title}</figcaption>
			<ol>
				{bars.map(({ key, label, value }, index) => (
					<li key={key} title={`${label} ${credit(value)}`}>
						<span class="hidden-text">
							{label}: {credit(value)}
						</span>
						<span class="bar" style={{ blockSize: `${value === 0 ? 0 : Math.max(3, (100 * value) / most)}%` }} />
						<span class="bar-label" aria-hidden="true">
							{index % every === 0 ? label : ""}
						</span>
					</li>
				))}
			</ol>
		</figure>
	);
}
