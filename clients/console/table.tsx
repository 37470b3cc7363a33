import type { ComponentChildren } from "preact";

type Props = {
	readonly label: string;
	readonly columns: readonly (readonly [title: string, look?: "right" | "moment"])[];
	readonly rows: readonly { readonly key: string | number; readonly cells: readonly ComponentChildren[] }[];
};

/** A table that scrolls by itself where it is wider than the page, also with the keyboard. */
export function Table({ label, columns, rows }: Props) {
	return (
		// biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard (WCAG 2.1.1).
		<section class="scroll" tabIndex={0} aria-label={label}>
			<table>
				<thead>
					<tr>
						{columns.map(([title, look]) => (
							<th key={title} scope="col" class={look}>
								{title}
							</th>
						))}
					</tr>
				</thead>
				<tbody>
					{rows.map(({ key, cells }) => (
						<tr key={key}>
							{cells.map((cell, index) => (
								<td key={index} class={columns[index]?.[1]}>
									{cell}
								</td>
							))}
						</tr>
					))}
				</tbody>
			</table>
		</section>
	);
}
