import { useState } from "preact/hooks";
import { useAction } from "../ui/action.ts";
import { Submit } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { Form } from "../ui/form.tsx";
import { problemText } from "../ui/problem-text.ts";
import { useLeaving } from "../ui/router.tsx";
import { toast } from "../ui/toast.tsx";
import { t } from "./texts.ts";
import { Top } from "./top.tsx";
import { client, me } from "./wallet.ts";

export default function Password() {
	const texts = t().password;
	const leave = useLeaving();
	const [given, setGiven] = useState({ currentPassword: "", newPassword: "" });
	const [wrong, setWrong] = useState<Partial<typeof given>>({});
	const [isBusy, change] = useAction(async () => {
		if (given.newPassword.length < 8) return setWrong({ newPassword: t().signUp.passwordShort });
		setWrong({});
		const done = await client().call("auth.changePassword", given);
		if (!done.ok) {
			const text = problemText(done.problem);
			return setWrong(done.problem.code === "invalid_credentials" ? { currentPassword: text } : { newPassword: text });
		}
		toast(texts.done);
		leave("/settings");
	});
	return (
		<div class="narrow stack">
			<Top to="/settings">{texts.title}</Top>
			<Form noValidate onSubmit={change}>
				{/* So that password managers know whose it is. */}
				<input type="text" class="hidden-text" autoComplete="username" value={me.value?.handle ?? ""} readOnly hidden />
				<Field
					label={texts.now}
					type="password"
					autoComplete="current-password"
					maxLength={128}
					value={given.currentPassword}
					error={wrong.currentPassword}
					onText={(currentPassword) => setGiven({ ...given, currentPassword })}
				/>
				<Field
					label={texts.next}
					hint={t().signUp.passwordHint}
					type="password"
					autoComplete="new-password"
					maxLength={128}
					value={given.newPassword}
					error={wrong.newPassword}
					onText={(newPassword) => setGiven({ ...given, newPassword })}
				/>
				<p class="soft small">{texts.hint}</p>
				<Submit isBusy={isBusy}>{texts.submit}</Submit>
			</Form>
		</div>
	);
}
