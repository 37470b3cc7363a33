import { useRef, useState } from "preact/hooks";
import { Choice } from "../ui/choice.tsx";
import { Field } from "../ui/field.tsx";
import { toast } from "../ui/toast.tsx";
import { ask } from "./operator.ts";
import { Reason } from "./reason.tsx";
import { t } from "./texts.ts";

type Props = { readonly accountId: string; readonly onClose: () => void; readonly onDone: () => void };

/** Gives an account credit, or takes some. One dialog is one intention: sent again, it has the same key. */
export function Adjust({ accountId, onClose, onDone }: Props) {
	const [direction, setDirection] = useState<"give" | "take">("give");
	const [amount, setAmount] = useState("");
	const [error, setError] = useState<string>();
	const intention = useRef({ said: "", key: crypto.randomUUID() });
	const adjust = async (reason: string) => {
		const value = Number(amount.replaceAll(",", ""));
		if (!Number.isSafeInteger(value) || value < 1) {
			setError(t().notANumber);
			return false;
		}
		setError(undefined);
		const asked = { accountId, direction, amount: value, reason };
		const said = JSON.stringify(asked);
		if (intention.current.said !== said) intention.current = { said, key: crypto.randomUUID() };
		const made = await ask("operator.adjust", { ...asked, idempotencyKey: intention.current.key });
		if (!made) return false;
		toast(made.state === "pending" ? t().waitsForSecond : t().done);
		onDone();
		return true;
	};
	return (
		<Reason title={t().adjust} onDo={adjust} onClose={onClose}>
			<p>{accountId}</p>
			<Choice
				label={t().direction}
				value={direction}
				options={[
					["give", t().give],
					["take", t().take],
				]}
				onChoose={setDirection}
			/>
			<Field label={t().amount} inputMode="numeric" required maxLength={17} error={error} onText={setAmount} />
		</Reason>
	);
}
