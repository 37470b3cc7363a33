import type { Problem } from "../sdk/problem.ts";
import { Icon } from "../ui/icon.tsx";
import { LogInForm } from "../ui/log-in-form.tsx";
import { problemText } from "../ui/problem-text.ts";
import { Title } from "../ui/title.tsx";
import { call, hasEnded } from "./person.ts";
import { t } from "./texts.ts";

const ended: Problem = { code: "session_ended", status: 401, title: "The session has ended" };

export function Login() {
	const foot = (
		<p class="small soft">
			{t().noAccount} <a href="/wallet/">{t().signUp}</a>
		</p>
	);
	return (
		<main class="narrow">
			<LogInForm
				class="card"
				foot={foot}
				logIn={async (said) => {
					const done = await call("auth.login", said);
					return done.ok ? undefined : problemText(done.problem);
				}}
			>
				<Icon name="shop" />
				<Title app={t().name}>{t().loginTitle}</Title>
				{hasEnded.value && (
					<p class="notice warn" role="status">
						{problemText(ended)}
					</p>
				)}
			</LogInForm>
		</main>
	);
}
