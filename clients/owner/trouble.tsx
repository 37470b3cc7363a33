import type { Problem } from "../sdk/problem.ts";
import { Button } from "../ui/button.tsx";
import { problemText } from "../ui/problem-text.ts";
import { t } from "./texts.ts";

type Props = { readonly problem: Problem; readonly again: () => Promise<void> };

/** Why something is not there, and another try. */
export function Trouble({ problem, again }: Props) {
	return (
		<div class="notice danger" role="alert">
			<span>{problemText(problem)}</span>
			<Button class="small-button" onPress={again}>
				{t().again}
			</Button>
		</div>
	);
}
