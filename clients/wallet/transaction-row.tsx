import { Amount, shortDayText, timeText } from "../ui/format.tsx";
import { Icon, type IconName } from "../ui/icon.tsx";
import { Link } from "../ui/router.tsx";
import { t } from "./texts.ts";
import type { Transaction } from "./wallet.ts";

const icons: Readonly<Record<Transaction["kind"], IconName>> = {
	charge: "charge",
	sale: "shop",
	p2p: "user",
	refund: "refund",
	payout: "coin",
	adjustment: "settings",
};

/** Who is on the other side, as a person would say it. */
export const otherSide = ({ kind, counterparty }: Transaction): string =>
	kind === "charge" ? t().kinds.charge : counterparty || t().kinds[kind];

export const receiptPath = ({ transferId }: Transaction): string => `/receipt/${encodeURIComponent(transferId)}`;

/** @param when what is not clear from where it stands */
export function TransactionRow({
	transaction,
	when,
}: {
	readonly transaction: Transaction;
	readonly when: "day" | "time";
}) {
	const { kind, amount, note, postedAtMs, refunded, items } = transaction;
	const isIn = amount > 0;
	const what = note ?? items.map(({ name }) => name).join(", ");
	return (
		<li>
			<Link to={receiptPath(transaction)} class="transaction">
				<span class={`transaction-icon ${isIn ? "in" : ""}`}>
					<Icon name={icons[kind]} />
				</span>
				<span class="transaction-what">
					<strong>{otherSide(transaction)}</strong>
					<span class="soft small cut">
						{when === "day" ? `${shortDayText(postedAtMs)} ` : ""}
						{timeText(postedAtMs)}
						{what ? ` · ${what}` : ""}
					</span>
				</span>
				<span class={`transaction-amount ${isIn ? "in" : ""} ${refunded > 0 && refunded === -amount ? "undone" : ""}`}>
					<Amount value={amount} sign="always" />
				</span>
			</Link>
		</li>
	);
}
