import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { credit, number } from "../ui/format.tsx";
import { totalOf } from "./basket.ts";
import { basket, changes } from "./order.ts";
import { t } from "./texts.ts";

/** The basket is not what it was, by nobody's hand. It stays until somebody says that they know. */
export function ChangesDialog() {
	const close = () => {
		changes.value = [];
	};
	return (
		<Dialog title={t().changed} onClose={close}>
			<ul class="list items">
				{changes.value.map(({ productId, name, priceBefore, price }) => (
					<li key={productId}>
						<strong>{name}</strong>
						<div>{price === null ? t().gone : t().priceChanged(number(priceBefore), credit(price))}</div>
					</li>
				))}
			</ul>
			<p>{t().totalNow(credit(totalOf(basket.value)))}</p>
			<Button look="primary" class="wide" onPress={close}>
				{t().understood}
			</Button>
		</Dialog>
	);
}
