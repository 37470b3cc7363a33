import type { Result } from "../actions.ts";
import { Auditor, type Discrepancy } from "./audit.ts";
import type { RunningLedger } from "./running-ledger.ts";

const GROUPS_AT_ONCE = 256;
const ACCOUNTS_AT_ONCE = 1_000;

/** Reads the log from its beginning and holds it, and the read model, against the rules. Payments go on meanwhile. */
export async function auditLedger(ledger: RunningLedger): Promise<Result<"credit.audit">> {
	const startedAt = performance.now();
	const auditor = new Auditor();
	const discrepancy = (await checkLog(ledger, auditor)) ?? auditor.finish() ?? (await checkReadModel(ledger, auditor));
	return {
		clean: discrepancy === null,
		discrepancy,
		groups: auditor.head.sequence,
		entries: auditor.entries,
		refused: auditor.refused,
		accounts: auditor.accounts.size,
		transfers: auditor.transfers.size,
		inCirculation: inCirculation(auditor),
		headSequence: auditor.head.sequence,
		headHash: auditor.head.hash,
		tookMs: Math.round(performance.now() - startedAt),
	};
}

async function checkLog({ journal }: RunningLedger, auditor: Auditor): Promise<Discrepancy | null> {
	for (;;) {
		const groups = await journal.read({ fromSequence: auditor.head.sequence + 1, groupsMax: GROUPS_AT_ONCE });
		if (groups.length === 0) return null;
		for (const group of groups) {
			const discrepancy = auditor.check(group);
			if (discrepancy) return discrepancy;
		}
	}
}

/** Only comparable while nothing is booked in between: tried again with the groups that came meanwhile, a few times. */
async function checkReadModel(ledger: RunningLedger, auditor: Auditor): Promise<Discrepancy | null> {
	let found: Discrepancy | null = null;
	for (let attempt = 0; attempt < 5; attempt++) {
		await ledger.readModel.reached(auditor.head.sequence);
		found = await compareAccounts(ledger, auditor);
		if (!found) return null;
		const broken = await checkLog(ledger, auditor);
		if (broken) return broken;
	}
	return found;
}

async function compareAccounts({ readModel }: RunningLedger, auditor: Auditor): Promise<Discrepancy | null> {
	let seen = 0;
	for (let afterId = ""; ; ) {
		const accounts = await readModel.everyAccount({ afterId, limit: ACCOUNTS_AT_ONCE });
		const last = accounts.at(-1);
		if (!last) break;
		for (const account of accounts) {
			const discrepancy = auditor.compare(account);
			if (discrepancy) return discrepancy;
		}
		seen += accounts.length;
		afterId = last.id;
	}
	if (seen === auditor.accounts.size) return null;
	const what = `the read model has ${seen} accounts, the log ${auditor.accounts.size}`;
	return { sequence: auditor.head.sequence, position: null, what };
}

function inCirculation({ accounts }: Auditor): number {
	let sum = 0;
	for (const { kind, creditsPosted, debitsPosted } of accounts.values()) {
		if (kind !== "system") sum += creditsPosted - debitsPosted;
	}
	return sum;
}
