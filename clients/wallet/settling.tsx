import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Problem } from "../sdk/problem.ts";
import { Checking } from "../ui/checking.tsx";
import { credit } from "../ui/format.tsx";
import { problemText } from "../ui/problem-text.ts";
import { toast } from "../ui/toast.tsx";
import { type Intention, isUntold, leaveUnsettled, settleOpen } from "./intention.ts";
import { t } from "./texts.ts";
import { readMe } from "./wallet.ts";

/** Somebody left the page, or the screen, while they charged or sent: they shall know what became of it, wherever they are. */
export function Settling() {
	useEffect(() => void tellWhatBecame(), []);
	return isUntold.value && <Checking text={t().checking} />;
}

async function tellWhatBecame(): Promise<void> {
	const settled = await settleOpen();
	if (!settled) return;
	const { intention, isDone } = settled;
	tell(intention.name, intention.said.amount, isDone);
	if (isDone) await readMe();
}

function tell(name: Intention["name"], amount: number, isDone: boolean): void {
	const what = name === "user.charge" ? t().settled.charge : t().settled.send;
	toast(what(credit(amount), isDone), isDone ? "plain" : "danger");
}

/**
 * For a screen that charges or sends.
 *
 * @param show on the screen
 * @returns says why it was not done: on the screen, or to who has left it meanwhile
 */
export function useRefusal(name: Intention["name"], show: (text: string) => void) {
	const isHere = useRef(true);
	useLayoutEffect(
		() => () => {
			isHere.current = false;
			leaveUnsettled();
		},
		[],
	);
	return (problem: Problem, amount: number): void => {
		if (isHere.current) show(problemText(problem));
		else tell(name, amount, false);
	};
}
