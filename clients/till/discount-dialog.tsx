import { useState } from "preact/hooks";
import { Button } from "../ui/button.tsx";
import { Choice } from "../ui/choice.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { wholeNumberIn } from "../ui/whole-number.ts";
import { type Basket, isDiscountAllowed } from "./basket.ts";
import { basket } from "./order.ts";
import { t } from "./texts.ts";

type Kind = "percent" | "amount";
const usual = [5, 10, 15, 20, 30, 50];

export function DiscountDialog({ maxPercent, onClose }: { readonly maxPercent: number; readonly onClose: () => void }) {
	const { discount } = basket.value;
	const [kind, setKind] = useState<Kind>(discount && "amount" in discount ? "amount" : "percent");
	const [text, setText] = useState(discount ? String("amount" in discount ? discount.amount : discount.percent) : "");
	const [error, setError] = useState<string>();
	const give = (next: Basket["discount"]) => {
		const wanted = { ...basket.value, discount: next };
		if (next && !isDiscountAllowed(wanted, maxPercent)) return setError(t().discountMax(maxPercent));
		basket.value = wanted;
		onClose();
	};
	const save = (event: Event) => {
		event.preventDefault();
		const value = wholeNumberIn(text) ?? 0;
		if (value < 1 || (kind === "percent" && value > 99)) return setError(t().discountWrong);
		give(kind === "percent" ? { percent: value } : { amount: value });
	};
	return (
		<Dialog title={t().discountTitle} onClose={onClose}>
			<form class="stack" noValidate onSubmit={save}>
				<div class="quick">
					{usual
						.filter((percent) => percent <= maxPercent)
						.map((percent) => (
							<Button key={percent} onPress={() => give({ percent })}>
								{percent}%
							</Button>
						))}
				</div>
				<Choice
					label={t().discountTitle}
					value={kind}
					options={[
						["percent", t().percent],
						["amount", t().amount],
					]}
					onChoose={setKind}
				/>
				<Field
					label={kind === "percent" ? t().percent : t().amount}
					hint={t().discountMax(maxPercent)}
					error={error}
					inputMode="numeric"
					value={text}
					onText={(next) => {
						setError(undefined);
						setText(next);
					}}
				/>
				<button type="submit" class="button primary wide">
					{t().save}
				</button>
				{discount && <Button onPress={() => give(null)}>{t().discountNone}</Button>}
				<Button look="quiet" onPress={onClose}>
					{t().cancel}
				</Button>
			</form>
		</Dialog>
	);
}
