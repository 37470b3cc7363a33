import { useState } from "preact/hooks";
import { useAction } from "../ui/action.ts";
import { Submit } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { Form } from "../ui/form.tsx";
import { problemText } from "../ui/problem-text.ts";
import { useLeaving } from "../ui/router.tsx";
import { toast } from "../ui/toast.tsx";
import { AmountField } from "./amount-field.tsx";
import { t } from "./texts.ts";
import { Top } from "./top.tsx";
import { client, me, readMe } from "./wallet.ts";

export default function Profile() {
	const texts = t().profile;
	const now = me.value;
	return (
		<div class="narrow stack">
			<Top to="/settings">{texts.title}</Top>
			{now && <Edit key={now.userId} displayName={now.displayName} confirmAbove={now.limits.confirmAbove} />}
		</div>
	);
}

type Given = { readonly displayName: string; readonly confirmAbove: number };

function Edit(before: Given) {
	const texts = t().profile;
	const leave = useLeaving();
	const [given, setGiven] = useState<Given>(before);
	const [wrong, setWrong] = useState<{ displayName?: string; confirmAbove?: string }>({});
	const [isBusy, save] = useAction(async () => {
		const displayName = given.displayName.trim();
		if (displayName === "") return setWrong({ displayName: t().signUp.nameWrong });
		if (given.confirmAbove < 1) return setWrong({ confirmAbove: texts.wrong });
		setWrong({});
		const done = await client().call("user.edit", { displayName, confirmAbove: given.confirmAbove });
		if (!done.ok) return setWrong({ displayName: problemText(done.problem) });
		await readMe();
		toast(texts.saved);
		leave("/settings");
	});
	return (
		<Form noValidate onSubmit={save}>
			<Field
				label={t().signUp.displayName}
				hint={t().signUp.displayNameHint}
				name="displayName"
				autoComplete="name"
				maxLength={60}
				value={given.displayName}
				error={wrong.displayName}
				onText={(displayName) => setGiven({ ...given, displayName })}
			/>
			<AmountField
				label={texts.confirmAbove}
				hint={texts.confirmHint}
				value={given.confirmAbove}
				error={wrong.confirmAbove}
				onAmount={(confirmAbove) => setGiven({ ...given, confirmAbove })}
			/>
			<Submit isBusy={isBusy}>{t().save}</Submit>
		</Form>
	);
}
