import { useState } from "preact/hooks";
import { useAction } from "../ui/action.ts";
import { Submit } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { problemText } from "../ui/problem-text.ts";
import { go, Link } from "../ui/router.tsx";
import { t } from "./texts.ts";
import { Top } from "./top.tsx";
import { client } from "./wallet.ts";

export function LogIn() {
	const { title, handle, password, submit, none } = t().logIn;
	const [given, setGiven] = useState({ handle: "", password: "" });
	const [error, setError] = useState<string>();
	const [isBusy, logIn] = useAction(async () => {
		setError(undefined);
		const done = await client().call("auth.login", given);
		if (done.ok) go("/", "replace");
		else setError(problemText(done.problem));
	});
	return (
		<main class="narrow stack">
			<Top to="/">{title}</Top>
			<form
				class="stack"
				onSubmit={(event) => {
					event.preventDefault();
					logIn();
				}}
			>
				<Field
					label={handle}
					name="username"
					autoComplete="username"
					autoCapitalize="none"
					required
					maxLength={64}
					value={given.handle}
					onText={(text) => setGiven({ ...given, handle: text.trim() })}
				/>
				<Field
					label={password}
					name="password"
					type="password"
					autoComplete="current-password"
					required
					maxLength={128}
					value={given.password}
					error={error}
					onText={(text) => setGiven({ ...given, password: text })}
				/>
				<Submit isBusy={isBusy}>{submit}</Submit>
			</form>
			<p class="soft small centered">
				{none} <Link to="/signup">{t().welcome.signUp}</Link>
			</p>
		</main>
	);
}
