import { credit, momentText, number } from "../ui/format.tsx";
import type { Sale } from "./payment.ts";
import { store, till } from "./shop.ts";
import { t } from "./texts.ts";

/** What the printer gets, and nobody sees on the screen. */
export function Receipt({ sale }: { readonly sale: Sale }) {
	const { name, registration, place } = store.value ?? { name: "", registration: null, place: null };
	return (
		<section class="receipt" aria-hidden="true">
			<h2>{name}</h2>
			{registration && (
				<p>
					{t().registration} {registration}
				</p>
			)}
			{place && <p>{place}</p>}
			<p>{momentText(sale.createdAtMs ?? Date.now())}</p>
			<hr />
			<table>
				<tbody>
					{sale.items.map(({ productId, name: item, quantity, unitPrice, amount }) => (
						<tr key={productId}>
							<td>
								{item}
								<br />
								<small>
									{number(unitPrice)} × {quantity}
								</small>
							</td>
							<td>{number(amount)}</td>
						</tr>
					))}
					{sale.discount > 0 && (
						<tr>
							<td>{t().discount}</td>
							<td>{number(-sale.discount)}</td>
						</tr>
					)}
					<tr class="sum">
						<td>{t().total}</td>
						<td>{credit(sale.total ?? 0)}</td>
					</tr>
					{sale.refunds.map(({ id, amount, createdAtMs }) => (
						<tr key={id}>
							<td>
								{t().refundTitle}
								<br />
								<small>{momentText(createdAtMs)}</small>
							</td>
							<td>{number(-amount)}</td>
						</tr>
					))}
				</tbody>
			</table>
			<hr />
			{sale.note && <p>{sale.note}</p>}
			<p>
				<small>
					{till.value?.name} · {sale.id}
				</small>
			</p>
			<p>{t().thanks}</p>
		</section>
	);
}
