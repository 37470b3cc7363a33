import { setPriority } from "node:os";
import type { Result } from "../actions.ts";
import { Auditor, type Discrepancy } from "./audit.ts";
import { Comparison } from "./audit-comparison.ts";
import { OperationsAudit } from "./audit-operations.ts";
import type { Group } from "./journal.ts";
import type { Account } from "./model.ts";
import type { LineDocument } from "./operator-log.ts";
import { serve } from "./worker-link.ts";

// The thread behind `auditLedger`, one for each audit: payments do not wait for it.

// They come first where both want the processor, and so does nothing that they may have to wait for, such as the read model's thread,
// which has the same priority (Linux; elsewhere it would be the whole process's).
if (process.platform === "linux") setPriority(19);

const auditor = new Auditor();
const operations = new OperationsAudit(auditor.scratch);
let comparison: Comparison | null = null;

function check(groups: readonly Group[]): { discrepancy: Discrepancy | null; transfers: number } {
	let discrepancy: Discrepancy | null = null;
	for (const group of groups) {
		discrepancy = auditor.check(group);
		if (discrepancy) break;
		comparison?.settle(group);
		operations.group(group);
	}
	return { discrepancy, transfers: auditor.transfers.size };
}

function compare(accounts: readonly Account[]): void {
	comparison ??= new Comparison(auditor);
	comparison.take(accounts);
}

type Summary = Omit<Result<"credit.audit">, "clean" | "discrepancy" | "operations" | "tookMs">;

function summary(): Summary {
	const { head, entries, refused, accounts, transfers } = auditor;
	let inCirculation = 0;
	for (const [, { kind, creditsPosted, debitsPosted }] of accounts) {
		if (kind !== "system") inCirculation += creditsPosted - debitsPosted;
	}
	return {
		groups: head.sequence,
		entries,
		refused,
		accounts: accounts.size,
		transfers: transfers.size,
		inCirculation,
		headSequence: head.sequence,
		headHash: head.hash,
	};
}

const handlers = {
	check,
	compare,
	finish: (_: undefined) => auditor.finish() ?? comparison?.finish() ?? null,
	summary: (_: undefined) => summary(),
	lines: (read: { page: readonly LineDocument[]; isBefore: boolean }) => operations.lines(read),
	operations: (ledger: { isLedgerRight: boolean }) => operations.finish(ledger),
	close: (_: undefined) => auditor.close(),
};
export type AuditHandlers = typeof handlers;

serve(handlers);
