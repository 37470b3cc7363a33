import { render } from "preact";
import { useState } from "preact/hooks";
import { useAction } from "../ui/action.ts";
import { Button, Submit } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { Looks } from "../ui/looks.tsx";
import { problemText } from "../ui/problem-text.ts";
import { Link, later, path } from "../ui/router.tsx";
import "../ui/theme.ts";
import { Title } from "../ui/title.tsx";
import { Toasts } from "../ui/toast.tsx";
import "../ui/ui.css";
import "./console.css";
import { Form } from "../ui/form.tsx";
import { client, enter, hasEnded, leave } from "./operator.ts";
import { t } from "./texts.ts";

const screens = {
	live: later(() => import("./live.tsx")),
	find: later(() => import("./find.tsx")),
	books: later(() => import("./books.tsx")),
	adjustments: later(() => import("./adjustments.tsx")),
	keys: later(() => import("./keys.tsx")),
	log: later(() => import("./log.tsx")),
};
const names = Object.keys(screens) as (keyof typeof screens)[];

function App() {
	const named = path.value.split("/")[1] as keyof typeof screens;
	const name = names.includes(named) ? named : "live";
	const Screen = screens[name];
	return (
		<>
			<header class="top">
				<strong>{t().name}</strong>
				{client.value && (
					<nav aria-label={t().nav}>
						{names.map((each) => (
							<Link key={each} to={`/${each}`} class={each === name ? "here" : ""}>
								{t()[each]}
							</Link>
						))}
					</nav>
				)}
				<div class="row wrap choices">
					<Looks />
					{client.value && (
						<Button look="quiet" onPress={leave}>
							{t().leave}
						</Button>
					)}
				</div>
			</header>
			{client.value ? <Screen /> : <Enter />}
			<Toasts />
		</>
	);
}

function Enter() {
	const [token, setToken] = useState("");
	const [error, setError] = useState<string>();
	const [isBusy, start] = useAction(async () => {
		const problem = await enter(token.trim());
		if (problem) setError(problem.code === "unauthenticated" ? t().wrongToken : problemText(problem));
	});
	return (
		<main class="stack enter">
			<Title app={t().name}>{t().name}</Title>
			{hasEnded.value && (
				<p class="notice warn" role="alert">
					{t().ended}
				</p>
			)}
			<Form
				class="card stack"
				onSubmit={() => {
					setError(undefined);
					start();
				}}
			>
				<Field
					label={t().token}
					hint={t().tokenHint}
					type="password"
					autoComplete="off"
					required
					error={error}
					onText={setToken}
				/>
				<Submit isBusy={isBusy}>{t().enter}</Submit>
			</Form>
		</main>
	);
}

render(<App />, document.getElementById("app") as HTMLElement);
