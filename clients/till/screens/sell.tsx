import { useLayoutEffect, useState } from "preact/hooks";
import { useKeys } from "../../ui/effects.ts";
import { go } from "../../ui/router.tsx";
import { Title } from "../../ui/title.tsx";
import { toast } from "../../ui/toast.tsx";
import { countOf, totalOf } from "../basket.ts";
import { BasketPanel } from "../basket-panel.tsx";
import { ChangesDialog } from "../changes-dialog.tsx";
import { LongNumber } from "../long-number.tsx";
import { add, basket, changes, isEmpty, park } from "../order.ts";
import { pay } from "../payment.ts";
import { hand } from "../preferences.ts";
import { ProductGrid } from "../product-grid.tsx";
import { isOnline, products, store, till } from "../shop.ts";
import { t } from "../texts.ts";
import { hearScanner } from "../wedge.ts";

export const isPaymentCode = (text: string): boolean => text.startsWith("HN:") && text.length <= 200;

/** The counter: what there is, and what is in the basket. */
export function Sell() {
	const [isOpen, setOpen] = useState(false);
	useLayoutEffect(() => hearScanner(scanned), []);
	useKeys(({ key }) => {
		if (!isAsking()) keys[key]?.();
	});
	return (
		<main class={`counter basket-${hand.value} ${isOpen ? "basket-open" : ""}`}>
			<section class="shelf" aria-label={store.value?.name ?? t().sell}>
				<div class="hidden-text">
					<Title app={t().name}>{t().sell}</Title>
				</div>
				<ProductGrid />
			</section>
			<BasketPanel onClose={() => setOpen(false)} />
			{!isOpen && !isEmpty.value && (
				<button type="button" class="button primary large basket-bar" onClick={() => setOpen(true)}>
					<span>{t().items(countOf(basket.value))}</span>
					<LongNumber value={totalOf(basket.value)} />
				</button>
			)}
			{changes.value.length > 0 && <ChangesDialog />}
		</main>
	);
}

/** Beneath a dialog nothing happens to the basket: what is being written there is of it. */
const isAsking = (): boolean => changes.value.length > 0 || document.querySelector("dialog[open]") !== null;

const keys: Readonly<Record<string, () => void>> = {
	F2: () => document.getElementById("search")?.focus(),
	F4: () => document.getElementById("discount")?.click(),
	F8: () => {
		if (!isEmpty.value) go("/pay");
	},
	F9: park,
};

/** A customer's code takes the payment at once, unless somebody is about to change what is to be paid; a product's number adds it. */
function scanned(text: string): void {
	if (isPaymentCode(text)) {
		if (isEmpty.value || !till.value || isAsking()) return;
		if (isOnline.value) void pay(till.value.storeId, basket.value, text);
		go("/pay");
		return;
	}
	const product = products.value.find(({ sku }) => sku === text);
	if (product) add(product.id);
	else toast(t().noMatch(text.slice(0, 40)));
}
