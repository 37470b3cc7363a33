import { useEffect, useState } from "preact/hooks";
import { Checking } from "../ui/checking.tsx";
import { Choice } from "../ui/choice.tsx";
import { Field } from "../ui/field.tsx";
import { credit } from "../ui/format.tsx";
import { problemText } from "../ui/problem-text.ts";
import { toast } from "../ui/toast.tsx";
import { wholeNumberIn } from "../ui/whole-number.ts";
import { beginAdjustment, resumeAdjustment, type SettledAdjustment } from "./adjustment.ts";
import { Reason } from "./reason.tsx";
import { t } from "./texts.ts";

type Props = { readonly accountId: string; readonly onClose: () => void; readonly onDone: () => Promise<unknown> };

/** Gives an account credit, or takes some. */
export function Adjust({ accountId, onClose, onDone }: Props) {
	const [direction, setDirection] = useState<"give" | "take">("give");
	const [text, setText] = useState("");
	const [error, setError] = useState<string>();
	const [isDoubtful, setDoubtful] = useState(false);
	const amount = wholeNumberIn(text);
	const isRight = amount !== undefined && Number.isSafeInteger(amount) && amount >= 1;
	const adjust = async (reason: string) => {
		setError(isRight ? undefined : t().notANumber);
		if (!isRight) return null;
		const settled = await beginAdjustment({ accountId, direction, amount, reason }, () => setDoubtful(true));
		setDoubtful(false);
		if (settled === "elsewhere") onClose();
		else if (settled.ok) tell(settled);
		await onDone();
		return settled === "elsewhere" ? null : settled;
	};
	return (
		<Reason
			title={t().adjust}
			deed={isRight ? t().adjustBy[direction](credit(amount)) : t()[direction]}
			onDo={adjust}
			onClose={onClose}
		>
			<p>{accountId}</p>
			{isDoubtful && <Checking />}
			<Choice
				label={t().direction}
				value={direction}
				options={[
					["give", t().give],
					["take", t().take],
				]}
				onChoose={setDirection}
			/>
			<Field label={t().amount} inputMode="numeric" required maxLength={17} error={error} onText={setText} />
		</Reason>
	);
}

/** Goes on with an adjustment of which it is not known what became, as after a reload. @returns whether there is one */
export function useDoubt(accountId: string, onDone: () => Promise<unknown>): boolean {
	const [isDoubtful, setDoubtful] = useState(false);
	useEffect(() => {
		void resumeAdjustment(accountId, () => setDoubtful(true)).then((settled) => {
			setDoubtful(false);
			if (settled) tell(settled);
			if (settled) void onDone();
		});
	}, [accountId]);
	return isDoubtful;
}

function tell(settled: SettledAdjustment): void {
	if (settled === "elsewhere") return;
	if (settled.ok)
		toast(settled.value.state === "pending" ? t().waitsForSecond : t().adjusted(credit(settled.value.change)));
	// Whoever has to come in again sees that.
	else if (settled.problem.status !== 401) toast(problemText(settled.problem), "danger");
}
