import { useState } from "preact/hooks";
import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { credit, number } from "../ui/format.tsx";
import { problemText } from "../ui/problem-text.ts";
import { toast } from "../ui/toast.tsx";
import type { Product } from "./basket.ts";
import { LongNumber } from "./long-number.tsx";
import { add, basket, isEmpty } from "./order.ts";
import { categories, isLoading, isOnline, load, products } from "./shop.ts";
import { t } from "./texts.ts";

/** What the store sells, to press. */
export function ProductGrid() {
	const [query, setQuery] = useState("");
	const [category, setCategory] = useState<string | null>(null);
	const shown = products.value.filter(
		(product) => (category === null || product.category === category) && matches(product, query),
	);
	const pressFirst = (event: Event) => {
		event.preventDefault();
		const [first] = shown;
		if (!first || !query) return;
		add(first.id);
		setQuery("");
	};
	return (
		<>
			<div class="shelf-head">
				<form class="field" onSubmit={pressFirst}>
					<input
						id="search"
						type="search"
						value={query}
						placeholder={t().search}
						aria-label={t().search}
						autoComplete="off"
						enterKeyHint="done"
						onInput={({ currentTarget }) => setQuery(currentTarget.value)}
					/>
				</form>
				{!isEmpty.value && (
					<button type="button" class="button primary skip" onClick={skipToPay}>
						{t().skipToPay}
					</button>
				)}
				<fieldset class="categories">
					<legend class="hidden-text">{t().categories}</legend>
					{[null, ...categories.value].map((each) => (
						<button
							key={each}
							type="button"
							class="button chip"
							aria-pressed={each === category}
							onClick={() => setCategory(each)}
						>
							{each ?? t().all}
						</button>
					))}
				</fieldset>
			</div>
			<Shelf shown={shown} query={query} />
		</>
	);
}

/** Past hundreds of products. On a phone the way to pay is the bar that opens the basket; what is not shown takes no focus. */
function skipToPay(): void {
	for (const way of [".basket-bar", ".basket .pay"]) document.querySelector<HTMLElement>(way)?.focus();
}

/** By name, or by the beginning of its number. */
function matches({ name, sku }: Product, query: string): boolean {
	const wanted = query.trim().toLowerCase();
	return name.toLowerCase().includes(wanted) || sku.toLowerCase().startsWith(wanted);
}

function Shelf({ shown, query }: { readonly shown: readonly Product[]; readonly query: string }) {
	if (isLoading.value) return isOnline.value ? <Waiting /> : <Empty icon="offline" text={t().offlineProducts} />;
	if (products.value.length === 0)
		return (
			<Empty icon="shop" text={t().noProducts}>
				<Button onPress={reload}>{t().reload}</Button>
			</Empty>
		);
	if (shown.length === 0) return <Empty icon="search" text={t().noMatch(query)} />;
	return (
		<ul class="products">
			{shown.map((product) => (
				<li key={product.id}>
					<Tile product={product} />
				</li>
			))}
		</ul>
	);
}

export async function reload(): Promise<void> {
	const problem = await load();
	toast(problem ? problemText(problem) : t().reloaded, problem ? "danger" : "plain");
}

function Waiting() {
	return (
		<div class="products" aria-busy="true">
			{Array.from({ length: 12 }, (_, index) => (
				<div key={index} class="skeleton product" />
			))}
		</div>
	);
}

function Tile({ product: { id, name, category, price, photoId } }: { readonly product: Product }) {
	const count = basket.value.lines.find(({ productId }) => productId === id)?.quantity ?? 0;
	// Without a network there are those that the browser has kept.
	const [isMissing, setMissing] = useState(false);
	const hue = categories.value.indexOf(category) % 6;
	return (
		<button type="button" class={`product hue-${hue}`} onClick={() => add(id)}>
			<span class="hidden-text">{t().addProduct(name, credit(price))}</span>
			{photoId && !isMissing ? (
				<img src={`/v1/photos/${photoId}`} alt="" loading="lazy" decoding="async" onError={() => setMissing(true)} />
			) : (
				<span class="no-photo" aria-hidden="true">
					{[...name][0]}
				</span>
			)}
			<span class="product-name" aria-hidden="true">
				{name}
			</span>
			<span class="product-price" aria-hidden="true">
				<LongNumber value={price} />
			</span>
			{count > 0 && (
				<span class="badge" aria-hidden="true">
					{number(count)}
				</span>
			)}
		</button>
	);
}
