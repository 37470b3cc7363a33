import { useEffect } from "preact/hooks";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Amount, momentText } from "../ui/format.tsx";
import { Icon } from "../ui/icon.tsx";
import { go } from "../ui/router.tsx";
import { toast } from "../ui/toast.tsx";
import { chime } from "./chime.ts";
import { t } from "./texts.ts";
import { receiptPath } from "./transaction-row.tsx";
import { arrived, type Transaction } from "./wallet.ts";

/** What has just happened: a payment fills the screen, what came in is said in passing. */
export function Arrived() {
	const transaction = arrived.value;
	const isPaid = transaction?.kind === "sale" && transaction.amount < 0;
	useEffect(() => {
		if (!transaction) return;
		if (isPaid) return chime();
		tellInPassing(transaction);
		arrived.value = null;
	}, [transaction, isPaid]);
	return transaction && isPaid ? <Paid transaction={transaction} /> : null;
}

function tellInPassing({ kind, amount, counterparty }: Transaction): void {
	if (amount <= 0) return;
	const { received, refunded } = t().paid;
	if (kind === "p2p") toast(received(counterparty, amount));
	if (kind === "refund") toast(refunded(counterparty, amount));
}

function Paid({ transaction }: { readonly transaction: Transaction }) {
	const { title, receipt, left } = t().paid;
	const { amount, counterparty, items, postedAtMs, balanceAfter } = transaction;
	const close = () => {
		arrived.value = null;
	};
	return (
		<Dialog title={title} onClose={close}>
			<div class="paid">
				<span class="paid-mark">
					<Icon name="check" />
				</span>
				<p class="paid-amount">
					<Amount value={-amount} />
				</p>
				<p class="paid-store">{counterparty}</p>
				<p class="soft small cut">{items.map(({ name, quantity }) => `${name} × ${quantity}`).join(", ")}</p>
				<p class="soft small">{momentText(postedAtMs)}</p>
				<p class="small">{left(balanceAfter)}</p>
			</div>
			<div class="pair">
				<Button
					class="large"
					onPress={() => {
						close();
						go(receiptPath(transaction));
					}}
				>
					{receipt}
				</Button>
				<Button
					look="primary"
					class="large"
					onPress={() => {
						close();
						go("/", "replace");
					}}
				>
					{t().confirm}
				</Button>
			</div>
		</Dialog>
	);
}
