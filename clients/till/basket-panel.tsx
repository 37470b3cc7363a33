import { useState } from "preact/hooks";
import { AMOUNT_MAX } from "../../services/amount.ts";
import { Button } from "../ui/button.tsx";
import { Amount, number } from "../ui/format.tsx";
import { Icon } from "../ui/icon.tsx";
import { go } from "../ui/router.tsx";
import { wholeNumberIn } from "../ui/whole-number.ts";
import { type Basket, countOf, discountOf, isDiscountAllowed, type Line, subtotalOf, totalOf } from "./basket.ts";
import { DiscountDialog } from "./discount-dialog.tsx";
import { LongNumber } from "./long-number.tsx";
import { NoteDialog } from "./note-dialog.tsx";
import { basket, basketMaxText, emptied, empty, isEmpty, park, parked, restore, setQuantity } from "./order.ts";
import { ParkedDialog } from "./parked-dialog.tsx";
import { till } from "./shop.ts";
import { t } from "./texts.ts";
import { Undo } from "./undo.tsx";

const TITLE = "basket-title";

type Open = "discount" | "note" | "parked" | null;

/** @param onClose back to the products, where the two do not fit beside each other */
export function BasketPanel({ onClose }: { readonly onClose: () => void }) {
	const [open, setOpen] = useState<Open>(null);
	const close = () => setOpen(null);
	const maxPercent = till.value?.discountMaxPercent ?? 0;
	const now = basket.value;
	const wrong = whyNotPayable(now, maxPercent);
	return (
		<section class="basket" aria-labelledby={TITLE}>
			<header class="basket-head">
				<Button look="quiet" class="round basket-close" label={t().back} onPress={onClose}>
					<Icon name="back" />
				</Button>
				<h2 id={TITLE} tabIndex={-1}>
					{t().basket}
				</h2>
				<Button class="small-button" onPress={() => setOpen("parked")}>
					{t().parkedCount(parked.value.length)}
				</Button>
			</header>
			{isEmpty.value ? <Nothing /> : <Lines lines={now.lines} />}
			<footer class="basket-foot">
				<div class="row basket-tools">
					{maxPercent > 0 && (
						<button
							type="button"
							id="discount"
							class="button small-button"
							disabled={isEmpty.value}
							onClick={() => setOpen("discount")}
						>
							{t().discount}
						</button>
					)}
					<Button class="small-button" onPress={() => setOpen("note")}>
						{t().note}
						{now.note && " ✓"}
					</Button>
					<button
						type="button"
						class="button small-button"
						disabled={isEmpty.value}
						onClick={() => {
							park();
							if (isEmpty.value) focusTitle();
						}}
					>
						{t().park}
					</button>
					<button type="button" class="button small-button" disabled={isEmpty.value} onClick={empty}>
						{t().clear}
					</button>
				</div>
				<Sums basket={now} />
				{wrong && (
					<p class="notice danger" role="alert">
						{wrong}
					</p>
				)}
				<button
					type="button"
					class="button primary wide pay"
					disabled={isEmpty.value || wrong !== null}
					onClick={() => go("/pay")}
				>
					<span>{t().pay}</span>
					{!isEmpty.value && <LongNumber value={totalOf(now)} />}
				</button>
			</footer>
			{open === "discount" && <DiscountDialog maxPercent={maxPercent} onClose={close} />}
			{open === "note" && <NoteDialog onClose={close} />}
			{open === "parked" && <ParkedDialog onClose={close} />}
		</section>
	);
}

/** Prices and the till's rights may have become others since it was filled. */
function whyNotPayable(now: Basket, maxPercent: number): string | null {
	if (subtotalOf(now) > AMOUNT_MAX) return basketMaxText();
	return now.discount === null || isDiscountAllowed(now, maxPercent) ? null : t().discountWrong;
}

/** What had the focus is gone, or cannot be pressed any more. */
const focusTitle = (): void => document.getElementById(TITLE)?.focus();

/** The keyboard goes on at the line below, or above: this one is about to go. */
function focusNeighbour(line: Element | null): void {
	const neighbour = line?.nextElementSibling ?? line?.previousElementSibling;
	if (neighbour) neighbour.querySelector("button")?.focus();
	else focusTitle();
}

function Nothing() {
	return (
		<div class="basket-empty soft">
			{emptied.value ? (
				<Undo
					text={t().cleared}
					onUndo={() => {
						restore();
						focusTitle();
					}}
				/>
			) : (
				<p>{t().emptyBasket}</p>
			)}
		</div>
	);
}

function Lines({ lines }: { readonly lines: readonly Line[] }) {
	return (
		<ul class="lines">
			{lines.map(({ productId, name, price, quantity }) => (
				<li key={productId}>
					<span class="line-name">{name}</span>
					<span class="line-amount">
						<LongNumber value={price * quantity} />
					</span>
					<span class="stepper">
						<button
							type="button"
							class="button round"
							aria-label={quantity === 1 ? t().remove(name) : t().fewer(name)}
							onClick={({ currentTarget }) => {
								if (quantity === 1) focusNeighbour(currentTarget.closest("li"));
								setQuantity(productId, quantity - 1);
							}}
						>
							−
						</button>
						<input
							type="text"
							inputMode="numeric"
							value={quantity}
							aria-label={t().quantity(name)}
							onFocus={({ currentTarget }) => currentTarget.select()}
							onChange={({ currentTarget }) => {
								const wanted = wholeNumberIn(currentTarget.value);
								// What is not taken as it was typed must not stay there: where nothing changes, nothing is drawn.
								currentTarget.value = String(quantity);
								if (wanted === 0) focusNeighbour(currentTarget.closest("li"));
								if (wanted !== undefined) setQuantity(productId, wanted);
							}}
						/>
						<button
							type="button"
							class="button round"
							aria-label={t().more(name)}
							onClick={() => setQuantity(productId, quantity + 1)}
						>
							+
						</button>
					</span>
				</li>
			))}
		</ul>
	);
}

function Sums({ basket: now }: { readonly basket: Basket }) {
	const discount = discountOf(now);
	return (
		<dl class="sums" aria-live="polite">
			{discount > 0 && (
				<>
					<div>
						<dt>{t().subtotal}</dt>
						<dd class="number">{number(subtotalOf(now))}</dd>
					</div>
					<div>
						<dt>
							{t().discount}
							{now.discount && "percent" in now.discount ? ` ${now.discount.percent}%` : ""}
						</dt>
						<dd class="number">{number(-discount)}</dd>
					</div>
				</>
			)}
			<div class="sum">
				<dt>
					{t().total} <span class="soft small">{t().items(countOf(now))}</span>
				</dt>
				<dd>
					<Amount isLong value={totalOf(now)} />
				</dd>
			</div>
		</dl>
	);
}
