import { DURATION_BUCKETS_S, type Metrics } from "../../mixins/metrics.ts";
import type { Result } from "../actions.ts";
import { type CommitObserver, UnknownOutcome, type Written } from "./group-commit.ts";
import { type AccountId, balanceOf, type Entry, type TransferKind } from "./model.ts";
import { movedBy } from "./read-model.ts";
import type { RunningLedger } from "./running-ledger.ts";

/** What operators call what moved. */
const movements: Record<TransferKind, string> = {
	charge: "charged",
	sale: "paid",
	p2p: "sent",
	refund: "refunded",
	payout: "paid_out",
	adjustment: "adjusted",
};
/** Where credit comes from, and where it goes: what these lack, people and shops have. */
const OUTSIDE = ["system:funding", "system:settlement", "system:fees", "system:adjustment"] as AccountId[];
const GROUP_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];

/** What the ledger does, measured from the outside of its core. What was booked is counted by the process that appended it, so that it is counted once. */
export class LedgerMetrics implements CommitObserver {
	readonly #metrics: Metrics;
	readonly #credits;
	readonly #transfers;
	readonly #refusals;
	readonly #codes;
	readonly #groups;
	readonly #appends;
	readonly #waits;
	readonly #retries;
	readonly #failures;
	readonly #audit;

	constructor(metrics: Metrics) {
		this.#metrics = metrics;
		this.#credits = metrics.counter({
			name: "hannip_credits_total",
			help: "Credits that moved, or that were held, by what for",
			labelNames: ["movement"],
		});
		this.#transfers = metrics.counter({
			name: "hannip_transfers_total",
			help: "Transfers that moved credit, or holds, by what for",
			labelNames: ["movement"],
		});
		for (const movement of [...Object.values(movements), "held"]) {
			this.#credits.inc({ movement }, 0);
			this.#transfers.inc({ movement }, 0);
		}
		this.#refusals = metrics.counter({
			name: "hannip_ledger_refusals_total",
			help: "Commands that the ledger refused, by why",
			labelNames: ["reason"],
		});
		this.#codes = metrics.counter({
			name: "hannip_codes_redeemed_total",
			help: "Payment codes that were used up, whether the payment went through or not",
			labelNames: [],
		});
		this.#groups = metrics.histogram({
			name: "hannip_ledger_group_entries",
			help: "Entries of the groups that this process appended",
			buckets: GROUP_BUCKETS,
		});
		this.#appends = metrics.histogram({
			name: "hannip_ledger_append_duration_seconds",
			help: "How long it took until a group was durable",
			buckets: DURATION_BUCKETS_S,
		});
		this.#waits = metrics.histogram({
			name: "hannip_ledger_wait_duration_seconds",
			help: "How long commands waited until the append of their group began",
			buckets: DURATION_BUCKETS_S,
		});
		this.#retries = metrics.counter({
			name: "hannip_ledger_retries_total",
			help: "Groups that had to be decided anew, by why: another process had appended, or something in it was in the log",
			labelNames: ["why"],
		});
		for (const why of ["conflict", "duplicate"]) this.#retries.inc({ why }, 0);
		this.#failures = metrics.counter({
			name: "hannip_ledger_failures_total",
			help: "Groups that could not be appended, or of which that is not known",
			labelNames: ["outcome"],
		});
		for (const outcome of ["unavailable", "unknown"]) this.#failures.inc({ outcome }, 0);
		this.#audit = {
			clean: metrics.gauge({
				name: "hannip_audit_clean",
				help: "1 if the last audit in this process found nothing wrong, else 0",
			}),
			time: metrics.gauge({
				name: "hannip_audit_timestamp_seconds",
				help: "When the last audit in this process ended",
			}),
			duration: metrics.gauge({
				name: "hannip_audit_duration_seconds",
				help: "How long the last audit in this process took",
			}),
		};
		// There is no value yet, and 0 would be one.
		for (const gauge of Object.values(this.#audit)) gauge.remove();
	}

	/** What is asked when somebody looks. */
	read(ledger: RunningLedger): void {
		const { readModel } = ledger;
		const reads: readonly (readonly [string, string, () => number | Promise<number>])[] = [
			["hannip_ledger_queue_commands", "Commands that wait for the next group", () => ledger.waiting],
			["hannip_ledger_sequence", "How far this process knows the log", () => ledger.sequence],
			["hannip_ledger_read_model_lag_groups", "Groups that the read model lacks", () => ledger.readModelLag.groups],
			[
				"hannip_ledger_read_model_lag_seconds",
				"How far the read model is behind the log",
				() => ledger.readModelLag.ms / 1_000,
			],
			[
				"hannip_ledger_read_model_backlog_bytes",
				"What waits in memory for the read model",
				() => readModel.backlogBytes,
			],
			["hannip_credits_held", "What open holds keep from their wallets", () => ledger.held],
			["hannip_credits_in_circulation", "What people and shops have", () => inCirculation(ledger)],
			[
				"hannip_ledger_drift_credits",
				"What all that was booked since this process started adds up to: 0",
				() => ledger.drift,
			],
		];
		for (const [name, help, read] of reads) this.#metrics.reads(name, help, read);
	}

	appended(entries: readonly Entry[]): void {
		for (const entry of entries) {
			if (entry.refusal) this.#refusals.inc({ reason: entry.refusal });
			if (entry.redeemed) this.#codes.inc();
			const moved = movedBy(entry);
			const held = entry.created?.state === "pending" ? entry.created : undefined;
			if (moved) this.#moved(movements[moved.kind], moved.amount);
			if (held) this.#moved("held", held.amount);
		}
	}

	#moved(movement: string, amount: number): void {
		this.#credits.inc({ movement }, amount);
		this.#transfers.inc({ movement });
	}

	written({ entryCount, tookMs, waitedMs }: Written): void {
		this.#groups.observe(entryCount);
		this.#appends.observe(tookMs / 1_000);
		for (const ms of waitedMs) this.#waits.observe(ms / 1_000);
	}

	retried(why: "conflict" | "duplicate"): void {
		this.#retries.inc({ why });
	}

	failed(error: unknown): void {
		this.#failures.inc({ outcome: error instanceof UnknownOutcome ? "unknown" : "unavailable" });
	}

	audited({ clean, tookMs }: Result<"credit.audit">): void {
		this.#audit.clean.set(clean ? 1 : 0);
		this.#audit.time.set(Date.now() / 1_000);
		this.#audit.duration.set(tookMs / 1_000);
	}
}

async function inCirculation(ledger: RunningLedger): Promise<number> {
	const accounts = await Promise.all(OUTSIDE.map((id) => ledger.account(id)));
	return 0 - accounts.reduce((sum, account) => sum + (account ? balanceOf(account) : 0), 0);
}
