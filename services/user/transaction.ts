import { csvPageOf } from "../../mixins/csv-export.ts";
import type { Result } from "../actions.ts";

type StatementLine = Result<"credit.statement">["items"][number];
export type Transaction = Result<"user.listTransactions">["items"][number];

type Receipt = {
	readonly note?: string | null;
	readonly reason?: string | null;
	readonly items?: Transaction["items"];
	readonly discount?: number;
};

/** A line of the ledger's statement as the wallet's owner reads it. The words come from the receipt, as they were then. */
export function toTransaction(line: StatementLine): Transaction {
	const { transferId, kind, amount, balanceAfter, postedAtMs, refunded, reference } = line;
	const details = line.details as Receipt;
	return {
		transferId,
		kind,
		amount,
		balanceAfter,
		postedAtMs,
		counterparty: counterpartyOf(line),
		note: details.note ?? details.reason ?? null,
		items: (details.items ?? []).map(({ name, unitPrice, quantity, amount }) => ({
			name,
			unitPrice,
			quantity,
			amount,
		})),
		discount: details.discount ?? 0,
		refunded,
		reference,
	};
}

function counterpartyOf({ kind, amount, details }: StatementLine): string {
	const { storeName, from, to } = details as { storeName?: string; from?: string; to?: string };
	if (kind === "p2p") return (amount < 0 ? to : from) ?? "";
	return storeName ?? "Hannip";
}

const COLUMNS = ["time", "kind", "counterparty", "amount", "balance_after", "note", "transfer_id"];

export const transactionsCsvOf = (page: Result<"credit.statement">, isFirst: boolean) =>
	csvPageOf(page, { columns: COLUMNS, rowOf, isFirst });

function rowOf(line: StatementLine) {
	const { postedAtMs, kind, counterparty, amount, balanceAfter, note, transferId } = toTransaction(line);
	return {
		time: new Date(postedAtMs).toISOString(),
		kind,
		counterparty,
		amount,
		balance_after: balanceAfter,
		note,
		transfer_id: transferId,
	};
}
