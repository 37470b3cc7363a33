import { useState } from "preact/hooks";
import type { Result } from "../../services/actions.ts";
import type { Outcome } from "../sdk/problem.ts";
import { Button } from "../ui/button.tsx";
import { Choice } from "../ui/choice.tsx";
import { Empty } from "../ui/empty.tsx";
import { Field } from "../ui/field.tsx";
import { Amount } from "../ui/format.tsx";
import { Loaded, useLoaded } from "../ui/loaded.tsx";
import { Title } from "../ui/title.tsx";
import { ImportDialog } from "./import-dialog.tsx";
import { call } from "./person.ts";
import { ProductDialog } from "./product-dialog.tsx";
import { t } from "./texts.ts";

export type Product = Result<"store.getProduct">;
type State = Product["state"];
/** Fewer are all seen at once. */
const SEARCH_FROM = 10;
const wordsIn = (text: string): string => text.normalize("NFKC").toLowerCase();
type Open = Product | "new" | "import" | null;

export function Products({ storeId }: { readonly storeId: string }) {
	const [state, setState] = useState<State>("active");
	const [open, setOpen] = useState<Open>(null);
	const [sought, setSought] = useState("");
	const products = useLoaded(() => allProducts(storeId, state), `${storeId} ${state}`);
	const isSought = ({ name, category, sku }: Product) =>
		wordsIn(`${name} ${category} ${sku}`).includes(wordsIn(sought.trim()));
	const close = () => {
		setOpen(null);
		void products.again();
	};
	return (
		<main class="page stack">
			<div class="row spread wrap">
				<Title app={t().name}>{t().products}</Title>
				<div class="row wrap">
					<Button onPress={() => setOpen("import")}>{t().import}</Button>
					<Button look="primary" onPress={() => setOpen("new")}>
						{t().add}
					</Button>
				</div>
			</div>
			<Choice
				label={t().products}
				value={state}
				options={[
					["active", t().showActive],
					["archived", t().showArchived],
				]}
				onChoose={setState}
			/>
			{(products.value?.length ?? 0) > SEARCH_FROM && (
				<Field label={t().search} type="search" inputMode="search" value={sought} onText={setSought} />
			)}
			<Loaded of={products}>
				{(all) =>
					!all.some(isSought) ? (
						<Empty icon="shop" text={all.length > 0 ? t().noneFound : t().none[state]} />
					) : (
						<ul class="list card product-list">
							{all.filter(isSought).map((product) => (
								<li key={product.id}>
									<button type="button" class="product-row" onClick={() => setOpen(product)}>
										<Thumb product={product} />
										<span class="product-row-name">
											<strong>{product.name}</strong>
											<span class="soft small">
												{product.category} · {product.sku}
											</span>
										</span>
										<Amount value={product.price} />
									</button>
								</li>
							))}
						</ul>
					)
				}
			</Loaded>
			{open === "import" && <ImportDialog storeId={storeId} onClose={close} />}
			{open !== null && open !== "import" && (
				<ProductDialog storeId={storeId} product={open === "new" ? null : open} onClose={close} />
			)}
		</main>
	);
}

export function Thumb({ product: { photoId, name } }: { readonly product: Pick<Product, "photoId" | "name"> }) {
	return photoId ? (
		<img class="thumb" src={`/v1/photos/${photoId}`} alt="" loading="lazy" />
	) : (
		<span class="thumb" aria-hidden="true">
			{[...name][0]}
		</span>
	);
}

type Page = Result<"store.listProducts">;

export async function allProducts(storeId: string, state: State): Promise<Outcome<readonly Product[]>> {
	const all: Product[] = [];
	for (let cursor: string | null = ""; cursor !== null; ) {
		const query = { storeId, state, limit: 100 };
		const asked: typeof query & { cursor?: string } = cursor ? { ...query, cursor } : query;
		const page: Outcome<Page> = await call("store.listProducts", asked);
		if (!page.ok) return page;
		all.push(...page.value.items);
		cursor = page.value.nextCursor;
	}
	const byName = (left: Product, right: Product) =>
		left.category.localeCompare(right.category) || left.name.localeCompare(right.name);
	return { ok: true, value: all.sort(byName), isReplay: false };
}
