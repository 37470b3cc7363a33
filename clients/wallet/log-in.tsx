import { LogInForm } from "../ui/log-in-form.tsx";
import { problemText } from "../ui/problem-text.ts";
import { Link } from "../ui/router.tsx";
import { t } from "./texts.ts";
import { Top } from "./top.tsx";
import { client } from "./wallet.ts";

export function LogIn() {
	const { title, none } = t().logIn;
	return (
		<main class="narrow stack">
			<Top to="/">{title}</Top>
			<LogInForm
				logIn={async (said) => {
					const done = await client().call("auth.login", said);
					// Who is in has no screen of this name, and is led home.
					return done.ok ? undefined : problemText(done.problem);
				}}
			/>
			<p class="soft small centered">
				{none} <Link to="/signup">{t().welcome.signUp}</Link>
			</p>
		</main>
	);
}
