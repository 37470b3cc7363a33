import { useId } from "preact/hooks";
import { number } from "../ui/format.tsx";
import { language } from "../ui/i18n.ts";

type Props = {
	readonly label: string;
	readonly value: number;
	readonly hint: string;
	readonly error?: string | undefined;
	readonly onAmount: (amount: number) => void;
};

/** So much no field holds: the platform says where its limit is. */
const DIGITS_MAX = 12;

/** An amount, written large, with its separators as it is typed. */
export function AmountField({ label, value, hint, error, onAmount }: Props) {
	const id = useId();
	return (
		<div class={`amount-field ${error ? "wrong" : ""}`}>
			<label for={id}>{label}</label>
			<div class="amount-line">
				<input
					id={id}
					inputMode="numeric"
					autoComplete="off"
					enterKeyHint="done"
					placeholder="0"
					value={value > 0 ? number(value) : ""}
					aria-describedby={`${id}-hint`}
					aria-invalid={error ? true : undefined}
					onInput={({ currentTarget }) => {
						const digits = currentTarget.value.replace(/\D/g, "").slice(0, DIGITS_MAX);
						const amount = Number(digits);
						// What is not a digit is taken back at once.
						currentTarget.value = amount > 0 ? number(amount) : "";
						onAmount(amount);
					}}
				/>
				<span aria-hidden="true">{language.value === "ko" ? "닢" : "credit"}</span>
			</div>
			<p id={`${id}-hint`} class={error ? "error small" : "soft small"} role={error ? "alert" : undefined}>
				{error ?? hint}
			</p>
		</div>
	);
}
