import type { Result } from "../actions.ts";
import type { Discrepancy } from "./audit.ts";
import type { AuditHandlers } from "./audit-worker.ts";
import type { Group } from "./journal.ts";
import type { OperatorLog } from "./operator-log.ts";
import type { RunningLedger } from "./running-ledger.ts";
import { WorkerLink } from "./worker-link.ts";

/** A page goes through this thread, which has payments to answer: many small groups, or few large ones. */
const PAGE_CHARACTERS = 500_000;
const GROUPS_AT_ONCE = 512;
const ACCOUNTS_AT_ONCE = 1_000;

/** How far the log is checked, of what it was at the beginning, and the transfers up to there. */
export type AuditProgress = { readonly sequence: number; readonly of: number; readonly transfers: number };
type Report = (progress: AuditProgress) => void;

type Options = {
	/** Without it no operator may have changed anything. */
	readonly operations?: Pick<OperatorLog, "after">;
	readonly onProgress?: Report;
};

/**
 * Reads the log, up to the end that it has now, and holds it against the rules; then the read model and what operators wrote down against the log.
 * Payments go on meanwhile, and memory does not grow with the log.
 */
export async function auditLedger(
	ledger: RunningLedger,
	{ operations: lines = { after: async () => [] }, onProgress = () => {} }: Options = {},
): Promise<Result<"credit.audit">> {
	const startedAt = performance.now();
	const worker = new WorkerLink<AuditHandlers>(new URL("./audit-worker.ts", import.meta.url), undefined);
	try {
		const next = await readLines({ lines, worker, from: 0, isBefore: true });
		const discrepancy = await firstDiscrepancy({ ledger, worker, onProgress });
		if (next !== null) await readLines({ lines, worker, from: next, isBefore: false });
		const operations = await worker.call("operations", { isLedgerRight: discrepancy === null });
		const summary = await worker.call("summary", undefined);
		const tookMs = Math.round(performance.now() - startedAt);
		return { clean: discrepancy === null && operations.clean, discrepancy, operations, ...summary, tookMs };
	} finally {
		// Its scratch file would stay until the process ends.
		await worker.call("close", undefined).finally(() => worker.close());
	}
}

type Reading = {
	readonly lines: Pick<OperatorLog, "after">;
	readonly worker: WorkerLink<AuditHandlers>;
	readonly from: number;
	/** Before the ledger is read. */
	readonly isBefore: boolean;
};

/** @returns up to where, or null when one of them is wrong */
async function readLines({ lines, worker, from, isBefore }: Reading): Promise<number | null> {
	let next: number | null = from;
	while (next !== null) {
		const page = await lines.after(next);
		if (page.length === 0) break;
		next = await worker.call("lines", { page, isBefore });
	}
	return next;
}

type Run = { readonly ledger: RunningLedger; readonly worker: WorkerLink<AuditHandlers>; readonly onProgress: Report };

async function firstDiscrepancy(run: Run): Promise<Discrepancy | null> {
	const { journal } = run.ledger;
	const head = await journal.head();
	const wrong = await checkLog(run, { from: 1, to: head.sequence });
	if (wrong) return wrong;
	await run.ledger.reached(head.sequence);
	await compareAccounts(run);
	// What was booked meanwhile may be in the read model already.
	const { sequence: to } = await journal.head();
	return (await checkLog(run, { from: head.sequence + 1, to })) ?? (await run.worker.call("finish", undefined));
}

type Range = { readonly from: number; readonly to: number };

async function checkLog({ ledger, worker, onProgress }: Run, { from, to }: Range): Promise<Discrepancy | null> {
	const page = (fromSequence: number, alike: readonly Group[] = []) => {
		const groupsMax = Math.min(groupsOfPage(alike), to + 1 - fromSequence);
		return groupsMax > 0 ? ledger.journal.read({ fromSequence, groupsMax }) : [];
	};
	let next = from;
	for (let groups = await page(next); groups.length > 0; ) {
		next = (groups.at(-1)?.sequence ?? to) + 1;
		// One page is read while the one before it is checked.
		const [checked, following] = await Promise.all([worker.call("check", groups), page(next, groups)]);
		if (checked.discrepancy) return checked.discrepancy;
		onProgress({ sequence: next - 1, of: to, transfers: checked.transfers });
		groups = following;
	}
	return next > to ? null : { sequence: next, position: null, what: `the log ends before group ${to}` };
}

/** How many groups make a page, if they are like those of the last one. */
function groupsOfPage(alike: readonly Group[]): number {
	const characters = alike.reduce((sum, { body }) => sum + body.length, 1);
	return Math.min(Math.max(Math.floor((PAGE_CHARACTERS * alike.length) / characters), 1), GROUPS_AT_ONCE);
}

async function compareAccounts({ ledger, worker }: Run): Promise<void> {
	for (let afterId: string | undefined = ""; afterId !== undefined; ) {
		const accounts = await ledger.readModel.everyAccount({ afterId, limit: ACCOUNTS_AT_ONCE });
		await worker.call("compare", accounts);
		afterId = accounts.at(-1)?.id;
	}
}
