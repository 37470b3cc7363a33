import { useState } from "preact/hooks";
import type { Problem } from "../sdk/problem.ts";
import { useAction } from "../ui/action.ts";
import { Submit } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { Form } from "../ui/form.tsx";
import { problemText } from "../ui/problem-text.ts";
import { Link } from "../ui/router.tsx";
import { t } from "./texts.ts";
import { Top } from "./top.tsx";
import { client } from "./wallet.ts";

const HANDLE = /^[a-z0-9][a-z0-9._]{1,28}[a-z0-9]$/;

type Given = { readonly displayName: string; readonly handle: string; readonly password: string };
type Wrong = Partial<Given>;

export function SignUp() {
	const texts = t().signUp;
	const [given, setGiven] = useState<Given>({ displayName: "", handle: "", password: "" });
	const [wrong, setWrong] = useState<Wrong>({});
	const [isBusy, signUp] = useAction(async () => {
		const found = wrongIn(given);
		setWrong(found);
		if (Object.keys(found).length > 0) return;
		const { handle, password } = given;
		const made = await client().call("user.signUp", { ...given, displayName: given.displayName.trim() });
		if (!made.ok) return setWrong(wrongBy(made.problem));
		const entered = await client().call("auth.login", { handle, password });
		// Who is in has no screen of this name, and is led home.
		if (!entered.ok) setWrong({ password: problemText(entered.problem) });
	});
	const field = (name: keyof Given) => ({
		name,
		value: given[name],
		error: wrong[name],
		onText: (text: string) => setGiven({ ...given, [name]: text }),
	});
	return (
		<main class="narrow stack">
			<Top to="/">{texts.title}</Top>
			<Form noValidate onSubmit={signUp}>
				<Field
					{...field("displayName")}
					label={texts.displayName}
					hint={texts.displayNameHint}
					autoComplete="name"
					required
					maxLength={60}
				/>
				<Field
					{...field("handle")}
					label={t().logIn.handle}
					hint={texts.handleHint}
					autoComplete="username"
					autoCapitalize="none"
					required
					maxLength={30}
				/>
				<Field
					{...field("password")}
					label={t().logIn.password}
					hint={texts.passwordHint}
					type="password"
					autoComplete="new-password"
					required
					maxLength={128}
				/>
				<Submit isBusy={isBusy}>{texts.submit}</Submit>
			</Form>
			<p class="soft small centered">
				<Link to="/login">{texts.have}</Link>
			</p>
		</main>
	);
}

function wrongIn({ displayName, handle, password }: Given): Wrong {
	const { nameWrong, handleWrong, passwordShort } = t().signUp;
	return {
		...(displayName.trim() === "" && { displayName: nameWrong }),
		...(!HANDLE.test(handle) && { handle: handleWrong }),
		...(password.length < 8 && { password: passwordShort }),
	};
}

/** Beside the field that it is about. */
function wrongBy(problem: Problem): Wrong {
	const text = problemText(problem);
	if (problem.code === "handle_taken") return { handle: text };
	const at = problem.errors?.[0]?.at ?? "";
	if (/displayName/.test(at)) return { displayName: text };
	return /handle/.test(at) ? { handle: text } : { password: text };
}
