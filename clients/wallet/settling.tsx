import { useEffect } from "preact/hooks";
import { credit } from "../ui/format.tsx";
import { toast } from "../ui/toast.tsx";
import { isUntold, settleOpen } from "./intention.ts";
import { t } from "./texts.ts";
import { readMe } from "./wallet.ts";

/** Somebody left the page, or the screen, while they charged or sent: they shall know what became of it, wherever they are. */
export function Settling() {
	useEffect(() => void tellWhatBecame(), []);
	return (
		isUntold.value && (
			<p class="notice warn" role="status">
				{t().checking}
			</p>
		)
	);
}

async function tellWhatBecame(): Promise<void> {
	const settled = await settleOpen();
	if (!settled) return;
	const { intention, isDone } = settled;
	const what = intention.name === "user.charge" ? t().settled.charge : t().settled.send;
	toast(what(credit(intention.said.amount), isDone), isDone ? "plain" : "danger");
	if (isDone) await readMe();
}
