import { useState } from "preact/hooks";
import { useAction } from "../ui/action.ts";
import { Button, Submit } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { Form } from "../ui/form.tsx";
import { problemText } from "../ui/problem-text.ts";
import { toast } from "../ui/toast.tsx";
import { t } from "./texts.ts";
import { client, readMe, say } from "./wallet.ts";

type Props = { readonly onClose: () => void };

export function Freeze({ onClose }: Props) {
	const { title, text, submit, done } = t().freeze;
	const freeze = async () => {
		const frozen = await client().call("user.freeze", {});
		if (!frozen.ok) return say(frozen.problem);
		await readMe();
		toast(done);
		onClose();
	};
	return (
		<Dialog title={title} onClose={onClose}>
			<p class="soft">{text}</p>
			<div class="pair">
				<Button class="large" onPress={onClose}>
					{t().cancel}
				</Button>
				<Button look="danger" class="large" onPress={freeze}>
					{submit}
				</Button>
			</div>
		</Dialog>
	);
}

/** Needs the password: whoever found the phone unlocked must not. */
export function Unfreeze({ onClose }: Props) {
	const { openTitle, openSubmit, opened } = t().freeze;
	const [password, setPassword] = useState("");
	const [error, setError] = useState<string>();
	const [isBusy, unfreeze] = useAction(async () => {
		setError(undefined);
		const done = await client().call("user.unfreeze", { password });
		if (!done.ok) return setError(problemText(done.problem));
		await readMe();
		toast(opened);
		onClose();
	});
	return (
		<Dialog title={openTitle} onClose={onClose}>
			<Form onSubmit={unfreeze}>
				<Field
					label={t().logIn.password}
					type="password"
					name="password"
					autoComplete="current-password"
					required
					maxLength={128}
					value={password}
					error={error}
					onText={setPassword}
				/>
				<Submit isBusy={isBusy}>{openSubmit}</Submit>
				<Button look="quiet" onPress={onClose}>
					{t().cancel}
				</Button>
			</Form>
		</Dialog>
	);
}
