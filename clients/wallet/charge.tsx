import { useState } from "preact/hooks";
import { useAction } from "../ui/action.ts";
import { Submit } from "../ui/button.tsx";
import { Checking } from "../ui/checking.tsx";
import { Form } from "../ui/form.tsx";
import { number } from "../ui/format.tsx";
import { useLeaving } from "../ui/router.tsx";
import { toast } from "../ui/toast.tsx";
import { AmountField } from "./amount-field.tsx";
import { carryOut, isUnsettled } from "./intention.ts";
import { useRefusal } from "./settling.tsx";
import { t } from "./texts.ts";
import { Top } from "./top.tsx";
import { account, me, readMe } from "./wallet.ts";

const steps = [5_000, 10_000, 50_000, 100_000];

export default function Charge() {
	const texts = t().charge;
	const leave = useLeaving();
	const [amount, setAmount] = useState(0);
	const [error, setError] = useState<string>();
	const [isChecking, setChecking] = useState(false);
	const refuse = useRefusal("user.charge", setError);
	const most = me.value?.limits.chargeMax ?? 0;
	const [isBusy, charge] = useAction(async () => {
		if (isUnsettled.value) return;
		if (amount < 1) return setError(t().profile.wrong);
		if (most > 0 && amount > most) return setError(texts.most(most));
		setError(undefined);
		const done = await carryOut("user.charge", { amount }, () => setChecking(true));
		setChecking(false);
		if (!done.ok) return refuse(done.problem, amount);
		toast(texts.done(amount));
		await readMe();
		leave("/");
	});
	const choose = (next: number) => {
		setAmount(next);
		setError(undefined);
	};
	return (
		<div class="narrow stack">
			<Top to="/">{texts.title}</Top>
			<Form noValidate onSubmit={charge}>
				<AmountField
					label={texts.how}
					value={amount}
					hint={
						amount > 0 && amount <= most && account.value
							? texts.after(account.value.balance + amount)
							: texts.most(most)
					}
					error={error}
					onAmount={choose}
				/>
				<div class="chips">
					{steps.map((step) => (
						<button
							key={step}
							type="button"
							class="button chip number"
							onClick={() => choose(Math.min(amount + step, most || amount + step))}
						>
							+{number(step)}
						</button>
					))}
				</div>
				{isChecking && <Checking text={t().checking} />}
				<Submit isBusy={isBusy || isUnsettled.value}>{texts.submit(amount)}</Submit>
			</Form>
		</div>
	);
}
