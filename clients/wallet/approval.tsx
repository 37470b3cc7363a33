import { useEffect, useState } from "preact/hooks";
import { Button } from "../ui/button.tsx";
import { useSecondsUntil } from "../ui/countdown.ts";
import { Dialog } from "../ui/dialog.tsx";
import { Amount, credit } from "../ui/format.tsx";
import { toast } from "../ui/toast.tsx";
import { t } from "./texts.ts";
import { type Approval, approvals, client, readMe, say } from "./wallet.ts";

/** A sale above the limit waits: whichever screen is open, the person is asked. */
export function Approvals() {
	const [first] = approvals.value;
	return first ? <Ask key={first.id} approval={first} /> : null;
}

function Ask({ approval }: { readonly approval: Approval }) {
	const texts = t().approval;
	const { id, storeId, storeName, total, items, untilMs } = approval;
	const seconds = useSecondsUntil(untilMs);
	const [key] = useState({ confirm: crypto.randomUUID(), decline: crypto.randomUUID() });
	const done = () => {
		approvals.value = approvals.value.filter((other) => other.id !== id);
	};
	useEffect(() => {
		if (seconds > 0) return;
		toast(texts.over, "danger");
		done();
	}, [seconds === 0]);
	const decide = async (decision: "confirm" | "decline") => {
		// What was shown is what is decided on: a shop cannot change it in between.
		const decided = await client().call("store.decide", {
			id,
			storeId,
			total,
			decision,
			idempotencyKey: key[decision],
		});
		if (!decided.ok) say(decided.problem);
		else toast(decision === "confirm" ? texts.approved : texts.declined);
		if (decided.ok || decided.problem.status < 500) done();
		await readMe();
	};
	return (
		<Dialog title={texts.title} onClose={() => {}}>
			<dl class="facts">
				<div>
					<dt>{texts.store}</dt>
					<dd>{storeName}</dd>
				</div>
				{items.map(({ name, quantity, amount }) => (
					<div key={name}>
						<dt>
							{name} <span class="number">× {quantity}</span>
						</dt>
						<dd class="number">{credit(amount)}</dd>
					</div>
				))}
				<div class="facts-sum">
					<dt>{texts.total}</dt>
					<dd>
						<Amount value={total} />
					</dd>
				</div>
			</dl>
			<p class="soft small number" role="timer">
				{texts.left(seconds)}
			</p>
			<div class="pair">
				<Button class="large" onPress={() => decide("decline")}>
					{texts.no}
				</Button>
				<Button look="primary" class="large" onPress={() => decide("confirm")}>
					{texts.yes}
				</Button>
			</div>
		</Dialog>
	);
}
