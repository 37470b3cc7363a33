import { LanguageChoice } from "../ui/looks.tsx";
import { Link } from "../ui/router.tsx";
import { Title } from "../ui/title.tsx";
import { Coin } from "./coin.tsx";
import { t } from "./texts.ts";

export function Welcome() {
	const { title, text, signUp, logIn, insecure } = t().welcome;
	return (
		<main class="welcome">
			<div class="welcome-art" aria-hidden="true">
				<Coin />
			</div>
			<div class="welcome-words">
				<Title app={t().name}>{title}</Title>
				<p class="soft">{text}</p>
			</div>
			{isSecureContext ? (
				<div class="stack">
					<Link to="/signup" class="button primary large">
						{signUp}
					</Link>
					<Link to="/login" class="button large">
						{logIn}
					</Link>
				</div>
			) : (
				<p class="notice danger" role="alert">
					{insecure}
				</p>
			)}
			<LanguageChoice />
		</main>
	);
}
