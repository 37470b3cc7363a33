import { useState } from "preact/hooks";
import { useAction } from "../ui/action.ts";
import { Submit } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { Icon } from "../ui/icon.tsx";
import { problemText } from "../ui/problem-text.ts";
import { Title } from "../ui/title.tsx";
import { call } from "./person.ts";
import { t } from "./texts.ts";

export function Login() {
	const [handle, setHandle] = useState("");
	const [password, setPassword] = useState("");
	const [error, setError] = useState<string>();
	const [isBusy, login] = useAction(async () => {
		const outcome = await call("auth.login", { handle: handle.trim(), password });
		if (!outcome.ok) setError(problemText(outcome.problem));
	});
	return (
		<main class="narrow">
			<form
				class="card stack"
				noValidate
				onSubmit={(event) => {
					event.preventDefault();
					setError(undefined);
					login();
				}}
			>
				<Icon name="shop" />
				<Title app={t().name}>{t().loginTitle}</Title>
				<Field label={t().handle} value={handle} autoComplete="username" autoCapitalize="none" onText={setHandle} />
				<Field
					label={t().password}
					type="password"
					value={password}
					autoComplete="current-password"
					error={error}
					onText={setPassword}
				/>
				<Submit isBusy={isBusy}>{t().login}</Submit>
				<p class="small soft">
					{t().noAccount} <a href="/wallet/">{t().signUp}</a>
				</p>
			</form>
		</main>
	);
}
