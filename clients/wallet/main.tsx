import { render } from "preact";
import { Toasts } from "../ui/toast.tsx";
import "../ui/theme.ts";
import "../ui/ui.css";
import { Title } from "../ui/title.tsx";
import { t } from "./texts.ts";

function App() {
	return (
		<>
			<main class="stack">
				<Title app={t().name}>{t().welcome}</Title>
			</main>
			<Toasts />
		</>
	);
}

render(<App />, document.getElementById("app") as HTMLElement);
