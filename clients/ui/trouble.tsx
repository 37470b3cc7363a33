import type { Problem } from "../sdk/problem.ts";
import { Button } from "./button.tsx";
import { dictionary } from "./i18n.ts";
import { problemText } from "./problem-text.ts";

const t = dictionary({ ko: { again: "다시 시도" }, en: { again: "Try again" } });

/** Why something is not there, and another try. */
export function Trouble({ problem, again }: { readonly problem: Problem; readonly again: () => unknown }) {
	return (
		<div class="notice danger" role="alert">
			<span>{problemText(problem)}</span>
			<Button class="small-button" onPress={again}>
				{t().again}
			</Button>
		</div>
	);
}
